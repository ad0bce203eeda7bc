// Tells whose token it was sent and by whom that was issued; of the token itself it shows nothing. It trusts one issuer, ISSUER, and is AUDIENCE.
import { createServer } from 'node:http';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { listen } from './listen.ts';

const issuer = process.env['ISSUER'] ?? '';
const audience = process.env['AUDIENCE'] ?? '';
const keys = createRemoteJWKSet(new URL(`${issuer}/jwks`));

listen(
  createServer((request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    jwtVerify(token, keys, { issuer, audience }).then(
      ({ payload: { sub, iss, aud, scope, exp } }) => {
        const expires = new Date((exp ?? 0) * 1000).toISOString();
        const cookies = request.headers.cookie ?? 'none';
        answer(200, { user: sub, issuer: iss, audience: aud, scope, expires, cookies });
      },
      () => answer(401, { error: 'This service wants a token of its own issuer.' }),
    );

    function answer(status: number, body: object): void {
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(`${JSON.stringify(body, null, 2)}\n`);
    }
  }),
);
