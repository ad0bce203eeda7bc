import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import type { Known } from '../../identity/authenticator.ts';
import { MemoryRecords } from '../../identity/sessions/memory-records.support.ts';
import { UsedNonces } from '../../identity/used-nonces.ts';
import { RecordStores } from '../../state/records/record-stores.ts';
import { asker, type ConsumersInput, identityOf } from '../auth/auth.support.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import { isSignatureOf } from './verify.ts';

/** RFC 9421 appendix B.1 */
const RSA_PSS = `-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2
+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+
oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHq
gDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5W
Utzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4
aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI
2wIDAQAB
-----END PUBLIC KEY-----`;
const P256 = `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----`;
const ED25519 = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=
-----END PUBLIC KEY-----`;
const SHARED = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==';

/** RFC 9421 appendix B.2: the request, and when it was signed. */
const CREATED = 1_618_884_473;
const RFC_REQUEST = {
  method: 'POST',
  url: 'https://example.com/foo?param=Value&Pet=dog',
  bodyLength: 18,
};
const RFC_FIELDS = {
  Date: 'Tue, 20 Apr 2021 02:07:55 GMT',
  'Content-Type': 'application/json',
  'Content-Digest':
    'sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:',
  'Content-Length': '18',
};
const RFC_BODY = Buffer.from('{"hello": "world"}');

/** Appendix B.3 */
const CLIENT_CERT =
  ':MIIBqDCCAU6gAwIBAgIBBzAKBggqhkjOPQQDAjA6MRswGQYDVQQKDBJMZXQncyBBdXRoZW50aWNhdGUxGzAZBgNVBAMMEkxBIEludGVybWVkaWF0ZSBDQTAeFw0yMDAxMTQyMjU1MzNaFw0yMTAxMjMyMjU1MzNaMA0xCzAJBgNVBAMMAkJDMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8YnXXfaUgmnMtOXU/IncWalRhebrXmckC8vdgJ1p5Be5F/3YC8OthxM4+k1M6aEAEFcGzkJiNy6J84y7uzo9M6NyMHAwCQYDVR0TBAIwADAfBgNVHSMEGDAWgBRm3WjLa38lbEYCuiCPct0ZaSED2DAOBgNVHQ8BAf8EBAMCBsAwEwYDVR0lBAwwCgYIKwYBBQUHAwIwHQYDVR0RAQH/BBMwEYEPYmRjQGV4YW1wbGUuY29tMAoGCCqGSM49BAMCA0gAMEUCIBHda/r1vaL6G3VliL4/Di6YK0Q6bMjeSkC3dFCOOB8TAiEAx/kHSB4urmiZ0NX5r5XarmPk0wmuydBVoU4hBVZ1yhk=:';

const VECTORS: readonly (readonly [section: string, input: string, signature: string])[] = [
  [
    'B.2.1',
    `();created=${CREATED};keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd"`,
    'd2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==',
  ],
  [
    'B.2.2',
    `("@authority" "content-digest" "@query-param";name="Pet");created=${CREATED};keyid="test-key-rsa-pss";tag="header-example"`,
    'LjbtqUbfmvjj5C5kr1Ugj4PmLYvx9wVjZvD9GsTT4F7GrcQEdJzgI9qHxICagShLRiLMlAJjtq6N4CDfKtjvuJyE5qH7KT8UCMkSowOB4+ECxCmT8rtAmj/0PIXxi0A0nxKyB09RNrCQibbUjsLS/2YyFYXEu4TRJQzRw1rLEuEfY17SARYhpTlaqwZVtR8NV7+4UKkjqpcAoFqWFQh62s7Cl+H2fjBSpqfZUJcsIk4N6wiKYd4je2U/lankenQ99PZfB4jY3I5rSV2DSBVkSFsURIjYErOs0tFTQosMTAoxk//0RoKUqiYY8Bh0aaUEb0rQl3/XaVe4bXTugEjHSw==',
  ],
  [
    'B.2.3',
    `("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=${CREATED};keyid="test-key-rsa-pss"`,
    'bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==',
  ],
  [
    'B.2.5',
    `("date" "@authority" "content-type");created=${CREATED};keyid="test-shared-secret"`,
    'pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=',
  ],
  [
    'B.2.6',
    `("date" "@method" "@path" "@authority" "content-type" "content-length");created=${CREATED};keyid="test-key-ed25519"`,
    'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==',
  ],
];

