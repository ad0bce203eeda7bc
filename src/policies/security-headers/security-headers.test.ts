import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor, runPolicies, type UpstreamAnswer } from '../../../test/support/exchange.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const context = { route: 'r', warn: () => {}, policyEvent: () => {} };

async function lines(options: object, url: string, upstream: UpstreamAnswer = {}): Promise<string[]> {
  const exchange = exchangeFor({ url });
  await runPolicies(
    await compilePolicies([{ name: 'security-headers', options }], context),
    exchange,
    upstream,
  );
  return exchange.responseLines;
}

const HTTP = 'http://a.example/';
const HTTPS = 'https://a.example/';
const HSTS = 'Strict-Transport-Security: max-age=31536000; includeSubDomains';
const DEFAULTS = [
  "Content-Security-Policy: base-uri 'self'; frame-ancestors 'none'; object-src 'none'",
  'X-Frame-Options: DENY',
  'X-Content-Type-Options: nosniff',
  'Referrer-Policy: strict-origin-when-cross-origin',
  'Permissions-Policy: camera=(), geolocation=(), microphone=()',
  'Cross-Origin-Opener-Policy: same-origin',
  'Cross-Origin-Resource-Policy: same-site',
];
/** Everything off, so that one option is seen alone. */
const OFF = {
  hsts: false,
  contentSecurityPolicy: false,
  frameOptions: false,
  contentTypeOptions: false,
  referrerPolicy: false,
  permissionsPolicy: false,
  crossOriginOpenerPolicy: false,
  crossOriginEmbedderPolicy: false,
  crossOriginResourcePolicy: false,
  remove: [],
};

describe('The answer', () => {
  for (const [title, options, url, expected, upstream] of [
    ['has all fields over https', {}, HTTPS, [HSTS, ...DEFAULTS]],
    ['has no Strict-Transport-Security over http', {}, HTTP, DEFAULTS],
    ['has none of what is switched off', OFF, HTTPS, []],
    [
      'tells no more what the service runs on',
      {},
      HTTP,
      ['X-A: 1', ...DEFAULTS],
      { headers: { Server: 'nginx/1.22', 'X-A': '1', 'x-powered-by': 'PHP/5' } },
    ],
    ['keeps what it is not told to remove', OFF, HTTP, ['Server: nginx'], { headers: { Server: 'nginx' } }],
    [
      'loses the service’s Strict-Transport-Security over http (RFC 6797 section 7.2)',
      OFF,
      HTTP,
      [],
      { headers: { 'Strict-Transport-Security': 'max-age=1' } },
    ],
    [
      'keeps the service’s Strict-Transport-Security over https',
      OFF,
      HTTPS,
      ['Strict-Transport-Security: max-age=1'],
      { headers: { 'Strict-Transport-Security': 'max-age=1' } },
    ],
    [
      'keeps what the service set',
      { ...OFF, frameOptions: 'deny' },
      HTTPS,
      ['x-frame-options: SAMEORIGIN'],
      { headers: { 'x-frame-options': 'SAMEORIGIN' } },
    ],
    [
      'has it replaced where the policy is to override, every field of the name',
      { ...OFF, frameOptions: 'deny', override: true },
      HTTPS,
      ['x-frame-options: DENY', 'X-A: 1'],
      {
        headers: [
          ['x-frame-options', 'SAMEORIGIN'],
          ['X-A', '1'],
          ['X-Frame-Options', 'ALLOWALL'],
        ] as const,
      },
    ],
    [
      'may say an hour',
      { ...OFF, hsts: { maxAge: '1h', includeSubDomains: false } },
      HTTPS,
      ['Strict-Transport-Security: max-age=3600'],
    ],
    ['may ask to be preloaded', { ...OFF, hsts: { preload: true } }, HTTPS, [`${HSTS}; preload`]],
    [
      'has a content security policy as text',
      { ...OFF, contentSecurityPolicy: "default-src 'self'" },
      HTTP,
      ["Content-Security-Policy: default-src 'self'"],
    ],
    [
      'has a content security policy as a map, a directive without sources included',
      {
        ...OFF,
        contentSecurityPolicy: { 'img-src': ["'self'", 'https://a.com'], 'upgrade-insecure-requests': [] },
      },
      HTTP,
      ["Content-Security-Policy: img-src 'self' https://a.com; upgrade-insecure-requests"],
    ],
    [
      'has a permissions policy as a map',
      { ...OFF, permissionsPolicy: { camera: [], usb: ['self', 'https://a.com'], fullscreen: '*' } },
      HTTP,
      ['Permissions-Policy: camera=(), usb=(self "https://a.com"), fullscreen=*'],
    ],
    [
      'has the other cross-origin policies',
      {
        ...OFF,
        crossOriginOpenerPolicy: 'same-origin-allow-popups',
        crossOriginEmbedderPolicy: 'require-corp',
        crossOriginResourcePolicy: 'cross-origin',
      },
      HTTP,
      [
        'Cross-Origin-Opener-Policy: same-origin-allow-popups',
        'Cross-Origin-Embedder-Policy: require-corp',
        'Cross-Origin-Resource-Policy: cross-origin',
      ],
    ],
  ] as readonly (readonly [string, object, string, readonly string[], UpstreamAnswer?])[]) {
    it(title, async () => assert.deepEqual(await lines(options, url, upstream), expected));
  }
});

describe('Options', () => {
  for (const [options, path, message] of [
    [
      { hsts: { preload: true, maxAge: '30d' } },
      'hsts.preload',
      'needs includeSubDomains and a maxAge of 365d at least',
    ],
    [
      { hsts: { preload: true, includeSubDomains: false } },
      'hsts.preload',
      'needs includeSubDomains and a maxAge of 365d at least',
    ],
    [{ contentSecurityPolicy: 'a\r\nB: c' }, 'contentSecurityPolicy', 'is empty or not a field value'],
    [{ contentSecurityPolicy: {} }, 'contentSecurityPolicy', 'has no directive'],
    [
      { contentSecurityPolicy: { 'img-src': ["'self'; script-src *"] } },
      'contentSecurityPolicy.img-src.0',
      'holds white space, `,`, `;` or a character beyond ASCII',
    ],
    [
      { permissionsPolicy: { Camera: [] } },
      'permissionsPolicy.Camera',
      'is not a name: write it in small letters',
    ],
    [{ frameOptions: 'allow' }, 'frameOptions', 'Invalid option: expected one of "deny"|"sameorigin"'],
    [
      { remove: ['Connection'] },
      'remove.0',
      'the field Connection cannot be changed: it belongs to one connection, not to the message',
    ],
    [{ frameOption: 'deny' }, 'frameOption', 'is not a known option: did you mean frameOptions?'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'security-headers', options });
      assert.deepEqual(
        problems.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
