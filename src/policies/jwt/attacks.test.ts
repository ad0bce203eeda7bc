import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import {
  encoded,
  makeSecretToken,
  makeSigner,
  makeToken,
  type Signer,
} from '../../identity/jwt/tokens.support.ts';
import { AuthPlay, START_MS } from './jwt.support.ts';

const ISSUER = 'https://id.example.com';
const NOW = START_MS / 1000;
const CLAIMS = { iss: ISSUER, aud: 'api', sub: 'alice', azp: 'app', iat: NOW - 10, exp: NOW + 300 };

const rsa = makeSigner('RS256', 'rsa');
const ec = makeSigner('ES256', 'ec');
const ed = makeSigner('EdDSA', 'ed');
const stranger = makeSigner('ES256', 'ec');
const p384 = makeSigner('ES384', 'p384');

const MALFORMED = '401 invalid_token: The token is not a signed JWT as it must be.';
const ALGORITHM = '401 invalid_token: The algorithm of the token is not accepted here.';
const SIGNATURE = '401 invalid_token: The signature of the token is wrong.';
const KEY = '401 invalid_token: The key that the token names is not known.';
const CLAIM = '401 invalid_token: A claim of the token is missing or is not what it must be.';
const EARLY = '401 invalid_token: The token is not valid yet.';
const TYPE = '401 invalid_token: The type of the token is not accepted here.';
const ID_TOKEN =
  '401 invalid_token: The token is an ID token: it is for the client that asked for it, not for an API.';
const NO_SUBJECT = '401 invalid_token: The token names no subject.';
const EXPIRED = '401 invalid_token: The token has expired.';

function claims(change: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return JSON.parse(JSON.stringify({ ...CLAIMS, ...change })) as Record<string, unknown>;
}

function token(change: Readonly<Record<string, unknown>> = {}, header = {}, signer: Signer = ec): string {
  return makeToken(signer, claims(change), header);
}

/** The same token with another header, which its signature does not know. */
function withHeader(header: unknown, whole = token()): string {
  return [encoded(header), ...whole.split('.').slice(1)].join('.');
}

function signed(header: string, payload: string): string {
  const input = `${encoded(header)}.${encoded(payload)}`;
  return `${input}.${ec.sign(input)}`;
}

const PEM = rsa.publicKey.export({ format: 'pem', type: 'spki' }) as string;
const DER = rsa.publicKey.export({ format: 'der', type: 'spki' });
const good = token();
const [head = '', body = '', signature = ''] = good.split('.');
const HEADER = `{"alg":"ES256","kid":"ec"}`;
const PAYLOAD = JSON.stringify(CLAIMS);

/** The last letter of a signature has bits that mean nothing: another letter decodes to the same octets. */
function otherSpelling(text: string): string {
  const octets = Buffer.from(text, 'base64url');
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const other = [...letters].find(
    (letter) => !text.endsWith(letter) && Buffer.from(text.slice(0, -1) + letter, 'base64url').equals(octets),
  );
  return text.slice(0, -1) + (other ?? assert.fail('there is no other spelling'));
}