const RFC_CONSUMERS: ConsumersInput = {
  alice: {
    signatureKeys: [
      { id: 'test-key-rsa-pss', algorithm: 'rsa-pss-sha512', publicKey: RSA_PSS },
      { id: 'test-shared-secret', algorithm: 'hmac-sha256', secret: `base64:${SHARED}` },
      { id: 'test-key-ed25519', algorithm: 'ed25519', publicKey: ED25519 },
      { id: 'test-key-ecc-p256', algorithm: 'ecdsa-p256-sha256', publicKey: P256 },
    ],
  },
};
const ANYTHING = { components: [], digest: 'ignored' };

describe('The signatures of RFC 9421, appendix B.2', () => {
  const identity = identityOf(RFC_CONSUMERS, () => CREATED * 1000);
  const sent = (input: string, signature: string, fields: object = {}): RequestDescription => ({
    ...RFC_REQUEST,
    headers: { ...RFC_FIELDS, 'Signature-Input': `sig=${input}`, Signature: `sig=:${signature}:`, ...fields },
  });

  for (const [section, input, signature] of VECTORS) {
    it(`${section} is right`, async () => {
      const ask = await asker([{ name: 'signature', options: ANYTHING }], identity);
      const got = await ask(sent(input, signature));
      assert.deepEqual([got.consumer, got.code], ['alice', undefined]);
      assert.ok(!got.sent.some((line) => line.startsWith('Signature')));
    });

    it(`${section} is wrong with another time`, async () => {
      const ask = await asker([{ name: 'signature', options: ANYTHING }], identity);
      const got = await ask(sent(input.replace(`${CREATED}`, `${CREATED + 1}`), signature));
      assert.equal(got.code, 'invalid_credentials');
    });
  }

  it('B.2.3 is wrong with any of its components changed', async () => {
    const [, input, signature] = VECTORS[2] as (typeof VECTORS)[number];
    const ask = await asker([{ name: 'signature', options: ANYTHING }], identity);
    const changes: readonly Partial<RequestDescription>[] = [
      { method: 'PUT' },
      { url: 'https://example.com/fooo?param=Value&Pet=dog' },
      { url: 'https://example.com/foo?param=Value&Pet=cat' },
      { url: 'https://example.org/foo?param=Value&Pet=dog' },
    ];
    for (const change of changes) {
      const got = await ask({ ...sent(input, signature), ...change });
      assert.equal(got.code, 'invalid_credentials', JSON.stringify(change));
    }
    const typed = await ask(sent(input, signature, { 'Content-Type': 'text/plain' }));
    assert.equal(typed.code, 'invalid_credentials');
  });

  it('B.3 is right: a proxy signs what it passes on', async () => {
    const ask = await asker([{ name: 'signature', options: ANYTHING }], identity);
    const got = await ask({
      ...RFC_REQUEST,
      url: 'https://service.internal.example/foo?param=Value&Pet=dog',
      headers: {
        ...RFC_FIELDS,
        'Client-Cert': CLIENT_CERT,
        'Signature-Input': `ttrp=("@path" "@query" "@method" "@authority" "client-cert");created=${CREATED};keyid="test-key-ecc-p256"`,
        Signature:
          'ttrp=:xVMHVpawaAC/0SbHrKRs9i8I3eOs5RtTMGCWXm/9nvZzoHsIg6Mce9315T6xoklyy0yzhD9ah4JHRwMLOgmizw==:',
      },
    });
    assert.deepEqual([got.consumer, got.code], ['alice', undefined]);
  });

  const ACCEPT = [
    ['Accept', 'application/json'],
    ['Accept', '*/*'],
  ] as const;
  const DEMO = 'https://example.org/demo?name1=Value1&Name2=value2';
  for (const [title, change, isRight] of [
    ['as it was signed', {}, true],
    [
      'with a parameter and a field more',
      { url: `${DEMO}&param=added`, headers: [...ACCEPT, ['Accept-Language', 'en-US,en;q=0.5']] },
      true,
    ],
    ['with its fields in one line', { headers: [['Accept', 'application/json, */*']] }, true],
    ['with other fields before', { headers: [['Referer', 'https://x.example/'], ...ACCEPT] }, true],
    ['with another method', { method: 'POST' }, false],
    ['with another host', { url: DEMO.replace('example.org', 'example.com') }, false],
    ['with its fields in another order', { headers: ACCEPT.toReversed() }, false],
  ] as const) {
    it(`B.4 is ${isRight ? 'right' : 'wrong'} ${title}`, async () => {
      const ask = await asker([{ name: 'signature', options: ANYTHING }], identity);
      const { headers = ACCEPT, ...rest } = change as RequestDescription & { headers?: [string, string][] };
      const got = await ask({
        url: DEMO,
        ...rest,
        headers: [
          ...headers,
          [
            'Signature-Input',
            `transform=("@method" "@path" "@authority" "accept");created=${CREATED};keyid="test-key-ed25519"`,
          ],
          [
            'Signature',
            'transform=:ZT1kooQsEHpZ0I1IjCqtQppOmIqlJPeo7DHR3SoMn0s5JZ1eRGS0A+vyYP9t/LXlh5QMFFQ6cpLt2m0pmj3NDA==:',
          ],
        ],
      });
      assert.equal(got.consumer, isRight ? 'alice' : undefined);
    });
  }

  it('B.2.4, of an answer, is right over its base', () => {
    const base = [
      '"@status": 200',
      '"content-type": application/json',
      '"content-digest": sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:',
      '"content-length": 23',
      `"@signature-params": ("@status" "content-type" "content-digest" "content-length");created=${CREATED};keyid="test-key-ecc-p256"`,
    ].join('\n');
    const signature = Buffer.from(
      'wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==',
      'base64',
    );
    const key = {
      id: '',
      algorithm: 'ecdsa-p256-sha256',
      key: createPublicKey(P256),
      known: {} as Known,
    } as const;
    assert.equal(isSignatureOf(Buffer.from(base), signature, key), true);
    assert.equal(isSignatureOf(Buffer.from(`${base} `), signature, key), false);
  });
});

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = NOW_MS / 1000;
const SECRET = 'a secret of more than 16 octets';
const ed = generateKeyPairSync('ed25519');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = (key: KeyObject) => String(key.export({ type: 'spki', format: 'pem' }));
const OWN: ConsumersInput = {
  alice: {
    signatureKeys: [
      { id: 'hmac', algorithm: 'hmac-sha256', secret: SECRET },
      { id: 'ed', algorithm: 'ed25519', publicKey: pem(ed.publicKey) },
      { id: 'ec', algorithm: 'ecdsa-p256-sha256', publicKey: pem(ec.publicKey) },
      { id: 'rsa', algorithm: 'rsa-v1_5-sha256', publicKey: pem(rsa.publicKey) },
      { id: 'over', algorithm: 'hmac-sha256', secret: SECRET, expires: '2025-12-31T00:00:00Z' },
    ],
  },
};
const SIGNERS: Readonly<Record<string, (base: Buffer) => Buffer>> = {
  hmac: (base) => createHmac('sha256', SECRET).update(base).digest(),
  over: (base) => createHmac('sha256', SECRET).update(base).digest(),
  ed: (base) => sign(null, base, ed.privateKey),
  ec: (base) => sign('sha256', base, { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }),
  rsa: (base) => sign('sha256', base, rsa.privateKey),
};

