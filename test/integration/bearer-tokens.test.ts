import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';

const AUDIENCE = 'urn:api';

/** A service that answers with the consumer's token, if it got one. */
const service = createServer((request, response) => {
  response.end(request.headers.authorization ?? 'no token');
});
let serviceUrl = '';

before(async () => {
  service.listen(0, '127.0.0.1');
  await once(service, 'listening');
  serviceUrl = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
});
after(() => {
  service.closeAllConnections();
  service.close();
});

function provider(accessTokens: 'jwt' | 'opaque'): Promise<TestProvider> {
  return TestProvider.start({ accessTokens, audience: AUDIENCE, algorithm: 'ES256' });
}

function startBehind(issuer: string, policy: Record<string, unknown>): Promise<TestGateway> {
  return startGateway({
    listeners: { main: { port: 8080 } },
    providers: { p: { issuer, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret } },
    services: { s: { url: serviceUrl } },
    routes: {
      open: { match: { paths: ['/open'] }, service: 's' },
      guarded: { match: { paths: ['/guarded'] }, policies: [policy], service: 's' },
    },
  });
}

const JWT = { jwt: { provider: 'p', audience: AUDIENCE, claims: { subject: 'client_id' } } };
const INTROSPECTION = {
  introspection: { provider: 'p', claims: { subject: 'client_id' }, cache: { ttl: '1ms', refused: '1ms' } },
};

