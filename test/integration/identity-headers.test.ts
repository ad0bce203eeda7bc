import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { PolicyUse } from '../../src/policies/use.ts';
import { type Principal, VISITOR } from '../../src/policy/principal.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import { HOST, request } from '../conformance/case.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { hooked } from '../support/hooked-policy.ts';
import { principal } from '../support/principal.ts';
import { RawClient } from '../support/raw-client.ts';
import { type RecordedRequest, RecordingUpstream } from '../support/recording-upstream.ts';

/** Says that this one calls, as an authentication policy does. */
const knowing = (caller: Principal): PolicyUse =>
  hooked('knowing', {
    onRequest: (exchange) => {
      exchange.principal = caller;
    },
  });

const identityHeaders = (options?: unknown): PolicyUse => ({ name: 'identity-headers', options });

/** A gateway with a route for each path; what stands under `/public` has no policies. */
function start(url: string, routes: Readonly<Record<string, readonly PolicyUse[]>>): Promise<TestGateway> {
  const entries = Object.entries({ public: [], ...routes }).map(([name, policies]) => [
    name,
    { ...routeSchema.parse({ match: { paths: [`/${name}`] }, service: 'main' }), policies },
  ]);
  return startGatewayWith({ ...configBefore(url), routes: Object.fromEntries(entries) });
}

const valueOf = (one: RecordedRequest | undefined, name: string) =>
  one?.fields.filter(([lower]) => lower === name).map(([, value]) => value);

async function send(
  gateway: TestGateway,
  path: string,
  lines: readonly string[] = [],
  body = '',
): Promise<void> {
  using client = await RawClient.connect({ port: gateway.port });
  await client.send(request([`${body === '' ? 'GET' : 'POST'} /${path} HTTP/1.1`, HOST, ...lines], body));
  assert.equal((await client.answer()).status, 200);
}

const ALICE = principal({
  consumer: 'alice',
  subject: 'u-1',
  groups: ['staff', 'admins'],
  claims: { name: 'Alice É', email: 'alice@example.com' },
});

suite('a service is told who calls', () => {
  test('by default in five fields', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, { in: [knowing(ALICE), identityHeaders()] });
    for (let i = 0; i < 2; i++)
      await send(gateway, 'in', ['X-Consumer-Id: mallory', 'Connection: close, X-Consumer-Id']);
    for (const one of upstream.requests)
      assert.deepEqual(
        one.fields.filter(([name]) => /^x-(?:consumer|user)-/.test(name)),
        [
          ['x-consumer-id', 'alice'],
          ['x-consumer-name', 'Alice %C3%89'],
          ['x-consumer-groups', 'staff,admins'],
          ['x-user-subject', 'u-1'],
          ['x-user-email', 'alice@example.com'],
        ],
      );
  });

  test('in fields of the configuration, those of the X-Forwarded family too', async () => {
    await using upstream = await RecordingUpstream.start();
    const set = {
      'X-Forwarded-User': '${principal.subject}',
      'X-Who': '${principal.consumer}@${request.host}',
    };
    await using gateway = await start(upstream.url, { in: [knowing(ALICE), identityHeaders({ set })] });
    await send(gateway, 'in', ['X-Forwarded-User: mallory', 'X_Forwarded_User: mallory']);
    const [one] = upstream.requests;
    assert.deepEqual(valueOf(one, 'x-forwarded-user'), ['u-1']);
    assert.deepEqual(valueOf(one, 'x-who'), ['alice@a.example']);
    assert.deepEqual(valueOf(one, 'x_forwarded_user'), []);
    assert.deepEqual(valueOf(one, 'x-consumer-id'), []);
  });

  test('in other fields, or none, where nobody is known', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, {
      in: [identityHeaders({ anonymous: { 'X-Anonymous': 'true' } })],
    });
    await send(gateway, 'in', ['X-Consumer-Id: mallory', 'X-Anonymous: false']);
    assert.deepEqual(valueOf(upstream.requests[0], 'x-anonymous'), ['true']);
    assert.deepEqual(valueOf(upstream.requests[0], 'x-consumer-id'), []);
  });

  test('in other fields of a visitor, who has a name and is nobody', async () => {
    await using upstream = await RecordingUpstream.start();
    const visitor = principal({ method: VISITOR, consumer: 'anonymous:x' });
    await using gateway = await start(upstream.url, {
      in: [knowing(visitor), identityHeaders({ anonymous: { 'X-Visitor': '${principal.consumer}' } })],
    });
    await send(gateway, 'in', []);
    assert.deepEqual(valueOf(upstream.requests[0], 'x-visitor'), ['anonymous:x']);
    assert.deepEqual(valueOf(upstream.requests[0], 'x-user-subject'), []);
  });
});