/** What a client signs of `GET http://api.example.com/a?b=c`. */
const VALUES: Readonly<Record<string, string>> = {
  '"@method"': 'GET',
  '"@target-uri"': 'http://api.example.com/a?b=c',
  '"@authority"': 'api.example.com',
  '"@path"': '/a',
  '"@query"': '?b=c',
  '"@request-target"': '/a?b=c',
  '"@scheme"': 'http',
  '"accept"': 'a=1, b=2',
  '"accept";key="b"': '2',
};

function signed(components: readonly string[], parameters: string, key = 'hmac'): RequestDescription {
  const input = `(${components.join(' ')})${parameters}`;
  const lines = components.map((name) => `${name}: ${VALUES[name] ?? ''}`);
  const base = [...lines, `"@signature-params": ${input}`].join('\n');
  const signature = (SIGNERS[key] as (base: Buffer) => Buffer)(Buffer.from(base)).toString('base64');
  return {
    url: '/a?b=c',
    headers: {
      Accept: 'a=1, b=2',
      'Signature-Input': `s=${input}`,
      Signature: `s=:${signature}:`,
    },
  };
}

const URI = ['"@method"', '"@target-uri"'];
const at = (created: number, rest = ';keyid="hmac"') => `;created=${created}${rest}`;

type Case = readonly [
  title: string,
  request: RequestDescription,
  known: boolean,
  options?: object,
  code?: string,
];
const CASES: readonly Case[] = [
  ['the address as a whole', signed(URI, at(NOW)), true],
  ['path and query', signed(['"@method"', '"@authority"', '"@path"', '"@query"'], at(NOW)), true],
  ['the request target', signed(['"@method"', '"@authority"', '"@request-target"'], at(NOW)), true],
  [
    'path and query, as the policy wants',
    signed(['"@method"', '"@path"'], at(NOW)),
    true,
    { components: ['@method', '@path'] },
  ],
  ['a member of a field', signed([...URI, '"accept";key="b"'], at(NOW)), true],
  ['Ed25519', signed(URI, at(NOW, ';keyid="ed"'), 'ed'), true],
  ['ECDSA', signed(URI, at(NOW, ';keyid="ec";alg="ecdsa-p256-sha256"'), 'ec'), true],
  ['RSA', signed(URI, at(NOW, ';keyid="rsa"'), 'rsa'), true],
  ['components as the policy wants', signed(['"@scheme"'], at(NOW)), true, { components: ['@scheme'] }],
  ['five minutes and the skew ago', signed(URI, at(NOW - 330)), true],
  ['in the future by the skew', signed(URI, at(NOW + 30)), true],
  ['an end that is to come', signed(URI, at(NOW, `;expires=${NOW + 60};keyid="hmac"`)), true],
  ['a tag that is looked for', signed(URI, at(NOW, ';keyid="hmac";tag="x"')), true, { tag: 'x' }],
  ['another tag', signed(URI, at(NOW, ';keyid="hmac";tag="y"')), false, { tag: 'x' }, 'unauthenticated'],
  ['no signature', { url: '/a' }, false, {}, 'unauthenticated'],
  ['too long ago', signed(URI, at(NOW - 331)), false],
  ['too far in the future', signed(URI, at(NOW + 31)), false],
  ['no time', signed(URI, ';keyid="hmac"'), false],
  ['a time that is a text', signed(URI, `;created="${NOW}";keyid="hmac"`), false],
  ['an end that is past', signed(URI, at(NOW, `;expires=${NOW - 31};keyid="hmac"`)), false],
  ['no method', signed(['"@target-uri"'], at(NOW)), false],
  ['no query', signed(['"@method"', '"@authority"', '"@path"'], at(NOW)), false],
  ['no host beside the path', signed(['"@method"', '"@path"', '"@query"'], at(NOW)), false],
  ['no host beside the request target', signed(['"@method"', '"@request-target"'], at(NOW)), false],
  ['less than the policy wants', signed(URI, at(NOW)), false, { components: ['@method', 'date'] }],
  ['no nonce where one is needed', signed(URI, at(NOW)), false, { nonce: 'required' }],
  ['a key that is not there', signed(URI, at(NOW, ';keyid="other"')), false],
  ['a key that is over', signed(URI, at(NOW, ';keyid="over"'), 'over'), false],
  ['no key', signed(URI, at(NOW, '')), false],
  ['the key of another', signed(URI, at(NOW, ';keyid="ed"')), false],
  ['another algorithm than the key has', signed(URI, at(NOW, ';keyid="hmac";alg="rsa-v1_5-sha256"')), false],
  ['a component twice', signed([...URI, '"@method"'], at(NOW)), false],
  ['a component of an answer', signed([...URI, '"@status"'], at(NOW)), false],
  ['a component of a request for an answer', signed([...URI, '"@method";req'], at(NOW)), false],
  ['a field that is not there', signed([...URI, '"x-none"'], at(NOW)), false],
  ['a field in capital letters', signed([...URI, '"Accept"'], at(NOW)), false],
  ['only Signature', { url: '/a', headers: { Signature: 's=:AAAA:' } }, false],
  ['only Signature-Input', { url: '/a', headers: { 'Signature-Input': 's=()' } }, false],
  ['fields that cannot be read', { url: '/a', headers: { 'Signature-Input': '(', Signature: ')' } }, false],
  ['no octets', { url: '/a', headers: { 'Signature-Input': 's=()', Signature: 's="a"' } }, false],
  [
    'a label without a signature',
    { url: '/a', headers: { 'Signature-Input': 's=()', Signature: 't=:AAAA:' } },
    false,
  ],
  [
    'huge fields',
    { url: '/a', headers: { 'Signature-Input': `s=("${'a'.repeat(9000)}")`, Signature: 's=:AA==:' } },
    false,
  ],
];

