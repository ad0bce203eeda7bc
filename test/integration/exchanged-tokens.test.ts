import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';
import { TokenBackend } from '../support/token-backend.ts';

const AUDIENCE = 'urn:api';
const CLIENT = `Basic ${btoa(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`)}`;

interface Play extends AsyncDisposable {
  readonly provider: TestProvider;
  readonly backend: TokenBackend;
  readonly gateway: TestGateway;
}

/** Routes /a and /b that know callers by tokens of the provider, and exchange those. */
async function play(accessTokens: 'jwt' | 'opaque', policies: Record<string, unknown>[]): Promise<Play> {
  const stack = new AsyncDisposableStack();
  const provider = stack.use(await TestProvider.start({ accessTokens, audience: AUDIENCE }));
  const backend = stack.use(await TokenBackend.start());
  const gateway = await startGateway({
    listeners: { main: { port: 8080 } },
    providers: {
      p: { issuer: provider.issuer, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret },
    },
    services: { s: { url: backend.url } },
    routes: {
      a: { match: { paths: ['/a'] }, policies, service: 's' },
      b: { match: { paths: ['/b'] }, policies, service: 's' },
    },
  });
  stack.defer(() => gateway.close());
  return { provider, backend, gateway, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** A token of its own for a client of the provider. */
async function newToken({ issuer }: TestProvider): Promise<string> {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: CLIENT },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE }),
  });
  return ((await answer.json()) as { readonly access_token: string }).access_token;
}

const EXCHANGE = { inject: { from: 'exchange', provider: 'p', audience: 'orders', scopes: ['api:read'] } };

const CALLERS = {
  jwt: { jwt: { provider: 'p', audience: AUDIENCE, claims: { subject: 'client_id' } } },
  introspection: { introspection: { provider: 'p', claims: { subject: 'client_id' } } },
};

describe('The token of a caller is exchanged for one of the service', () => {
  for (const [method, accessTokens, policy] of [
    ['a JWT', 'jwt', CALLERS.jwt],
    ['a JWT of one of several methods', 'jwt', { auth: { any: [{ basic: {} }, CALLERS.jwt] } }],
    ['an opaque token', 'opaque', CALLERS.introspection],
  ] as const) {
    it(`${method}, which goes no further itself`, async () => {
      await using on = await play(accessTokens, [policy, EXCHANGE]);
      const token = await newToken(on.provider);
      const before = on.provider.tokenRequests.length;
      const answer = await fetch(`${on.gateway.url}/a`, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(await answer.text(), 'served');
      const [request, ...others] = on.provider.tokenRequests.slice(before);
      assert.deepEqual(others, []);
      assert.equal(request?.authorization, CLIENT);
      assert.deepEqual(Object.fromEntries(new URLSearchParams(request.form)), {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: token,
        subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        audience: 'orders',
        scope: 'api:read',
      });
      const given = on.provider.tokenAnswers.at(-1)?.['access_token'];
      assert.deepEqual(on.backend.authorizations, [`Bearer ${String(given)}`]);
    });
  }

  it('once for all routes that want the same one', async () => {
    await using on = await play('opaque', [CALLERS.introspection, EXCHANGE]);
    const [alice, bob] = [await newToken(on.provider), await newToken(on.provider)];
    const before = on.provider.tokenRequests.length;
    for (const [path, token] of [
      ['a', alice],
      ['b', alice],
      ['b', bob],
      ['a', bob],
    ] as const)
      await fetch(`${on.gateway.url}/${path}`, { headers: { authorization: `Bearer ${token}` } });
    const asked = on.provider.tokenRequests.slice(before);
    assert.deepEqual(
      asked.map(({ form }) => new URLSearchParams(form).get('subject_token')),
      [alice, bob],
    );
    assert.equal(on.backend.authorizations.length, 2);
  });
});