suite('a client that says itself who it is', () => {
  test('is not believed on a route without any policy, nor in trailers', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, {
      in: [knowing(ALICE), identityHeaders({ strip: ['x-auth-request-*'] })],
    });
    await send(
      gateway,
      'public',
      [
        'X-CONSUMER-ID: mallory',
        'x_user_email: m@example.com',
        'X-Auth-Request-User: mallory',
        'Transfer-Encoding: chunked',
      ],
      '1\r\na\r\n0\r\nX-Consumer-Groups: admins\r\nX_Consumer_Groups: admins\r\nX-Sum: 7\r\n\r\n',
    );
    const [one] = upstream.requests;
    assert.deepEqual(
      one?.fields.filter(([, value]) => /mallory|m@example/.test(value)),
      [],
    );
    assert.deepEqual(one?.trailers, [['x-sum', '7']]);
  });

  test('does not reach another route by it', async () => {
    await using upstream = await RecordingUpstream.start();
    const config = configBefore(upstream.url);
    const to = (match: object, policies: readonly PolicyUse[]) => ({
      ...routeSchema.parse({ match: { paths: ['/in'], ...match }, respond: { status: 200 } }),
      policies,
    });
    await using gateway = await startGatewayWith({
      ...config,
      routes: {
        admins: { ...to({ headers: { 'x-consumer-id': 'admin' } }, []), respond: { status: 418 } },
        others: to({}, [identityHeaders()]),
      } as unknown as typeof config.routes,
    });
    await send(gateway, 'in', ['X-Consumer-Id: admin']);
  });

  test('is heard where nothing in the configuration tells services who calls', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, {});
    await send(gateway, 'public', ['X-Consumer-Id: somebody']);
    assert.deepEqual(valueOf(upstream.requests[0], 'x-consumer-id'), ['somebody']);
  });

  test('is not believed in any spelling', async () => {
    await using upstream = await RecordingUpstream.start();
    await using gateway = await start(upstream.url, { in: [knowing(ALICE), identityHeaders()] });
    using client = await RawClient.connect({ port: gateway.port });
    const name = fc.constantFrom('x-consumer-id', 'x-consumer-groups', 'x-user-email', 'x-user-subject');
    const spelling = fc
      .tuple(name, fc.infiniteStream(fc.boolean()), fc.infiniteStream(fc.constantFrom(...'-_.~^|')))
      .map(([text, capitals, signs]) =>
        Array.from(text, (letter) =>
          letter === '-' ? signs.next().value : capitals.next().value ? letter.toUpperCase() : letter,
        ).join(''),
      );
    await fc.assert(
      fc.asyncProperty(
        fc.array(spelling, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('in', 'public'),
        async (names, path) => {
          upstream.clear();
          await client.send(
            request([`GET /${path} HTTP/1.1`, HOST, ...names.map((one) => `${one}: mallory`)]),
          );
          assert.equal((await client.answer()).status, 200);
          const seen = upstream.requests[0]?.fields.filter(([, value]) => value.includes('mallory'));
          assert.deepEqual(seen, []);
        },
      ),
      { numRuns: 200 },
    );
  });
});