describe('A signature with', () => {
  const identity = identityOf(OWN, () => NOW_MS);
  for (const [title, request, known, options = {}, code = 'invalid_credentials'] of CASES) {
    it(title, async () => {
      const ask = await asker([{ name: 'signature', options }], identity);
      const got = await ask(request);
      assert.deepEqual(
        [got.consumer, got.code, got.challenge],
        known ? ['alice', undefined, undefined] : [undefined, code, 'Signature realm="portcullis"'],
      );
    });
  }

  it('a nonce is taken once', async () => {
    const ask = await asker([{ name: 'signature', options: {} }], identity);
    const once = signed(URI, at(NOW, ';keyid="hmac";nonce="1"'));
    assert.equal((await ask(once)).consumer, 'alice');
    assert.equal((await ask(once)).code, 'invalid_credentials');
    assert.equal((await ask(signed(URI, at(NOW, ';keyid="hmac";nonce="2"')))).consumer, 'alice');
  });
});

describe('A nonce in a store', () => {
  const records = new MemoryRecords(() => NOW_MS);
  const stores = new RecordStores(
    () => records,
    () => {},
  );
  const worker = (options = {}) =>
    asker(
      [{ name: 'signature', options }],
      identityOf(OWN, () => NOW_MS, stores),
    );
  const once = (nonce: string) => signed(URI, at(NOW, `;keyid="hmac";nonce="${nonce}"`));

  it('is taken once in all workers', async () => {
    const [one, other] = [await worker(), await worker()];
    assert.equal((await one(once('1'))).consumer, 'alice');
    assert.equal((await other(once('1'))).code, 'invalid_credentials');
    assert.equal((await other(once('2'))).consumer, 'alice');
  });

  it('is taken once by each worker that asks nobody', async () => {
    const alone = { nonceStore: 'worker' };
    const [one, other] = [await worker(alone), await worker(alone)];
    for (const ask of [one, other]) {
      assert.equal((await ask(once('alone'))).consumer, 'alice');
      assert.equal((await ask(once('alone'))).code, 'invalid_credentials');
    }
  });

  it('is not taken where the store is away', async () => {
    const ask = await worker();
    records.isAway = true;
    const { status, code } = await ask(once('3'));
    assert.deepEqual([status, code], [503, 'provider_unavailable']);
    records.isAway = false;
    assert.equal((await ask(once('3'))).consumer, 'alice');
  });

  it('may be as long as its field', async () => {
    assert.equal((await (await worker())(once('x'.repeat(5000)))).consumer, 'alice');
  });

  it('needs the store that it names', async () => {
    const use = { name: 'signature', options: { nonceStore: 'redis' } };
    await assert.rejects(asker([use], identityOf(OWN)), {
      message: 'the policy signature cannot be made: store: redis needs state.redis',
    });
  });
});

