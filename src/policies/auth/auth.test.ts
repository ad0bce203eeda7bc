import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RequestDescription } from '../../../test/support/exchange.ts';
import { exchangeFor } from '../../../test/support/exchange.ts';
import {
  ABSENT,
  type Absent,
  type Authenticator,
  type Finding,
  type Refused,
} from '../../identity/authenticator.ts';
import type { Principal } from '../../policy/principal.ts';
import { validatePolicyUse } from '../compile.ts';
import { AllOf } from './all-of.ts';
import { AnyOf } from './any-of.ts';
import { asker, basicField, identityOf } from './auth.support.ts';
import { AuthHooks } from './auth-hooks.ts';

const KEY = 'key-of-alice-0123456789';
const identity = identityOf({
  alice: { groups: ['staff'], basic: { password: 'secret' }, apiKeys: [{ key: KEY }] },
  bob: { groups: ['guests'], basic: { password: 'word' } },
});

const ALICE = { Authorization: basicField('alice:secret') };
const WRONG = { Authorization: basicField('alice:wrong') };
const KEYED = { 'X-Api-Key': KEY };
const NO_KEY = { 'X-Api-Key': 'none' };

const BASIC_CHALLENGE = 'Basic realm="portcullis", charset="UTF-8"';
const KEY_CHALLENGE = 'ApiKey realm="portcullis", in="header", name="x-api-key"';
const ANY = { any: [{ basic: {} }, { 'api-key': {} }] };
const ALL = { all: [{ basic: {} }, { 'api-key': {} }] };

type Case = readonly [
  title: string,
  options: object,
  headers: NonNullable<RequestDescription['headers']>,
  consumer: string | undefined,
  status?: number,
  code?: string,
  challenge?: string,
];

const CASES: readonly Case[] = [
  ['any: the first method', ANY, ALICE, 'alice'],
  ['any: the second method', ANY, KEYED, 'alice'],
  [
    'any: nothing is sent',
    ANY,
    {},
    undefined,
    401,
    'unauthenticated',
    `${BASIC_CHALLENGE}, ${KEY_CHALLENGE}`,
  ],
  ['any: one refuses', ANY, WRONG, undefined, 401, 'invalid_credentials', BASIC_CHALLENGE],
  [
    'any: both refuse',
    ANY,
    { ...WRONG, ...NO_KEY },
    undefined,
    401,
    'invalid_credentials',
    `${BASIC_CHALLENGE}, ${KEY_CHALLENGE}`,
  ],
  ['any: one refuses, another knows the caller', ANY, { ...WRONG, ...KEYED }, 'alice'],
  [
    'any: a scheme of no method',
    ANY,
    { Authorization: 'Bearer x' },
    undefined,
    401,
    'unauthenticated',
    `${BASIC_CHALLENGE}, ${KEY_CHALLENGE}`,
  ],
  ['optional: nothing is sent', { ...ANY, optional: true }, {}, undefined],
  [
    'optional: what is sent is wrong',
    { ...ANY, optional: true },
    WRONG,
    undefined,
    401,
    'invalid_credentials',
    BASIC_CHALLENGE,
  ],
  ['all: both', ALL, { ...ALICE, ...KEYED }, 'alice'],
  ['all: one is missing', ALL, ALICE, undefined, 401, 'unauthenticated', KEY_CHALLENGE],
  [
    'all: one is missing, optional',
    { ...ALL, optional: true },
    KEYED,
    undefined,
    401,
    'unauthenticated',
    BASIC_CHALLENGE,
  ],
  ['all: none is sent, optional', { ...ALL, optional: true }, {}, undefined],
  ['all: one is wrong', ALL, { ...ALICE, ...NO_KEY }, undefined, 401, 'invalid_credentials', KEY_CHALLENGE],
  ['nested: all within any', { any: [ALL, { basic: { realm: 'b' } }] }, ALICE, 'alice'],
  [
    'nested: any within all',
    { all: [{ 'api-key': {} }, { any: [{ basic: {} }, { basic: { realm: 'b' } }] }] },
    KEYED,
    undefined,
    401,
    'unauthenticated',
    `${BASIC_CHALLENGE}, Basic realm="b", charset="UTF-8"`,
  ],
];

