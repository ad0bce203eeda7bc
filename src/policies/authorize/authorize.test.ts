import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { TestExchange } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { type Principal, VISITOR } from '../../policy/principal.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

interface Told {
  readonly warnings: string[];
  readonly events: string[];
}

async function authorization(options: unknown, told: Told = { warnings: [], events: [] }) {
  const { onRequest } = await compilePolicies([{ name: 'authorize', options }], {
    route: 'orders',
    warn: (message) => told.warnings.push(message),
    policyEvent: (_, event) => told.events.push(event),
  });
  return (exchange: Exchange) => onRequest[0]?.hooks.onRequest(exchange) as Answer | undefined;
}

const asked = (method: string, caller: Principal | undefined, url = '/orders'): Exchange =>
  Object.assign(new TestExchange({ method, url }), { principal: caller });

const alice = principal({
  consumer: 'alice',
  groups: ['staff'],
  roles: ['editor'],
  scopes: ['read', 'write'],
  claims: { org: 'x' },
});
const bob = principal({
  consumer: 'bob',
  groups: ['staff', 'banned'],
  scopes: ['read'],
  claims: { org: 'y' },
});
const nobody = undefined;
const visitor = principal({ method: VISITOR, consumer: 'anonymous:x' });

suite('what each requirement makes of a caller', () => {
  const table: [title: string, options: object, verdicts: [Principal | undefined, string, string][]][] = [
    [
      'a list of scopes is all of them',
      { scopes: ['read', 'write'] },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'insufficient_scope'],
        [nobody, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'of any scopes one is enough',
      { scopes: { any: ['write', 'read'] } },
      [
        [bob, 'GET', 'passes'],
        [principal(), 'GET', 'insufficient_scope'],
      ],
    ],
    [
      'of any and all both count',
      { scopes: { any: ['admin', 'write'], all: ['read'] } },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'insufficient_scope'],
      ],
    ],
    [
      'a list of roles is any of them',
      { roles: ['admin', 'editor'] },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
      ],
    ],
    ['all roles are all of them', { roles: { all: ['admin', 'editor'] } }, [[alice, 'GET', 'forbidden']]],
    [
      'of a list of groups one is needed',
      { groups: ['staff'] },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'passes'],
        [principal(), 'GET', 'forbidden'],
      ],
    ],
    [
      'a denied group has the last word',
      { groups: { allow: ['staff'], deny: ['banned'] } },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
      ],
    ],
    [
      'a denied group alone lets every other caller pass, and nobody unknown',
      { groups: { deny: ['banned'] } },
      [
        [principal(), 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
        [nobody, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'consumers are taken by name',
      { consumers: ['alice'] },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
      ],
    ],
    [
      'a denied consumer has the last word',
      { consumers: { allow: ['alice', 'bob'], deny: ['bob'] } },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
      ],
    ],
    [
      'an expression decides',
      { when: 'claims.org == "x" && request.method in ["GET"]' },
      [
        [alice, 'GET', 'passes'],
        [alice, 'POST', 'forbidden'],
        [bob, 'GET', 'forbidden'],
        [nobody, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'requirements add up, and who may not come in at all is not told of scopes',
      { consumers: { deny: ['bob'] }, scopes: ['write'] },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
        [principal(), 'GET', 'insufficient_scope'],
      ],
    ],
    [
      'each method has its own rights',
      { methods: { GET: { scopes: ['read'] }, POST: { scopes: ['write'] }, '*': 'deny' } },
      [
        [bob, 'GET', 'passes'],
        [bob, 'HEAD', 'passes'],
        [bob, 'POST', 'insufficient_scope'],
        [alice, 'POST', 'passes'],
        [alice, 'DELETE', 'forbidden'],
        [nobody, 'DELETE', 'unauthenticated'],
        [alice, 'get', 'forbidden'],
      ],
    ],
    [
      'a method that is not named is denied',
      { methods: { GET: 'allow', PUT: 'authenticated' } },
      [
        [nobody, 'GET', 'passes'],
        [nobody, 'PUT', 'unauthenticated'],
        [principal(), 'PUT', 'passes'],
        [alice, 'DELETE', 'forbidden'],
      ],
    ],
    [
      'a method in small letters is none of the others',
      { methods: { DELETE: { scopes: ['write'] }, GET: 'authenticated', '*': 'allow' } },
      [
        [bob, 'DELETE', 'insufficient_scope'],
        [bob, 'delete', 'forbidden'],
        [bob, 'Head', 'forbidden'],
        [nobody, 'delete', 'unauthenticated'],
        [bob, 'OPTIONS', 'passes'],
        [bob, 'propfind', 'passes'],
      ],
    ],
    [
      'rights of a method come on top of what all need',
      { groups: { deny: ['banned'] }, methods: { GET: 'authenticated' } },
      [
        [alice, 'GET', 'passes'],
        [bob, 'GET', 'forbidden'],
      ],
    ],
    [
      'a visitor with a name is nobody',
      { default: 'authenticated' },
      [
        [alice, 'GET', 'passes'],
        [visitor, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'and not in none of the groups that are denied',
      { groups: { deny: ['banned'] }, when: 'true' },
      [
        [alice, 'GET', 'passes'],
        [visitor, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'deny by default refuses everybody',
      { default: 'deny' },
      [
        [alice, 'GET', 'forbidden'],
        [nobody, 'GET', 'unauthenticated'],
      ],
    ],
    [
      'authenticated by default needs to know the caller alone',
      { default: 'authenticated' },
      [
        [principal(), 'GET', 'passes'],
        [nobody, 'GET', 'unauthenticated'],
      ],
    ],
    ['allow by default lets everybody in', { default: 'allow' }, [[nobody, 'GET', 'passes']]],
  ];
  for (const [title, options, verdicts] of table) {
    test(title, async () => {
      const ask = await authorization(options);
      for (const [caller, method, verdict] of verdicts)
        assert.equal(ask(asked(method, caller))?.code ?? 'passes', verdict, `${method} ${caller?.consumer}`);
    });
  }
});

suite('a refusal', () => {
  test('for scopes names them in the challenge (RFC 6750, section 3.1)', async () => {
    const ask = await authorization({ scopes: { all: ['read'], any: ['admin', 'read'] } });
    assert.deepEqual(ask(asked('GET', principal())), {
      status: 403,
      code: 'insufficient_scope',
      detail: 'The credentials do not have the scope that this needs.',
      headers: { 'WWW-Authenticate': 'Bearer error="insufficient_scope", scope="read admin"' },
      problem: { scope: 'read admin' },
    });
  });

  test('of somebody unknown has the challenge of the route, or a general one', async () => {
    const ask = await authorization({ default: 'authenticated' });
    const headers = (exchange: Exchange) => ask(exchange)?.headers;
    assert.deepEqual(headers(asked('GET', nobody)), { 'WWW-Authenticate': 'Bearer realm="portcullis"' });
    const challenged = Object.assign(asked('GET', nobody), {
      challenger: { challengeOf: () => 'Basic realm="a"' },
    });
    assert.deepEqual(headers(challenged), { 'WWW-Authenticate': 'Basic realm="a"' });
  });

  test('is counted by its code', async () => {
    const told: Told = { warnings: [], events: [] };
    const ask = await authorization({ scopes: ['write'], consumers: { deny: ['carol'] } }, told);
    for (const caller of [alice, bob, nobody, principal({ consumer: 'carol' })]) ask(asked('GET', caller));
    assert.deepEqual(told.events, ['insufficient_scope', 'unauthenticated', 'forbidden']);
  });
});

suite('an expression', () => {
  test('that fails refuses, and the log says why, once in a while', async () => {
    const told: Told = { warnings: [], events: [] };
    const ask = await authorization({ when: 'claims.missing == request.method' }, told);
    for (let i = 0; i < 3; i++) assert.equal(ask(asked('GET', alice))?.code, 'forbidden');
    assert.deepEqual(told.warnings, [
      'authorize on route orders: the expression failed, so the request is refused: No such key: missing (character 8)',
    ]);
    assert.equal(told.events.filter((event) => event === 'expression_failed').length, 3);
  });

  test('of the principal alone is evaluated once for it', async () => {
    const ask = await authorization({ when: 'claims.org == "x"' });
    let reads = 0;
    const caller = principal({
      claims: {
        get org() {
          reads++;
          return 'x';
        },
      },
    });
    for (let i = 0; i < 5; i++) assert.equal(ask(asked('GET', caller)), undefined);
    assert.ok(reads > 0 && reads <= 2, `${reads} reads`);
    assert.equal(ask(asked('GET', bob))?.code, 'forbidden');
  });
});

test('options that would not do what they say are refused', async () => {
  for (const [options, path, message] of [
    [{}, [], 'states nothing: write default: authenticated for whoever is known'],
    [
      { default: 'deny', scopes: ['a'] },
      ['default'],
      'is for an authorize without requirements: what they do not allow is denied in any case',
    ],
    [{ scopes: ['a b'] }, ['scopes', 0], 'is not a scope (RFC 6749, section 3.3)'],
    [{ groups: {} }, ['groups'], 'needs allow, deny or both'],
    [{ methods: { get: 'allow' } }, ['methods', 'get'], 'is neither a method, in capitals, nor *'],
    [
      { methods: { GET: {} } },
      ['methods', 'GET'],
      'states nothing: write authenticated for whoever is known',
    ],
    [{ default: 'allow', whn: 'true' }, ['whn'], 'is not a known option: did you mean when?'],
    [{ when: 'claim.org == "x"' }, ['when'], 'unknown variable: claim (character 1): did you mean claims?'],
  ] as const)
    assert.deepEqual(await validatePolicyUse({ name: 'authorize', options }), [{ path, message }]);
});