it('A field that ends in what only looks like white space is another', async () => {
  const request = signed([...URI, '"accept"'], at(NOW));
  const ask = await asker(
    [{ name: 'signature', options: {} }],
    identityOf(OWN, () => NOW_MS),
  );
  assert.equal((await ask(request)).consumer, 'alice');
  const headers = { ...(request.headers as Readonly<Record<string, string>>), Accept: 'a=1, b=2\u00a0' };
  assert.equal((await ask({ ...request, headers })).code, 'invalid_credentials');
});

describe('The body of a signed request', () => {
  const identity = identityOf(RFC_CONSUMERS, () => CREATED * 1000);
  const [, input, signature] = VECTORS[2] as (typeof VECTORS)[number];
  const headers = { ...RFC_FIELDS, 'Signature-Input': `sig=${input}`, Signature: `sig=:${signature}:` };
  const check = async (body: Buffer, change: Partial<RequestDescription> = {}) => {
    const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity };
    const policies = await compilePolicies([{ name: 'signature', options: {} }], context);
    const exchange = exchangeFor({ ...RFC_REQUEST, headers, ...change });
    const answer = await policies.onRequest[0]?.hooks.onRequest(exchange);
    if (answer !== undefined) return answer.code;
    return policies.onRequestBody[0]?.hooks.onRequestBody(exchange, body, body)?.code;
  };

  it('is the one of Content-Digest', async () => assert.equal(await check(RFC_BODY), undefined));
  it('is refused when it is another', async () =>
    assert.equal(await check(Buffer.from('{"hello": "world!"}')), 'invalid_credentials'));
  it('cannot be taken away', async () =>
    assert.equal(await check(Buffer.alloc(0), { bodyLength: 0 }), 'invalid_credentials'));
  it('has to be covered', async () => {
    const ask = await asker(
      [{ name: 'signature', options: {} }],
      identityOf(OWN, () => NOW_MS),
    );
    const got = await ask({ ...signed(URI, at(NOW)), bodyLength: 1 });
    assert.equal(got.code, 'invalid_credentials');
  });
});

