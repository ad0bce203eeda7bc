// Says hello, and which version of it answered; the example runs two versions and splits the requests between them.
import { createServer } from 'node:http';
import { listen } from './listen.ts';

const version = process.env['VERSION'] ?? '1';

listen(
  createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(
      `${JSON.stringify({ hello: 'world', version, youAre: request.headers['x-forwarded-for'] })}\n`,
    );
  }),
);
