// Fails in the way that the path's last segment says: `reset`, `truncate`, `garbage`, or with status 500.
import { createServer } from 'node:http';
import { listen } from './listen.ts';

listen(
  createServer((request, response) => {
    const kind = (request.url ?? '').split('?')[0]?.split('/').at(-1);
    switch (kind) {
      case 'reset':
        // No answer at all.
        request.socket.resetAndDestroy();
        return;
      case 'truncate':
        // Promises a hundred octets and leaves after some of them.
        response.writeHead(200, { 'content-type': 'text/plain', 'content-length': '100' });
        response.write('Half an ans', () => request.socket.destroy());
        return;
      case 'garbage':
        // Not HTTP.
        request.socket.end('What did you say?\r\n\r\n');
        return;
      default:
        response.writeHead(500, { 'content-type': 'text/plain' }).end('Something broke here.\n');
    }
  }),
);