async function form(url: string, parameters: Record<string, string>): Promise<Response> {
  const credentials = Buffer.from(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`).toString('base64');
  return fetch(url, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams(parameters),
  });
}

async function newToken({ issuer }: TestProvider): Promise<string> {
  const answer = await form(`${issuer}/token`, { grant_type: 'client_credentials', resource: AUDIENCE });
  const { access_token: token } = (await answer.json()) as { readonly access_token?: string };
  assert.ok(token);
  return token;
}

interface Seen {
  readonly status: number;
  readonly code: unknown;
  readonly retryAfter: string | null;
}

async function ask(gateway: TestGateway, path: string, token?: string): Promise<Seen> {
  const answer = await fetch(`${gateway.url}${path}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  const text = await answer.text();
  const isProblem = answer.headers.get('content-type') === 'application/problem+json';
  return {
    status: answer.status,
    code: isProblem ? (JSON.parse(text) as { readonly code: unknown }).code : text,
    retryAfter: answer.headers.get('retry-after'),
  };
}

/** Asks until the answer is 200; a few seconds at most. */
async function untilLetIn(gateway: TestGateway, token: string): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    const seen = await ask(gateway, '/guarded', token);
    if (seen.status === 200) return;
    assert.deepEqual([seen.status, seen.code], [503, 'provider_unavailable']);
    assert.ok(performance.now() < end, 'it did not recover');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

for (const [name, policy, kind] of [
  ['jwt', JWT, 'jwt'],
  ['introspection', INTROSPECTION, 'opaque'],
] as const) {
  describe(`${name}, with a real provider`, () => {
    it('lets in who has a token of it, and nobody else', async () => {
      await using issuer = await provider(kind);
      await using gateway = await startBehind(issuer.issuer, policy);
      assert.deepEqual(issuer.requests, []);
      const token = await newToken(issuer);
      assert.deepEqual(await ask(gateway, '/guarded', token), {
        status: 200,
        code: 'no token',
        retryAfter: null,
      });
      assert.deepEqual(await ask(gateway, '/guarded'), {
        status: 401,
        code: 'unauthenticated',
        retryAfter: null,
      });
      assert.equal((await ask(gateway, '/guarded', `${token}x`)).code, 'invalid_token');
    });

    it('starts without the provider, answers 503 for what needs it alone, and recovers by itself', async () => {
      await using issuer = await provider(kind);
      const token = await newToken(issuer);
      await issuer.stop();
      await using gateway = await startBehind(issuer.issuer, policy);
      assert.equal((await ask(gateway, '/open')).status, 200);
      assert.deepEqual(await ask(gateway, '/guarded', token), {
        status: 503,
        code: 'provider_unavailable',
        retryAfter: '1',
      });
      assert.equal((await ask(gateway, '/guarded')).status, 401);
      await issuer.start();
      await untilLetIn(gateway, token);
      assert.equal(gateway.log.filter((line) => line.startsWith('warn')).length, 1, gateway.log.join('\n'));
    });
  });
}

describe('jwt, with a real provider', () => {
  it('needs no provider for keys that it knows', async () => {
    await using issuer = await provider('jwt');
    await using gateway = await startBehind(issuer.issuer, JWT);
    const [first, second] = [await newToken(issuer), await newToken(issuer)];
    assert.equal((await ask(gateway, '/guarded', first)).status, 200);
    await issuer.stop();
    assert.equal((await ask(gateway, '/guarded', first)).status, 200);
    assert.equal((await ask(gateway, '/guarded', second)).status, 200);
    assert.deepEqual(gateway.log, []);
  });

  it('takes tokens of a new key without a failed request, under load', async () => {
    await using issuer = await provider('jwt');
    await using gateway = await startBehind(issuer.issuer, JWT);
    const first = await newToken(issuer);
    assert.equal((await ask(gateway, '/guarded', first)).status, 200);
    let tokens = [first];
    const statuses = new Map<number, number>();
    let isOver = false;
    const client = async () => {
      for (let i = 0; !isOver; i++) {
        const { status } = await ask(gateway, '/guarded', tokens[i % tokens.length]);
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
    };
    const clients = Array.from({ length: 8 }, client);
    for (let rotation = 0; rotation < 3; rotation++) {
      await issuer.rotateKeys();
      tokens = [...tokens, await newToken(issuer), await newToken(issuer)];
      const soFar = statuses.get(200) ?? 0;
      while ((statuses.get(200) ?? 0) < soFar + 200 && statuses.size < 2)
        await new Promise((resolve) => setImmediate(resolve));
    }
    isOver = true;
    await Promise.all(clients);
    assert.deepEqual([...statuses.keys()], [200]);
    assert.equal(issuer.requests.filter((path) => path === '/jwks').length, 4);
  });

  it('refuses tokens of a key that the provider has withdrawn, known ones too', async () => {
    await using issuer = await provider('jwt');
    await using gateway = await startBehind(issuer.issuer, JWT);
    const old = await newToken(issuer);
    assert.equal((await ask(gateway, '/guarded', old)).status, 200);
    await issuer.rotateKeys({ forget: true });
    // The first token of the new key has the keys read again.
    assert.equal((await ask(gateway, '/guarded', await newToken(issuer))).status, 200);
    assert.deepEqual(await ask(gateway, '/guarded', old), {
      status: 401,
      code: 'invalid_token',
      retryAfter: null,
    });
  });

  it('asks the provider no more often for a flood of keys that are not there', async () => {
    await using issuer = await provider('jwt');
    await using gateway = await startBehind(issuer.issuer, JWT);
    const token = await newToken(issuer);
    const [, payload, signature] = token.split('.');
    const flood = Array.from({ length: 300 }, (_, i) => {
      const header = Buffer.from(JSON.stringify({ alg: 'ES256', kid: `flood-${i}` })).toString('base64url');
      return ask(gateway, '/guarded', `${header}.${payload}.${signature}`);
    });
    const codes = (await Promise.all(flood)).map(({ status, code }) => `${status} ${String(code)}`);
    assert.deepEqual([...new Set(codes)], ['401 invalid_token']);
    assert.ok(issuer.requests.filter((path) => path === '/jwks').length <= 5, issuer.requests.join());
    assert.equal((await ask(gateway, '/guarded', token)).status, 200);
  });

  it('keeps what it knows of the provider over a reload that leaves it as it is', async () => {
    await using issuer = await provider('jwt');
    await using gateway = await startBehind(issuer.issuer, JWT);
    assert.equal((await ask(gateway, '/guarded', await newToken(issuer))).status, 200);
    await gateway.reload({
      listeners: { main: { port: 8080 } },
      providers: { p: { issuer: issuer.issuer, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret } },
      consumers: { someone: { groups: ['new'] } },
      services: { s: { url: serviceUrl } },
      routes: { guarded: { match: { paths: ['/guarded'] }, policies: [JWT], service: 's' } },
    });
    assert.equal((await ask(gateway, '/guarded', await newToken(issuer))).status, 200);
    assert.equal(issuer.requests.filter((path) => path === '/jwks').length, 1);
  });
});

describe('introspection, with a real provider', () => {
  it('learns of a token that was revoked', async () => {
    await using issuer = await provider('opaque');
    await using gateway = await startBehind(issuer.issuer, INTROSPECTION);
    const token = await newToken(issuer);
    assert.equal((await ask(gateway, '/guarded', token)).status, 200);
    assert.equal((await form(`${issuer.issuer}/token/revocation`, { token })).status, 200);
    assert.deepEqual(await ask(gateway, '/guarded', token), {
      status: 401,
      code: 'invalid_token',
      retryAfter: null,
    });
  });

  it('answers 503 while the provider is down, and lets in again by itself', async () => {
    await using issuer = await provider('opaque');
    await using gateway = await startBehind(issuer.issuer, INTROSPECTION);
    const token = await newToken(issuer);
    assert.equal((await ask(gateway, '/guarded', token)).status, 200);
    await issuer.stop();
    assert.deepEqual(await ask(gateway, '/guarded', token), {
      status: 503,
      code: 'provider_unavailable',
      retryAfter: null,
    });
    assert.equal((await ask(gateway, '/open')).status, 200);
    await issuer.start();
    await untilLetIn(gateway, token);
  });
});
