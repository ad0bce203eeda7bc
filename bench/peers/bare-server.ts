/** A server that only answers: what an idle connection costs in Node itself. Argument: the port. */
import { createServer, type Socket } from 'node:net';

const answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}';

function onData(this: Socket): void {
  this.write(answer, 'latin1');
}

function onError(this: Socket): void {
  this.destroy();
}

createServer({ noDelay: true }, (socket) => {
  socket.on('data', onData).on('error', onError);
}).listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
