import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { makeSecretToken } from '../../identity/jwt/tokens.support.ts';
import { identityOf, NOW_MS } from '../auth/auth.support.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const context = { route: 'r', warn: () => {}, policyEvent: () => {} };
const OWN = 'https://shop.example';
const PARTNER = 'https://pay.example';
const COOKIE = { Cookie: 'session=1' };

type Case = readonly [
  title: string,
  headers: Readonly<Record<string, string>>,
  passes: boolean,
  more?: { readonly method?: string; readonly options?: object; readonly url?: string },
];

const CASES: readonly Case[] = [
  ['without cookies passes, wherever it comes from', { Origin: 'https://evil.example' }, true],
  ['with cookies and a bearer token passes', { ...COOKIE, Authorization: 'bearer x' }, true],
  ['with cookies and a password does not', { ...COOKIE, Authorization: 'Basic x' }, false],
  ['with a scheme that only begins like bearer does not', { ...COOKIE, Authorization: 'BearerX y' }, false],
  ...['GET', 'HEAD', 'OPTIONS', 'TRACE'].map(
    (method): Case => [`of the safe method ${method} passes`, COOKIE, true, { method }],
  ),
  ...['PUT', 'PATCH', 'DELETE', 'get', 'PURGE'].map(
    (method): Case => [`of the method ${method} does not`, COOKIE, false, { method }],
  ),
  [
    'that opens a WebSocket from another site does not pass',
    { ...COOKIE, 'Sec-WebSocket-Key': 'x', Origin: 'https://evil.example' },
    false,
    { method: 'GET' },
  ],
  [
    'that opens a WebSocket from the own origin passes',
    { ...COOKIE, 'Sec-WebSocket-Key': 'x', Origin: OWN },
    true,
    { method: 'GET' },
  ],

  ['of the same origin, says the browser, passes', { ...COOKIE, 'Sec-Fetch-Site': 'same-origin' }, true],
  ['of the user’s own doing passes', { ...COOKIE, 'Sec-Fetch-Site': 'none' }, true],
  ['of the same site does not', { ...COOKIE, 'Sec-Fetch-Site': 'same-site' }, false],
  [
    'of the same site passes where that is allowed',
    { ...COOKIE, 'Sec-Fetch-Site': 'same-site' },
    true,
    { options: { sameSite: true } },
  ],
  [
    'of another site does not where the same site is allowed',
    { ...COOKIE, 'Sec-Fetch-Site': 'cross-site' },
    false,
    { options: { sameSite: true } },
  ],
  [
    'of another site passes from an allowed origin',
    { ...COOKIE, 'Sec-Fetch-Site': 'cross-site', Origin: PARTNER },
    true,
    { options: { origins: [PARTNER] } },
  ],
  [
    'that another site redirected here does not pass by the own origin',
    { ...COOKIE, 'Sec-Fetch-Site': 'cross-site', Origin: OWN },
    false,
  ],
  [
    'of a site that the browser names by a new word does not pass',
    { ...COOKIE, 'Sec-Fetch-Site': 'same-party', Origin: OWN },
    false,
  ],
  [
    'of another site does not pass by a Referer',
    { ...COOKIE, 'Sec-Fetch-Site': 'cross-site', Referer: `${OWN}/x` },
    false,
  ],

  ['with the own Origin passes', { ...COOKIE, Origin: OWN }, true],
  ['with another Origin does not', { ...COOKIE, Origin: 'https://evil.example' }, false],
  ['with the origin null does not', { ...COOKIE, Origin: 'null' }, false],
  ['with an empty Origin does not', { ...COOKIE, Origin: '' }, false],
  ['with another scheme does not', { ...COOKIE, Origin: 'http://shop.example' }, false],
  ['with another port does not', { ...COOKIE, Origin: `${OWN}:8443` }, false],
  ['with an Origin that begins with the own does not', { ...COOKIE, Origin: `${OWN}.evil.example` }, false],
  ['with an Origin that the own begins with does not', { ...COOKIE, Origin: 'https://shop.exam' }, false],
  ['with an own Origin and port passes', { ...COOKIE, Origin: `${OWN}:8443` }, true, { url: `${OWN}:8443/` }],
  [
    'where the authority has the scheme’s own port passes',
    { ...COOKIE, Origin: OWN },
    true,
    { url: `${OWN}:443/` },
  ],
  [
    'where the authority has another scheme’s port does not',
    { ...COOKIE, Origin: OWN },
    false,
    { url: `${OWN}:80/` },
  ],
  [
    'with an allowed Origin passes',
    { ...COOKIE, Origin: PARTNER },
    true,
    { options: { origins: [PARTNER] } },
  ],
  [
    'with an Origin below an allowed domain passes',
    { ...COOKIE, Origin: 'https://a.b.example.com' },
    true,
    { options: { origins: ['https://*.example.com'] } },
  ],
  [
    'with another Origin and an own Referer does not',
    { ...COOKIE, Origin: 'https://evil.example', Referer: `${OWN}/` },
    false,
  ],

  ['with an own Referer passes', { ...COOKIE, Referer: `${OWN}/a?b=c` }, true],
  ['with an own Referer without a path passes', { ...COOKIE, Referer: OWN }, true],
  ['with another Referer does not', { ...COOKIE, Referer: `https://evil.example/${OWN}/` }, false],
  ['with a Referer of a longer host does not', { ...COOKIE, Referer: `${OWN}.evil.example/` }, false],
  ['with a Referer of a user does not', { ...COOKIE, Referer: `${OWN}@evil.example/` }, false],
  ['with a Referer that is no URL does not', { ...COOKIE, Referer: 'shop.example' }, false],
  [
    'with a Referer that is no URL does not, also where nothing may be told',
    { ...COOKIE, Referer: 'x' },
    false,
    {
      options: { missing: 'allow' },
    },
  ],

  ['that tells nothing does not', COOKIE, false],
  ['that tells nothing passes where that is allowed', COOKIE, true, { options: { missing: 'allow' } }],
];

