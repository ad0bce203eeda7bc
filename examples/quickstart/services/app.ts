// The page that the gateway is the confidential client of: it has no secret and sees no token.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const files: Readonly<Record<string, readonly [name: string, type: string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/app.js': ['app.js', 'text/javascript; charset=utf-8'],
};

listen(
  createServer((request, response) => {
    const [name, type] = files[request.url?.split('?', 1)[0] ?? ''] ?? [];
    if (name === undefined || type === undefined) {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('no such page\n');
      return;
    }
    response.writeHead(200, {
      'content-type': type,
      'content-security-policy': "default-src 'self'; style-src 'unsafe-inline'",
    });
    response.end(readFileSync(new URL(`../app/${name}`, import.meta.url)));
  }),
);