describe('Methods combined', () => {
  for (const [title, options, headers, consumer, status, code, challenge] of CASES) {
    it(title, async () => {
      const ask = await asker([{ name: 'auth', options }], identity);
      const got = await ask({ headers });
      assert.deepEqual(
        [got.consumer, got.status, got.code, got.challenge],
        [consumer, status, code, challenge],
      );
    });
  }

  it('take the credentials of every method off what is sent on, and nothing else', async () => {
    const ask = await asker([{ name: 'auth', options: ANY }], identity);
    const got = await ask({ headers: { ...KEYED, ...ALICE, Accept: '*/*' } });
    assert.deepEqual(got.sent, ['Accept: */*']);
    const bearer = await ask({ headers: { ...KEYED, Authorization: 'Bearer x' } });
    assert.deepEqual(bearer.sent, ['Authorization: Bearer x']);
  });
});

describe('The policies of a route', () => {
  const globals = [{ name: 'basic', options: {} }];

  it('replace the global ones that say who may call', async () => {
    const ask = await asker([{ name: 'api-key', options: {} }], identity, globals);
    assert.deepEqual((await ask({ headers: KEYED })).consumer, 'alice');
    assert.deepEqual((await ask({ headers: ALICE })).challenge, KEY_CHALLENGE);
  });

  it('are the global ones where it has none of its own', async () => {
    const ask = await asker([], identity, globals);
    assert.deepEqual((await ask({})).challenge, BASIC_CHALLENGE);
  });

  it('let anybody call where one of them is public', async () => {
    const ask = await asker([{ name: 'public', options: {} }], identity, globals);
    assert.deepEqual((await ask({ headers: WRONG })).status, undefined);
  });

  it('all hold where several stand in one list; the first says who calls', async () => {
    const ask = await asker(
      [
        { name: 'api-key', options: {} },
        { name: 'basic', options: {} },
      ],
      identity,
    );
    assert.equal((await ask({ headers: KEYED })).challenge, BASIC_CHALLENGE);
    const got = await ask({ headers: { ...KEYED, Authorization: basicField('bob:word') } });
    assert.equal(got.consumer, 'alice');
  });
});

const PRINCIPAL: Principal = {
  method: 'x',
  consumer: 'x',
  subject: 'x',
  issuer: '',
  scopes: ['a'],
  groups: [],
  roles: ['r'],
  claims: { one: 1 },
  session: '',
  expiresAtMs: 100,
};

function finds(finding: Finding, isLate: boolean, name = 'X'): Authenticator {
  return {
    method: name,
    authenticate: () => (isLate ? Promise.resolve(finding) : finding),
    challenge: (why: Absent | Refused) => `${name} error="${why.kind}"`,
  };
}

const known = (principal: Partial<Principal>): Finding => ({
  kind: 'known',
  principal: { ...PRINCIPAL, ...principal },
});
const REFUSED: Finding = { kind: 'refused', code: 'invalid_token', detail: 'No.' };
const DOWN: Finding = { kind: 'unavailable', detail: 'The provider is down.', retryAfterMs: 1500 };
const ELSEWHERE: Finding = { kind: 'absent', answer: { status: 302, headers: { Location: '/login' } } };

/** `503`, `401` and its code, `200` and who it is, or that the request goes on as nobody. */
async function outcome(authenticator: Authenticator, isOptional: boolean): Promise<string> {
  const exchange = exchangeFor();
  const answer = await new AuthHooks(authenticator, isOptional, { count: () => {} }).onRequest(exchange);
  if (answer === undefined) return exchange.principal === undefined ? 'nobody' : '200';
  return answer.status === 401 ? `401 ${answer.code ?? ''}` : String(answer.status);
}