describe('A request', () => {
  for (const [title, headers, passes, { method = 'POST', options = {}, url = `${OWN}/` } = {}] of CASES) {
    it(title, async () => {
      const policies = await compilePolicies([{ name: 'csrf', options }], context);
      const answer = await runPolicies(policies, exchangeFor({ method, url, headers }));
      assert.deepEqual(
        [answer?.status, answer?.code],
        passes ? [undefined, undefined] : [403, 'csrf_rejected'],
      );
    });
  }
});

const KEY = 'key-of-alice-0123456789';
const SECRET = 'a secret of thirty-two characters';
const ISSUER = 'https://issuer.example';
const TOKEN = makeSecretToken(SECRET, { iss: ISSUER, sub: 'alice', exp: NOW_MS / 1000 + 60 });
const EVIL = { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' };
const KEY_IN_COOKIE = { 'api-key': { cookie: 'key' } };
const JWT_IN_COOKIE = { jwt: jwtFrom({ header: false, cookie: 'token' }) };
const ANY_KEY = { 'api-key': { header: 'x-key', cookie: 'key', query: 'key', authorization: ['apikey'] } };
const NOBODY_TO_ASK = {
  'forward-auth': { url: 'http://127.0.0.1:1/auth', sessionCookies: ['_oauth2_proxy'] },
};

type AuthenticatedCase = readonly [
  title: string,
  policy: Readonly<Record<string, object>>,
  headers: Readonly<Record<string, string>>,
  passes: boolean,
  more?: { readonly method?: string; readonly url?: string },
];

/** Each policy takes off what it knows the caller by; it stands before csrf in the configuration. */
const AUTHENTICATED: readonly AuthenticatedCase[] = [
  ...['', '; other=1'].flatMap((other): AuthenticatedCase[] => {
    const where = other === '' ? 'alone' : 'beside another cookie';
    return [
      [`a key in a cookie ${where}`, KEY_IN_COOKIE, { ...EVIL, Cookie: `key=${KEY}${other}` }, false],
      [`a JWT in a cookie ${where}`, JWT_IN_COOKIE, { ...EVIL, Cookie: `token=${TOKEN}${other}` }, false],
      [
        `a session of forward-auth ${where}`,
        NOBODY_TO_ASK,
        { ...EVIL, Cookie: `_oauth2_proxy=x${other}` },
        false,
      ],
      [
        `one method of auth whose key is in a cookie ${where}`,
        { auth: { any: [{ basic: {} }, KEY_IN_COOKIE] } },
        { ...EVIL, Cookie: `key=${KEY}${other}` },
        false,
      ],
    ];
  }),
  [
    'a key in a cookie that opens a WebSocket',
    KEY_IN_COOKIE,
    { ...EVIL, 'Sec-WebSocket-Key': 'x', Cookie: `key=${KEY}` },
    false,
    { method: 'GET' },
  ],
  ['a key in a cookie that tells nothing of a page', KEY_IN_COOKIE, { Cookie: `key=${KEY}` }, false],
  [
    'a key in a cookie from a page of the own origin',
    KEY_IN_COOKIE,
    { Origin: OWN, Cookie: `key=${KEY}` },
    true,
  ],
  [
    'a JWT in a cookie from a page of the own origin',
    JWT_IN_COOKIE,
    { Origin: OWN, Cookie: `token=${TOKEN}` },
    true,
  ],

  ['a key in a field, of a program that keeps cookies', ANY_KEY, { ...COOKIE, 'X-Key': KEY }, true],
  [
    'a key in Authorization, of a program that keeps cookies',
    ANY_KEY,
    { ...COOKIE, Authorization: `ApiKey ${KEY}` },
    true,
  ],
  [
    'a field of a key that the route does not take',
    KEY_IN_COOKIE,
    { Cookie: `key=${KEY}`, 'X-Key': KEY },
    false,
  ],
  [
    'a key in the query, which any page may write into a link',
    ANY_KEY,
    { ...COOKIE, ...EVIL },
    false,
    { url: `${OWN}/?key=${KEY}` },
  ],
  [
    'a JWT in Authorization, of a program that keeps cookies',
    { jwt: jwtFrom({}) },
    { ...COOKIE, Authorization: `Bearer ${TOKEN}` },
    true,
  ],
  [
    'a JWT in a field of its own, of a program that keeps cookies',
    { jwt: jwtFrom({ header: 'x-token' }) },
    { ...COOKIE, 'X-Token': TOKEN },
    true,
  ],
  [
    'a JWT in a field of its own within auth, of a program that keeps cookies',
    { auth: { any: [{ basic: {} }, { jwt: jwtFrom({ header: 'x-token' }) }] } },
    { ...COOKIE, 'X-Token': TOKEN },
    true,
  ],
  ['a key in a field without cookies, of a program', ANY_KEY, { 'X-Key': KEY }, true],
  [
    'a password, of a program without cookies',
    { basic: {} },
    { Authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}` },
    true,
  ],
];

function jwtFrom(from: object): object {
  return { issuers: [{ issuer: ISSUER, secret: SECRET }], anyAudience: true, algorithms: ['HS256'], from };
}

describe('A request of an authenticated caller is judged as it was sent', () => {
  const identity = identityOf({ alice: { basic: { password: 'secret' }, apiKeys: [{ key: KEY }] } });
  for (const [title, policy, headers, passes, { method = 'POST', url = `${OWN}/` } = {}] of AUTHENTICATED)
    it(`${passes ? 'and passes' : 'and refused'} with ${title}`, async () => {
      const [[name, options]] = Object.entries(policy) as [[string, object]];
      const uses = [
        { name, options },
        { name: 'csrf', options: {} },
      ];
      const policies = await compilePolicies(uses, { ...context, identity });
      const exchange = exchangeFor({ method, url, headers });
      const answer = await runPolicies(policies, exchange);
      policies.close();
      assert.deepEqual(
        [answer?.code, exchange.principal?.subject],
        passes ? [undefined, 'alice'] : ['csrf_rejected', undefined],
      );
    });
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{ origins: ['*'] }, 'origins.0', 'cannot be *: any site could then act as the user'],
    [
      { origins: ['null'] },
      'origins.0',
      'cannot be null: every sandboxed page and every local file has that origin',
    ],
    [{ origins: ['https://a.com/'] }, 'origins.0', 'is not an origin: did you mean https://a.com?'],
    [{ missing: 'pass' }, 'missing', 'Invalid option: expected one of "refuse"|"allow"'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'csrf', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
