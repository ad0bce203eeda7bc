// Two identity providers behind one port, at /company and /forge, with the users alice and bob, whose passwords are their names.
import { DevProviders } from '../../../src/main/dev-provider/server.ts';

const port = Number(process.env['PORT'] ?? 0);
const gateway = `http://localhost:${process.env['GATEWAY_PORT'] ?? 8080}`;

// What portcullis.yaml says of the gateway, as the providers know it.
const client = {
  client_id: 'portcullis',
  client_secret: 'the-secret-of-an-example-is-none',
  redirect_uris: [`${gateway}/auth/callback`],
  post_logout_redirect_uris: [`${gateway}/auth/logout/done`],
  grant_types: ['authorization_code', 'refresh_token'],
};

const own = { clients: [client], accessTokens: 'jwt', accessTokenTtlMs: 60_000 } as const;
await DevProviders.start({
  host: 'localhost',
  port,
  issuers: {
    company: { ...own, audience: 'urn:example:projects' },
    forge: { ...own, audience: 'urn:example:notebooks' },
  },
});
process.send?.('ready');
