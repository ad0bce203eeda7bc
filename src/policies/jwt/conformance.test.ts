import assert from 'node:assert/strict';
import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, it } from 'node:test';
import { makeSigner, makeToken } from '../../identity/jwt/tokens.support.ts';
import { AuthPlay, START_MS } from './jwt.support.ts';

const ISSUER = 'https://id.example.com';
const NOW = START_MS / 1000;
const CLAIMS = { iss: ISSUER, aud: 'api', sub: 'alice', azp: 'app', iat: NOW - 10, exp: NOW + 300 };

const rsa = makeSigner('RS256', 'rsa');
const ec = makeSigner('ES256', 'ec');
const ed = makeSigner('EdDSA', 'ed');
const stranger = makeSigner('ES256', 'ec');

const MALFORMED = '401 invalid_token: The token is not a signed JWT as it must be.';
const SIGNATURE = '401 invalid_token: The signature of the token is wrong.';
const KEY = '401 invalid_token: The key that the token names is not known.';

function token(change: Readonly<Record<string, unknown>> = {}, header = {}): string {
  return makeToken(ec, JSON.parse(JSON.stringify({ ...CLAIMS, ...change })), header);
}

const good = token();

/** RFC 7518 section 3.5: salt as long as the hash. */
function signPss(input: string): string {
  const padding = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
  return sign('sha256', Buffer.from(input), { key: rsa.privateKey, ...padding }).toString('base64url');
}

/** Claims that fill so many times 8 KiB. */
function fill(times: number): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from({ length: times }, (_, i) => [`x${i}`, 'x'.repeat(8192)]));
}

describe('A JWT is taken', () => {
  const ps = { ...rsa, algorithm: 'PS256', sign: signPss };
  const takes: readonly (readonly [title: string, token: string, options?: object])[] = [
    ['with a fraction of a second', token({ exp: NOW + 0.5, iat: NOW - 0.5, nbf: NOW - 0.5 })],
    ['that ends beyond any date', token({ exp: 1e300 })],
    ['of Ed25519, called so', makeToken(ed, CLAIMS, { alg: 'Ed25519' })],
    ['of EdDSA', makeToken(ed, CLAIMS)],
    ['of PS256', makeToken(ps, CLAIMS)],
    ['of a key of which another has the same kid', makeToken(ec, CLAIMS)],
    [
      'that says by client_id to whom it was issued (RFC 9068)',
      token({ azp: undefined, client_id: 'app' }, { typ: 'at+jwt' }),
      { authorizedParties: 'app' },
    ],
    ['for several audiences', token({ aud: ['other', 'api'], azp: undefined })],
    [
      'that says that it is one of access',
      token({ typ: 'Bearer', token_use: 'access' }, { typ: 'application/at+jwt' }),
    ],
    ['of 64 KiB, where options say so', token(fill(5)), { maxLength: '64kb' }],
    ['that is an ID token, where options say so', token({ at_hash: 'x', azp: 'api' }), { idTokens: true }],
  ];
  for (const [title, taken, options] of takes)
    it(title, async () => {
      using play = await AuthPlay.start('jwt', {
        issuers: [{ issuer: ISSUER, jwks: { keys: [stranger.jwk, ec.jwk, rsa.jwk, ed.jwk] } }],
        audience: 'api',
        ...options,
      });
      assert.equal(await play.verdict(taken), '200 alice');
    });
});

describe('An ID token, where it is taken (OpenID Connect Core section 3.1.3.7)', () => {
  const PARTY = '401 invalid_token: The token was issued to a client that is not accepted here.';
  for (const [title, change, verdict] of [
    ['is for the client alone', { azp: undefined }, '200 alice'],
    ['names the client as its party', { azp: 'api', aud: ['api', 'other'] }, '200 alice'],
    ['is for several and names no party', { azp: undefined, aud: ['api', 'other'] }, PARTY],
    ['names another party', { azp: 'other', aud: ['api', 'other'] }, PARTY],
  ] as const)
    it(`${title}: ${verdict}`, async () => {
      using play = await AuthPlay.start('jwt', {
        issuers: [{ issuer: ISSUER, jwks: { keys: [ec.jwk] }, idTokens: true }],
        audience: 'api',
      });
      assert.equal(await play.verdict(token({ at_hash: 'x', ...change })), verdict);
    });
});

describe('A key of a published set is passed over', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' });
  for (const [title, key] of [
    ['of 1024 bits', { ...small, kid: 'rsa' }],
    ['with the exponent 1, with which anybody can sign', { ...rsa.jwk, e: 'AQ' }],
    ['with the exponent 1 behind zeros', { ...rsa.jwk, e: 'AAAB' }],
    ['with an even exponent', { ...rsa.jwk, e: 'AQAC' }],
    ['without an exponent', { ...rsa.jwk, e: '' }],
  ] as const)
    it(title, async () => {
      using play = await AuthPlay.start('jwt', {
        issuers: [{ issuer: ISSUER, jwks: { keys: [key, ec.jwk] } }],
        audience: 'api',
      });
      assert.equal(await play.verdict(makeToken(rsa, CLAIMS)), KEY);
      assert.equal(await play.verdict(good), '200 alice');
    });

  it('whose point is not on its curve: no signature is right by it', async () => {
    using play = await AuthPlay.start('jwt', {
      issuers: [{ issuer: ISSUER, jwks: { keys: [{ ...ec.jwk, y: ec.jwk['x'] }] } }],
      audience: 'api',
    });
    assert.equal(await play.verdict(good), SIGNATURE);
  });
});

describe('Credentials that are malformed make nobody anonymous', () => {
  const FORM = '400 invalid_request: The credentials are not the word Bearer, a space and a token.';
  const TWO = '400 invalid_request: The request has more than one token.';
  const bearer = `Bearer ${good}`;
  for (const [title, headers, verdict] of [
    ['a tab', { authorization: `Bearer\t${good}` }, FORM],
    ['nothing behind the word', { authorization: 'Bearer' }, FORM],
    ['a token and a blank within', { authorization: `${bearer} x` }, MALFORMED],
    ['a token and a tab behind', { authorization: `${bearer}\tx` }, MALFORMED],
    ['two tokens with a comma', { authorization: `${bearer}, ${bearer}` }, MALFORMED],
    ['the word twice', { authorization: `Bearer ${bearer}` }, MALFORMED],
    [
      'two fields',
      [
        ['authorization', bearer],
        ['authorization', bearer],
      ],
      TWO,
    ],
    [
      'two fields of two schemes',
      [
        ['authorization', 'Basic YTpi'],
        ['authorization', bearer],
      ],
      TWO,
    ],
    ['several blanks before the token', { authorization: `bEARER   ${good}` }, '200 alice'],
    ['another scheme', { authorization: `Bearers ${good}` }, '200 nobody'],
  ] as readonly (readonly [string, Parameters<AuthPlay['send']>[0], string])[])
    it(title, async () => {
      const jwt = { issuers: [{ issuer: ISSUER, jwks: { keys: [ec.jwk] } }], audience: 'api' };
      using play = await AuthPlay.start('auth', { any: [{ jwt }], optional: true });
      assert.equal(await play.verdictOf(headers), verdict);
    });
});