describe('Two methods of which', () => {
  const FOUND: Readonly<Record<string, Finding>> = {
    known: known({}),
    wrong: REFUSED,
    away: DOWN,
    unshown: { ...DOWN, isUnshown: true },
    none: ABSENT,
  };
  const NOT_SHOWN = '401 unauthenticated';
  const TOKEN = '401 invalid_token';
  const TABLE: readonly (readonly [
    one: string,
    other: string,
    any: string,
    all: string,
    anyOptional?: string,
    allOptional?: string,
  ])[] = [
    ['known', 'known', '200', '200'],
    ['known', 'wrong', '200', TOKEN],
    ['known', 'away', '200', '503'],
    ['known', 'unshown', '200', '503'],
    ['known', 'none', '200', NOT_SHOWN],
    ['wrong', 'wrong', TOKEN, TOKEN],
    ['wrong', 'away', '503', TOKEN],
    ['wrong', 'unshown', TOKEN, TOKEN],
    ['wrong', 'none', TOKEN, TOKEN],
    ['away', 'away', '503', '503'],
    ['away', 'unshown', '503', '503'],
    ['away', 'none', '503', NOT_SHOWN],
    ['unshown', 'unshown', '503', '503'],
    ['unshown', 'none', '503', '503'],
    ['none', 'none', NOT_SHOWN, NOT_SHOWN, 'nobody', 'nobody'],
  ];
  for (const [one, other, any, all, anyOptional = any, allOptional = all] of TABLE)
    it(`one finds ${one}, and one ${other}: any ${any}, all ${all}`, async () => {
      for (const isLate of [false, true])
        for (const pair of [
          [one, other],
          [other, one],
        ]) {
          const members = pair.map((name) => finds(FOUND[name] as Finding, isLate));
          const got = [
            await outcome(new AnyOf(members), false),
            await outcome(new AllOf(members), false),
            await outcome(new AnyOf(members), true),
            await outcome(new AllOf(members), true),
          ];
          assert.deepEqual(got, [any, all, anyOptional, allOptional], pair.join(', '));
        }
    });
});

it('A wrong password is told so while a service is away that was shown nothing', async () => {
  const away = { url: 'http://127.0.0.1:1/', requestHeaders: ['cookie'] };
  const ask = await asker(
    [{ name: 'auth', options: { any: [{ basic: {} }, { 'forward-auth': away }] } }],
    identity,
  );
  const codes = [];
  for (const headers of [WRONG, { ...WRONG, Cookie: 'sso=1' }, {}, ALICE])
    codes.push((await ask({ headers })).code);
  assert.deepEqual(codes, ['invalid_credentials', 'provider_unavailable', 'provider_unavailable', undefined]);
});

describe('An answer of one method', () => {
  const OWN: Finding = {
    kind: 'absent',
    answer: { status: 401, code: 'unauthenticated', headers: { 'WWW-Authenticate': 'Own error="absent"' } },
  };
  const THEIRS: Finding = {
    kind: 'absent',
    answer: { status: 401, headers: { 'www-authenticate': 'Negotiate' } },
  };
  for (const [title, members, fields, expected] of [
    [
      'has the challenges of the others',
      [finds(OWN, false, 'Own'), finds(ABSENT, false, 'B')],
      {},
      { 'WWW-Authenticate': 'Own error="absent", B error="absent"' },
    ],
    [
      'stays as it is where no other has one',
      [finds(OWN, false, 'Own')],
      {},
      { 'WWW-Authenticate': 'Own error="absent"' },
    ],
    [
      'keeps a challenge that the method does not know of',
      [{ ...finds(THEIRS, false), challenge: () => undefined }, finds(ABSENT, false, 'B')],
      {},
      { 'www-authenticate': 'Negotiate, B error="absent"' },
    ],
    [
      'stays as it is for a script of a page, whose browser would ask for a password',
      [finds(OWN, false, 'Own'), finds(ABSENT, false, 'B')],
      { 'Sec-Fetch-Mode': 'cors' },
      { 'WWW-Authenticate': 'Own error="absent"' },
    ],
  ] as const)
    it(title, async () => {
      const hooks = new AuthHooks(new AnyOf(members), false, { count: () => {} });
      const answer = await hooks.onRequest(exchangeFor({ headers: fields }));
      assert.deepEqual([answer?.status, answer?.headers], [401, expected]);
    });
});

