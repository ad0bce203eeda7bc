// Server-Sent Events: the time, once a second, for as long as somebody listens.
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const EVERY_MS = 1000;

listen(
  createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const tick = () => response.write(`event: tick\ndata: ${new Date().toISOString()}\n\n`);
    tick();
    const timer = setInterval(tick, EVERY_MS);
    response.on('close', () => clearInterval(timer));
  }),
);
