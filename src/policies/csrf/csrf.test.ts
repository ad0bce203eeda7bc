import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
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
