import assert from 'node:assert/strict';
import { it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';

/** A provider of tickets, whose page of entry is this one. */
const module = (entry: string) => `import { defineProvider, ProviderRefused, z } from 'portcullis/provider';
export const provider = defineProvider({
  schema: z.strictObject({ origin: z.url() }),
  create: ({ origin }, { name, nowMs }) => ({
    name,
    issuer: origin,
    authorizationUrl: async ({ state, redirectUri }) =>
      origin + '${entry}?' + new URLSearchParams({ state, back: redirectUri }),
    async redeem(search, { state }) {
      const answer = new URLSearchParams(search);
      if (answer.get('state') !== state) throw new ProviderRefused('invalid_response', 'state is another');
      return { accessToken: answer.get('ticket'), tokenType: 'ticket', expiresAtMs: nowMs() + 60000, scopes: [] };
    },
    refresh: async () => { throw new ProviderRefused('invalid_grant', 'tickets are for one use'); },
    user: async ({ accessToken }) => ({ issuer: origin, subject: accessToken, claims: {} }),
  }),
});`;

const CONFIG = `
listeners: { http: { address: 127.0.0.1, port: 0 } }
admin: { port: 0 }
runtime: { workers: 1 }
providers: { own: { kind: ./own.ts, origin: 'http://127.0.0.1:9' } }
sessions: { web: { login: [own] } }
routes:
  login: { match: { paths: [/auth/*] }, login: web }
  home: { match: { paths: [/x] }, policies: [{ session: { name: web } }], respond: { body: hi } }
`;

const cookiesOf = ({ headers }: Response): string =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');

it('a user logs in at a provider that is a class of one’s own, which is loaded anew when it changes', async () => {
  using files = new Workspace({ 'own.ts': module('/enter'), 'portcullis.yaml': CONFIG });
  await using cli = new RunningCli(['serve'], files.directory);
  const { url } = await cli.ready();
  const begin = () => fetch(`${url}/auth/login?redirect=/x`, { redirect: 'manual' });
  const begun = await begin();
  const entry = new URL(begun.headers.get('location') ?? '');
  assert.equal(entry.pathname, '/enter');
  const { back = '', state = '' } = Object.fromEntries(entry.searchParams);
  const callback = `${back}?${new URLSearchParams({ state, ticket: 'alice' }).toString()}`;
  const entered = await fetch(callback, { redirect: 'manual', headers: { cookie: cookiesOf(begun) } });
  assert.equal(new URL(entered.headers.get('location') ?? '', url).pathname, '/x');
  const user = await fetch(`${url}/auth/user`, { headers: { cookie: cookiesOf(entered) } });
  assert.match(await user.text(), /alice/);
  const from = cli.log.length;
  files.write('own.ts', module('/another'));
  await cli.logged(/reload/, from);
  assert.equal(new URL((await begin()).headers.get('location') ?? '').pathname, '/another');
});
