// A WebSocket that sends back what it is sent.
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';
import { listen } from './listen.ts';

const MAX_MESSAGE_BYTES = 64 * 1024;

const server = createServer((_request, response) => {
  response.writeHead(426, { 'content-type': 'text/plain', upgrade: 'websocket', connection: 'upgrade' });
  response.end('Speak WebSocket here.\n');
});

new WebSocketServer({ server, maxPayload: MAX_MESSAGE_BYTES }).on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', () => socket.terminate());
});

listen(server);
