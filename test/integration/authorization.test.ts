import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { suite, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { PolicyUse } from '../../src/policies/use.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import { HOST, request } from '../conformance/case.ts';
import type { Answer } from '../support/answers.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { OpaServer } from '../support/opa-server.ts';
import { principal } from '../support/principal.ts';
import { RawClient } from '../support/raw-client.ts';
import { RecordingUpstream } from '../support/recording-upstream.ts';

const CALLERS: Readonly<Record<string, ReturnType<typeof principal>>> = {
  alice: principal({ consumer: 'alice', groups: ['staff'], scopes: ['read', 'write'], claims: { org: 'x' } }),
  bob: principal({ consumer: 'bob', scopes: ['read'] }),
};

/** Believes whoever says who they are; others are nobody. */
const believing: PolicyUse = hooked('believing', {
  stage: 'authentication',
  onRequest: (exchange) => {
    exchange.principal = CALLERS[exchange.request.fields.get('x-i-am') ?? ''];
    exchange.challenger = { challengeOf: () => 'Name realm="test"' };
  },
});

/** Routes by their name, which is their path too. */
function start(
  url: string,
  global: readonly PolicyUse[],
  routes: Readonly<Record<string, readonly PolicyUse[]>>,
): Promise<TestGateway> {
  const entries = Object.entries(routes).map(([name, policies]) => [
    name,
    { ...routeSchema.parse({ match: { paths: [`/${name}`] }, service: 'main' }), policies },
  ]);
  return startGatewayWith({ ...configBefore(url), policies: global, routes: Object.fromEntries(entries) });
}

async function ask(gateway: TestGateway, method: string, path: string, who = ''): Promise<Answer> {
  using client = await RawClient.connect({ port: gateway.port });
  const lines = who === '' ? [] : [`X-I-Am: ${who}`];
  await client.send(request([`${method} /${path} HTTP/1.1`, HOST, ...lines]));
  return await client.answer(method);
}

const codeOf = ({ status, body }: Answer): string =>
  status === 200 ? 'passes' : `${status} ${(JSON.parse(body.toString()) as { code: string }).code}`;

suite('who may do what', () => {
  const deny: PolicyUse = { name: 'authorize', options: { default: 'deny' } };
  const rights = {
    GET: { scopes: ['read'] },
    POST: { scopes: ['write'], when: 'claims.org == "x"' },
    '*': 'deny',
  };
  const routes = {
    orders: [{ name: 'authorize', options: { methods: rights } }],
    open: [{ name: 'authorize', options: { default: 'allow' } }],
    forgotten: [],
  };

  test('is told by the route, and nobody comes in where it says nothing', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, [believing, deny], routes);
    for (const [method, path, who, expected] of [
      ['GET', 'orders', 'bob', 'passes'],
      ['POST', 'orders', 'bob', '403 insufficient_scope'],
      ['POST', 'orders', 'alice', 'passes'],
      ['DELETE', 'orders', 'alice', '403 forbidden'],
      ['GET', 'orders', '', '401 unauthenticated'],
      ['GET', 'open', '', 'passes'],
      ['GET', 'forgotten', 'alice', '403 forbidden'],
      ['GET', 'nowhere', 'alice', '403 forbidden'],
      ['GET', 'forgotten', '', '401 unauthenticated'],
    ] as const)
      assert.equal(codeOf(await ask(gateway, method, path, who)), expected, `${method} /${path} ${who}`);
    assert.equal(upstream.requests.length, 3);
  });

  test('is told to the client with the challenge that fits', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, [believing], routes);
    assert.equal((await ask(gateway, 'GET', 'orders')).get('www-authenticate'), 'Name realm="test"');
    assert.equal(
      (await ask(gateway, 'POST', 'orders', 'bob')).get('www-authenticate'),
      'Bearer error="insufficient_scope", scope="write"',
    );
  });

  test('is decided by OPA', async () => {
    await using upstream = await RecordingUpstream.start();
    await using opa = await OpaServer.start({
      'gateway/allow': ({
        principal: caller,
        path,
      }: {
        principal: { consumer: string } | null;
        path: string[];
      }) => caller?.consumer === 'alice' && path[0] === 'orders',
    });
    const policy = { name: 'opa', options: { url: opa.url, decision: 'gateway/allow' } };
    await using gateway = await start(upstream.url, [believing, policy], { orders: [], other: [] });
    assert.equal(codeOf(await ask(gateway, 'GET', 'orders', 'alice')), 'passes');
    assert.equal(codeOf(await ask(gateway, 'GET', 'orders', 'bob')), '403 forbidden');
    assert.equal(codeOf(await ask(gateway, 'GET', 'other', 'alice')), '403 forbidden');
    assert.equal(codeOf(await ask(gateway, 'GET', 'orders')), '401 unauthenticated');
    assert.equal(upstream.requests.length, 1);
  });
});

test('a service checks the token that it gets with the keys that the gateway publishes', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const keys = [{ key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() }];
  await using upstream = await RecordingUpstream.start();
  await using gateway = await start(upstream.url, [believing], {
    orders: [{ name: 'mint', options: { keys, issuer: 'https://gateway.example.com' } }],
    keys: [{ name: 'mint-keys', options: { keys } }],
  });
  assert.equal((await ask(gateway, 'GET', 'orders', 'alice')).status, 200);
  const [one] = upstream.requests;
  const value = one?.fields.find(([name]) => name === 'authorization')?.[1] ?? '';
  const { payload } = await jwtVerify(
    value.replace(/^Bearer /, ''),
    createRemoteJWKSet(new URL(`http://127.0.0.1:${gateway.port}/keys`)),
    { issuer: 'https://gateway.example.com', audience: 'main' },
  );
  assert.equal(payload['consumer'], 'alice');
});