const ATTACKS: readonly (readonly [title: string, token: string, verdict: string])[] = [
  ...['none', 'None', 'NONE', 'nOnE', 'none ', ' none', 'n\u006fne\0', '', 'null'].map(
    (alg) =>
      [`alg ${JSON.stringify(alg)} without a signature`, `${encoded({ alg })}.${body}.`, MALFORMED] as const,
  ),
  ...['none', 'None', 'NONE', 'nOnE', '', 'es256', 'ES256 ', 'HS256', 'RS1', 'ES256K', 'constructor'].map(
    (alg) =>
      [`alg ${JSON.stringify(alg)} with a signature`, withHeader({ alg, kid: 'ec' }), ALGORITHM] as const,
  ),
  ['alg that is a list', withHeader({ alg: ['ES256'], kid: 'ec' }), MALFORMED],
  ['no alg at all', withHeader({ kid: 'ec' }), MALFORMED],
  ['the public key as a secret, PEM', makeSecretToken(PEM, CLAIMS, { kid: 'rsa' }), ALGORITHM],
  [
    'the public key as a secret, PEM without its last line end',
    makeSecretToken(PEM.trimEnd(), CLAIMS, { kid: 'rsa' }),
    ALGORITHM,
  ],
  ['the public key as a secret, DER', makeSecretToken(DER, CLAIMS, { kid: 'rsa' }), ALGORITHM],
  [
    'the public key as a secret, JWK',
    makeSecretToken(JSON.stringify(rsa.jwk), CLAIMS, { kid: 'rsa' }),
    ALGORITHM,
  ],
  ['an empty secret', makeSecretToken('', CLAIMS, { kid: 'ec' }), ALGORITHM],
  ['RS256 on the key of ES256', withHeader({ alg: 'RS256', kid: 'ec' }), KEY],
  ['ES256 on the key of RS256', withHeader({ alg: 'ES256', kid: 'rsa' }), KEY],
  ['PS256 where RS256 signed', makeToken(rsa, CLAIMS, { alg: 'PS256' }), SIGNATURE],
  ['ES256 with a key on another curve', makeToken(p384, CLAIMS, { alg: 'ES256' }), KEY],
  ['ES384 with the key of ES256', makeToken(ec, CLAIMS, { alg: 'ES384' }), KEY],
  ['a key of the same name, of somebody else', makeToken(stranger, CLAIMS), SIGNATURE],
  ['a kid that is a path', token({}, { kid: '../../../../dev/null' }), KEY],
  ['a kid that is a path with a zero octet', token({}, { kid: '/dev/null\0.pem' }), KEY],
  ['a kid that is SQL', token({}, { kid: "ec' UNION SELECT 'secret' --" }), KEY],
  ['a kid that is a command', token({}, { kid: '$(id)|`id`' }), KEY],
  ['a kid of a property of every object', token({}, { kid: '__proto__' }), KEY],
  ['a kid of a method of every object', token({}, { kid: 'toString' }), KEY],
  ['a kid of 257 letters', token({}, { kid: 'k'.repeat(257) }), MALFORMED],
  ['an empty kid', token({}, { kid: '' }), MALFORMED],
  ['a kid that is a number', token({}, { kid: 1 }), MALFORMED],
  ['a kid that is a list', token({}, { kid: ['ec'] }), MALFORMED],
  ['a kid twice in the header', signed('{"alg":"ES256","kid":"rsa","kid":"ec"}', PAYLOAD), MALFORMED],
  ['a kid twice, once escaped', signed('{"alg":"ES256","kid":"ec","k\\u0069d":"ec"}', PAYLOAD), MALFORMED],
  ['alg twice in the header', signed('{"alg":"none","alg":"ES256","kid":"ec"}', PAYLOAD), MALFORMED],
  ['crit of what is not known', token({}, { crit: ['exp'], exp: NOW + 300 }), MALFORMED],
  ['an empty crit', token({}, { crit: [] }), MALFORMED],
  ['crit of b64', token({}, { crit: ['b64'], b64: true }), MALFORMED],
  ['b64=false', token({}, { crit: ['b64'], b64: false }), MALFORMED],
  ['b64=false that is not critical', token({}, { b64: false }), MALFORMED],
  ['a header that is a list', withHeader(['ES256']), MALFORMED],
  ['a header that is null', withHeader(null), MALFORMED],
  ['a header that is no JSON', `${encoded('{alg:ES256}')}.${body}.${signature}`, MALFORMED],
  [
    'a header that is no UTF-8',
    `${Buffer.from('{"alg":"\xff"}', 'latin1').toString('base64url')}.${body}.${signature}`,
    MALFORMED,
  ],
  ['no signature', `${head}.${body}.`, MALFORMED],
  ['no last dot', `${head}.${body}`, MALFORMED],
  ['no payload', `${head}..${signature}`, MALFORMED],
  ['no header', `.${body}.${signature}`, MALFORMED],
  ['dots alone', '..', MALFORMED],
  ['four parts', `${good}.`, MALFORMED],
  [
    'five parts, as an encrypted token has',
    `${encoded({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`,
    MALFORMED,
  ],
  ['five parts of a good token', `${good}.AAAA.AAAA`, MALFORMED],
  ['one word', 'abc', MALFORMED],
  ['a letter behind it', `${good}A`, SIGNATURE],
  ['a letter behind it that ends no octet', `${good}B`, MALFORMED],
  ['four letters behind it', `${good}AAAA`, SIGNATURE],
  ['padding behind it', `${good}==`, MALFORMED],
  ['padding behind the header', `${head}=.${body}.${signature}`, MALFORMED],
  ['white space before the signature', `${head}.${body}.\t${signature}`, MALFORMED],
  ['white space within', `${head}. ${body}.${signature}`, MALFORMED],
  ['letters of plain base64', `${head}.${body}.+/${signature.slice(2)}`, MALFORMED],
  ['a signature in another spelling of base64url', `${head}.${body}.${otherSpelling(signature)}`, MALFORMED],
  ['a signature cut short', `${head}.${body}.${signature.slice(0, 64)}`, SIGNATURE],
  ['a signature of r = s = 0', `${head}.${body}.${Buffer.alloc(64).toString('base64url')}`, SIGNATURE],
  [
    'a signature of r = s = n',
    `${head}.${body}.${Buffer.from('ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.repeat(2), 'hex').toString('base64url')}`,
    SIGNATURE,
  ],
  [
    'a signature in DER',
    `${head}.${body}.${Buffer.from('3006020100020100', 'hex').toString('base64url')}`,
    SIGNATURE,
  ],
  ['the payload of another token', [head, encoded(claims({ sub: 'admin' })), signature].join('.'), SIGNATURE],
  ['expired', token({ exp: NOW - 30 }), EXPIRED],
  ['exp of 0', token({ exp: 0 }), EXPIRED],
  ['exp below 0', token({ exp: -1 }), EXPIRED],
  ['without exp', token({ exp: undefined }), CLAIM],
  ['exp that is text', token({ exp: String(NOW + 300) }), CLAIM],
  ['exp that is null', token({ exp: null }), CLAIM],
  ['exp that is over by a fraction', token({ exp: NOW - 30.5 }), EXPIRED],
  ['exp that is true', token({ exp: true }), CLAIM],
  ['exp that is an object', token({ exp: {} }), CLAIM],
  ['exp below any date', token({ exp: -1e300 }), EXPIRED],
  ['iat beyond any date', token({ iat: 1e300 }), EARLY],
  ['nbf beyond any date', token({ nbf: 1e300 }), EARLY],
  ['exp that is a list', token({ exp: [NOW + 300] }), CLAIM],
  ['exp that is infinite', signed(HEADER, PAYLOAD.replace(/"exp":\d+/, '"exp":1e999')), MALFORMED],
  ['not valid yet', token({ nbf: NOW + 31 }), EARLY],
  ['nbf that is text', token({ nbf: 'now' }), CLAIM],
  ['issued in the future', token({ iat: NOW + 31 }), EARLY],
  ['iat that is true', token({ iat: true }), CLAIM],
  ['a wrong audience', token({ aud: 'other' }), '401 invalid_token: The token is for another audience.'],
  [
    'wrong audiences',
    token({ aud: ['other', 'API', 'api '] }),
    '401 invalid_token: The token is for another audience.',
  ],
  ['no audience', token({ aud: undefined }), '401 invalid_token: The token is for another audience.'],
  [
    'an audience within another list',
    token({ aud: [['api']] }),
    '401 invalid_token: The token is for another audience.',
  ],
  [
    'an audience that is an object',
    token({ aud: { api: true } }),
    '401 invalid_token: The token is for another audience.',
  ],
  [
    'a wrong issuer',
    token({ iss: 'https://evil.example' }),
    '401 invalid_token: The issuer of the token is not accepted here.',
  ],
  [
    'an issuer with a slash more',
    token({ iss: `${ISSUER}/` }),
    '401 invalid_token: The issuer of the token is not accepted here.',
  ],
  [
    'an issuer in other letters',
    token({ iss: ISSUER.toUpperCase() }),
    '401 invalid_token: The issuer of the token is not accepted here.',
  ],
  [
    'an issuer that is a list',
    token({ iss: [ISSUER] }),
    '401 invalid_token: The issuer of the token is not accepted here.',
  ],
  [
    'no issuer',
    token({ iss: undefined }),
    '401 invalid_token: The issuer of the token is not accepted here.',
  ],
  [
    'a wrong azp',
    token({ azp: 'other' }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  [
    'no azp',
    token({ azp: undefined }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  [
    'a wrong client_id and no azp',
    token({ azp: undefined, client_id: 'other' }, { typ: 'at+jwt' }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  [
    'a wrong azp beside a client_id that fits',
    token({ azp: 'other', client_id: 'app' }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  [
    'an azp that is a list',
    token({ azp: ['app'] }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  ...[
    'logout+jwt',
    'application/LOGOUT+JWT',
    'token-introspection+jwt',
    'dpop+jwt',
    'secevent+jwt',
    'logout+jwt;v=1',
    'logout+jwt ',
  ].map((typ): [string, string, string] => [
    `the type ${JSON.stringify(typ)}, which is of no token of access`,
    token({}, { typ }),
    TYPE,
  ]),
  ['a type that is a number', token({}, { typ: 7 }), MALFORMED],
  ['a type that is a list', token({}, { typ: ['at+jwt'] }), MALFORMED],
  ...[
    { typ: 'Refresh' },
    { typ: 'Offline' },
    { typ: 'Logout' },
    { token_use: 'refresh_token' },
    { token_use: 'something' },
    { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } },
    { events: null },
  ].map((said): [string, string, string] => [`of another use, ${JSON.stringify(said)}`, token(said), TYPE]),
  ...[
    { at_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
    { c_hash: 'MTIzNDU2Nzg5MDEyMzQ1Ng' },
    { typ: 'ID' },
    { token_use: 'id' },
  ].map((said): [string, string, string] => [`an ID token, ${JSON.stringify(said)}`, token(said), ID_TOKEN]),
  [
    'an azp that is a number',
    token({ azp: 7 }),
    '401 invalid_token: The token was issued to a client that is not accepted here.',
  ],
  ['no subject', token({ sub: undefined }), NO_SUBJECT],
  ['an empty subject', token({ sub: '' }), NO_SUBJECT],
  ['a subject that is a number', token({ sub: 7 }), NO_SUBJECT],
  ['a subject with half a character', token({ sub: 'alice\ud800' }), NO_SUBJECT],
  ['a claim twice', signed(HEADER, `{"sub":"admin",${PAYLOAD.slice(1)}`), MALFORMED],
  ['a claim twice, deep inside', signed(HEADER, `{"a":{"b":1,"b":2},${PAYLOAD.slice(1)}`), MALFORMED],
  [
    'claims within 17 levels',
    signed(HEADER, `{"a":${'['.repeat(16)}${']'.repeat(16)},${PAYLOAD.slice(1)}`),
    MALFORMED,
  ],
  [
    'a claim that would change prototypes',
    signed(HEADER, `{"__proto__":{"sub":"admin"},${PAYLOAD.slice(1)}`),
    MALFORMED,
  ],
  ['claims that are a list', signed(HEADER, '[1]'), MALFORMED],
  ['claims that are a text', signed(HEADER, '"alice"'), MALFORMED],
  ['claims with something behind them', signed(HEADER, `${PAYLOAD} {}`), MALFORMED],
  [
    'a token of more than 8 KiB',
    token({ more: 'x'.repeat(8192) }),
    '401 invalid_token: The token is longer than is accepted here.',
  ],
];

describe('A JWT is refused', () => {
  let play: AuthPlay;
  before(async () => {
    play = await AuthPlay.start('jwt', {
      issuers: [{ issuer: ISSUER, jwks: { keys: [rsa.jwk, ec.jwk, ed.jwk, p384.jwk] } }],
      audience: 'api',
      authorizedParties: 'app',
    });
  });
  after(() => play[Symbol.dispose]());

  for (const [title, attack, verdict] of ATTACKS) {
    it(title, async () => {
      assert.equal(await play.verdict(attack), verdict);
      // A good token that was seen before opens no door.
      assert.equal(await play.verdict(good), '200 alice');
      assert.equal(await play.verdict(attack), verdict);
    });
  }

  it('whatever octet of it is another', async () => {
    for (const signer of [rsa, ec, ed]) {
      const whole = token({}, {}, signer);
      assert.equal(await play.verdict(whole), '200 alice');
      await fc.assert(
        fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 0x21, max: 0x7e }), async (at, code) => {
          const changed = whole.slice(0, at) + String.fromCharCode(code) + whole.slice(at + 1);
          fc.pre(changed !== whole);
          assert.match(await play.verdict(changed), /^401 invalid_token: /);
        }),
        { numRuns: 300 },
      );
    }
  });

  it('whatever octet is missing or one too many', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 0x21, max: 0x7e }), async (at, code) => {
        const shorter = good.slice(0, at) + good.slice(at + 1);
        const longer = good.slice(0, at) + String.fromCharCode(code) + good.slice(at);
        for (const changed of [shorter, longer])
          assert.match(await play.verdict(changed), /^401 invalid_token: /);
      }),
      { numRuns: 300 },
    );
  });
});

describe('A token that brings its own key', () => {
  it('is refused, and what it names is never asked', async () => {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(JSON.stringify({ keys: [{ ...stranger.jwk, kid: 'ec' }] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      using play = await AuthPlay.start('jwt', {
        issuers: [{ issuer: ISSUER, jwks: { keys: [ec.jwk] } }],
        audience: 'api',
      });
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
      const pem = stranger.publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
      for (const header of [
        { jku: url },
        { x5u: url },
        { jku: url, x5u: url, kid: url },
        { jwk: stranger.jwk },
        { jwk: { ...stranger.jwk, kid: 'ec' }, jku: url },
        { x5c: [pem] },
        { x5t: 'AAAA', 'x5t#S256': 'AAAA', x5c: [pem] },
      ]) {
        const verdict = await play.verdict(makeToken(stranger, CLAIMS, header));
        assert.equal(verdict, 'kid' in header ? KEY : SIGNATURE, JSON.stringify(header));
      }
      assert.equal(
        await play.verdict(makeToken(ec, CLAIMS, { jku: url, x5u: url, jwk: stranger.jwk })),
        '200 alice',
      );
      assert.deepEqual(asked, []);
    } finally {
      server.close();
    }
  });
});