it('A 401 says what would be taken', async () => {
  const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity: identityOf({}) };
  const options = { nonce: 'required', tag: 'app' };
  const policies = await compilePolicies([{ name: 'signature', options }], context);
  const answer = await policies.onRequest[0]?.hooks.onRequest(exchangeFor());
  assert.equal(
    answer?.headers?.['Accept-Signature'],
    'sig=("@method" "@target-uri" "content-digest");created;nonce;tag="app"',
  );
});

it('Nonces are remembered as long as a signature is taken, and never forgotten for want of room', () => {
  const nonces = new UsedNonces(2);
  const take = (nonce: string, nowMs: number) => nonces.take('key', nonce, 1000, nowMs);
  assert.equal(take('a', 0), 'new');
  assert.equal(take('a', 999), 'seen');
  assert.equal(take('b', 999), 'new');
  assert.equal(take('c', 999), 'unknown');
  assert.equal(take('b', 1998), 'seen');
  assert.equal(take('c', 2998), 'new');
});

describe('Options', () => {
  for (const [options, path] of [
    [{ components: ['@status'] }, 'components.0'],
    [{ components: ['Date'] }, 'components.0'],
    [{ maxAge: 'x' }, 'maxAge'],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const [problem] = await validatePolicyUse({ name: 'signature', options });
      assert.equal(problem?.path.join('.'), path);
    });
  }
});