describe('Findings', () => {
  for (const isLate of [false, true]) {
    const when = isLate ? 'later' : 'at once';
    const settle = async (authenticator: Authenticator, isOptional = false) => {
      const exchange = exchangeFor();
      const hooks = new AuthHooks(authenticator, isOptional, { count: () => {} });
      return { answer: await hooks.onRequest(exchange), principal: exchange.principal };
    };

    it(`${when}: one that cannot be asked goes before one that refuses`, async () => {
      const any = new AnyOf([finds(REFUSED, isLate), finds(DOWN, isLate)]);
      assert.deepEqual((await settle(any)).answer, {
        status: 503,
        code: 'provider_unavailable',
        detail: 'The provider is down.',
        headers: { 'Retry-After': '2' },
      });
    });

    it(`${when}: one that cannot be asked is no reason to refuse who is known otherwise`, async () => {
      const any = new AnyOf([finds(DOWN, isLate), finds(known({}), isLate)]);
      assert.equal((await settle(any)).principal?.consumer, 'x');
    });

    it(`${when}: an outage makes nobody anonymous`, async () => {
      const any = new AnyOf([finds(ABSENT, isLate), finds(DOWN, isLate)]);
      assert.equal((await settle(any, true)).answer?.status, 503);
    });

    it(`${when}: one that is absent may say what to answer`, async () => {
      const any = new AnyOf([finds(ABSENT, isLate), finds(ELSEWHERE, isLate)]);
      assert.equal((await settle(any)).answer?.status, 302);
      assert.equal((await settle(any, true)).answer, undefined);
    });

    it(`${when}: a refusal is challenged by who refused, with why`, async () => {
      const any = new AnyOf([finds(ABSENT, isLate, 'A'), finds(REFUSED, isLate, 'B')]);
      const { answer } = await settle(any);
      assert.deepEqual(answer?.headers, { 'WWW-Authenticate': 'B error="refused"' });
      assert.equal(answer?.code, 'invalid_token');
    });

    it(`${when}: all together have what each has, as long as each is true`, async () => {
      const second = known({ consumer: 'y', scopes: ['a', 'b'], roles: [], claims: { one: 2, two: 2 } });
      const all = new AllOf([finds(known({ expiresAtMs: 300 }), isLate), finds(second, isLate)]);
      assert.deepEqual((await settle(all)).principal, {
        ...PRINCIPAL,
        scopes: ['a', 'b'],
        claims: { one: 1, two: 2 },
        expiresAtMs: 100,
      });
    });
  }
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{}, '', 'needs one of any, all'],
    [{ any: [{ basic: {} }], all: [{ basic: {} }] }, '', 'needs one of any, all'],
    [{ any: [{ basic: {}, 'api-key': {} }] }, 'any.0', 'names one method: write an entry for each'],
    [{ any: [{}] }, 'any.0', 'names one method: write an entry for each'],
    [{ any: [{ basik: {} }] }, 'any.0.basik', 'is not a known option: did you mean basic?'],
    [{ any: [{ basic: { relm: 'x' } }] }, 'any.0.basic.relm', 'is not a known option: did you mean realm?'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'auth', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});

it('A request that is refused does not run the policies behind', async () => {
  const ask = await asker(
    [
      { name: 'basic', options: {} },
      { name: 'headers', options: { request: { set: { 'X-Seen': '1' } } } },
    ],
    identity,
  );
  assert.deepEqual((await ask({})).sent, []);
});
