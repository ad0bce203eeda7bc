// Takes its time: `?ms=500` says how much, up to ten seconds; three seconds when nothing is said.
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const DEFAULT_MS = 3000;
const LONGEST_MS = 10_000;

listen(
  createServer((request, response) => {
    const asked = Number(/[?&]ms=(\d{1,5})(?:&|$)/.exec(request.url ?? '')?.[1] ?? DEFAULT_MS);
    const ms = Math.min(asked, LONGEST_MS);
    const timer = setTimeout(() => {
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`That took ${ms} ms.\n`);
    }, ms);
    response.on('close', () => clearTimeout(timer));
  }),
);
