import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { after, before, describe, it } from 'node:test';
import { TEST_CLIENT } from '../../../test/support/identity-provider.ts';
import { IssuerServer } from '../issuer-server.support.ts';
import { encoded, makeSecretToken, makeSigner, makeToken } from '../jwt/tokens.support.ts';
import { ProviderRefused } from './provider.ts';
import { newFlow, testIssuers } from './provider-login.support.ts';
import { Providers } from './providers.ts';
import { providerSchema } from './schema.ts';

type Members = Readonly<Record<string, unknown>>;

/** What is other than at an honest provider. A member that is undefined is left out. */
interface Change {
  readonly claims?: Members;
  readonly header?: Members;
  /** The ID token, in place of one that is signed. */
  readonly idToken?: string;
  readonly tokens?: Members;
  readonly userInfo?: unknown;
  readonly metadata?: Members;
  /** What is answered at these paths instead. */
  readonly answers?: Readonly<Record<string, unknown>>;
  /** Of the provider in the configuration. */
  readonly options?: Members;
}

const SIGNER = makeSigner('ES256', 'right');
const OTHER = makeSigner('ES256', 'right');
const { id: CLIENT, secret: SECRET } = TEST_CLIENT;
const nowS = (): number => Math.floor(Date.now() / 1000);
const keys = (count: number): unknown => ({
  keys: [...Array.from({ length: count - 1 }, (_, i) => ({ ...OTHER.jwk, kid: `k${i}` })), SIGNER.jwk],
});
const elsewhere = (_: unknown, response: ServerResponse) =>
  response.writeHead(302, { location: '/honest' }).end();
const silent = (): void => {};
const text = (body: string) => (_: unknown, response: ServerResponse) =>
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);

const GOOD = 'alice';
const REFUSED = 'refused: invalid_response';
const AWAY = 'unavailable';

const TIMES: readonly (readonly [what: string, change: () => Change, outcome: string])[] = [
  ['that ended 20 s ago', () => ({ claims: { exp: nowS() - 20 } }), GOOD],
  ['that ended a minute ago', () => ({ claims: { exp: nowS() - 60 } }), REFUSED],
  ['that was issued in an hour', () => ({ claims: { iat: nowS() + 3600, exp: nowS() + 7200 } }), GOOD],
  ['that was issued an hour ago', () => ({ claims: { iat: nowS() - 3600 } }), GOOD],
  ['that counts in 20 s', () => ({ claims: { nbf: nowS() + 20 } }), GOOD],
  ['that counts in a minute', () => ({ claims: { nbf: nowS() + 60 } }), REFUSED],
  ['of a login in the future', () => ({ claims: { auth_time: nowS() + 3600 } }), GOOD],
  ['that ends at a text', () => ({ claims: { exp: String(nowS() + 60) } }), REFUSED],
  ['that never ends', () => ({ claims: { exp: undefined } }), REFUSED],
  ['that was never issued', () => ({ claims: { iat: undefined } }), REFUSED],
];

const TOKENS: readonly (readonly [what: string, change: Change, outcome: string])[] = [
  ['of another issuer', { claims: { iss: 'https://evil.example' } }, REFUSED],
  ['for another client', { claims: { aud: 'other' } }, REFUSED],
  ['for several, of whom the gateway asked', { claims: { aud: [CLIENT, 'other'], azp: CLIENT } }, GOOD],
  ['for several, of whom another asked', { claims: { aud: [CLIENT, 'other'], azp: 'other' } }, REFUSED],
  ['for several, of whom nobody asked', { claims: { aud: [CLIENT, 'other'] } }, REFUSED],
  ['of another login', { claims: { nonce: 'other' } }, REFUSED],
  ['of no login', { claims: { nonce: undefined } }, REFUSED],
  ['of nobody', { claims: { sub: undefined } }, REFUSED],
  ['of a number', { claims: { sub: 7 } }, REFUSED],
  ['without a signature', { header: { alg: 'none' } }, REFUSED],
  ['of another key', { idToken: 'forged' }, REFUSED],
  ['signed with the secret of the client', { idToken: 'secret' }, REFUSED],
  ['of a key that is not there', { header: { kid: 'other' } }, REFUSED],
  ['that brings its key along', { idToken: 'own key' }, REFUSED],
  ['that is encrypted', { idToken: `${encoded({ alg: 'dir', enc: 'A256GCM' })}..a.b.c` }, REFUSED],
  ['that is none', { idToken: 'x' }, REFUSED],
  ['that is missing', { tokens: { id_token: undefined } }, REFUSED],
];

const ANSWERS: readonly (readonly [what: string, change: Change, outcome: string])[] = [
  ['metadata that lead elsewhere', { answers: { '/.well-known/openid-configuration': elsewhere } }, AWAY],
  ['metadata of 300 kB', { metadata: { more: 'x'.repeat(300_000) } }, AWAY],
  [
    'metadata that never come',
    { answers: { '/.well-known/openid-configuration': silent }, options: { timeout: '50ms' } },
    AWAY,
  ],
  ['metadata that promise no PKCE', { metadata: { code_challenge_methods_supported: ['plain'] } }, GOOD],
  ['keys that lead elsewhere', { answers: { '/keys': elsewhere } }, AWAY],
  ['100 keys', { answers: { '/keys': keys(100) } }, GOOD],
  ['101 keys', { answers: { '/keys': keys(101) } }, AWAY],
  ['10,000 keys', { answers: { '/keys': keys(10_000) } }, AWAY],
  ['two keys of one name', { answers: { '/keys': { keys: [OTHER.jwk, SIGNER.jwk] } } }, GOOD],
  ['tokens that lead elsewhere', { answers: { '/token': elsewhere } }, AWAY],
  ['tokens that never come', { answers: { '/token': silent }, options: { timeout: '50ms' } }, AWAY],
  ['a token of 70 kB', { tokens: { access_token: 'x'.repeat(70_000) } }, REFUSED],
  ['a refresh token of 70 kB', { tokens: { refresh_token: 'x'.repeat(70_000) } }, REFUSED],
  ['a token that ends in three million years', { tokens: { expires_in: 1e14 } }, GOOD],
  ['a token that ends at a text', { tokens: { expires_in: '3600' } }, GOOD],
  ['no token', { tokens: { access_token: undefined } }, REFUSED],
  ['2,000 groups', { claims: { groups: Array.from({ length: 2000 }, (_, i) => `group-${i}`) } }, GOOD],
  ['a picture of 70 kB', { userInfo: { sub: GOOD, picture: 'x'.repeat(70_000) } }, REFUSED],
  [
    'claims of a great depth',
    { userInfo: text(`{"sub":"${GOOD}","more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`) },
    REFUSED,
  ],
  ['a subject of great length', { claims: { sub: 'x'.repeat(2000) } }, REFUSED],
  ['a session of great length', { claims: { sid: 'x'.repeat(2000) } }, REFUSED],
  ['user info of somebody else', { userInfo: { sub: 'mallory' } }, REFUSED],
  ['user info of nobody', { userInfo: { name: 'Alice' } }, REFUSED],
  ['user info that leads elsewhere', { userInfo: elsewhere }, AWAY],
  ['user info that is a page', { userInfo: text('<p>') }, AWAY],
  ['user info of 2 MB', { userInfo: { sub: GOOD, picture: 'x'.repeat(2_000_000) } }, AWAY],
];

describe('At a provider of OpenID Connect that is not to be believed', () => {
  let server: IssuerServer;
  before(async () => {
    server = await IssuerServer.start();
  });
  after(() => server[Symbol.asyncDispose]());

  /** Who is let in, or why nobody is. */
  async function outcome({ claims, header, idToken, tokens, userInfo, metadata, answers, options }: Change) {
    const flow = newFlow();
    const { url } = server;
    server.answers.clear();
    server.answer('/.well-known/openid-configuration', {
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      userinfo_endpoint: `${url}/user`,
      jwks_uri: `${url}/keys`,
      id_token_signing_alg_values_supported: ['ES256', 'HS256', 'none'],
      ...metadata,
    });
    server.answer('/keys', keys(1));
    const told = {
      iss: url,
      aud: CLIENT,
      sub: GOOD,
      nonce: flow.nonce,
      iat: nowS(),
      exp: nowS() + 60,
      ...claims,
    };
    const made = new Map([
      ['forged', () => makeToken(OTHER, told)],
      ['secret', () => makeSecretToken(SECRET, told)],
      ['own key', () => makeToken(OTHER, told, { jwk: OTHER.jwk })],
    ]);
    const id_token =
      idToken === undefined ? makeToken(SIGNER, told, header) : (made.get(idToken)?.() ?? idToken);
    const given = { access_token: 'access', token_type: 'Bearer', expires_in: 60, id_token, ...tokens };
    server.answer('/token', given);
    if (userInfo !== undefined) server.answer('/user', userInfo);
    for (const [path, answer] of Object.entries(answers ?? {})) server.answer(path, answer);
    const config = providerSchema.parse({
      issuer: url,
      clientId: CLIENT,
      clientSecret: SECRET,
      userInfo: userInfo !== undefined,
      ...options,
    });
    const providers = new Providers({ idp: config }, Date.now, testIssuers());
    try {
      const provider = providers.named('idp');
      const got = await provider.redeem(`?code=c&state=${flow.state}`, flow);
      assert.ok(!Number.isNaN(new Date(Math.min(got.expiresAtMs, 8.64e15)).getTime()));
      return (await provider.user(got)).subject;
    } catch (error) {
      return error instanceof ProviderRefused ? `refused: ${error.code}` : AWAY;
    } finally {
      providers.close();
    }
  }

  for (const [what, change, expected] of TIMES)
    it(`${verdict(expected)} an ID token ${what}`, async () => {
      assert.equal(await outcome(change()), expected);
    });

  for (const [what, change, expected] of TOKENS)
    it(`${verdict(expected)} an ID token ${what}`, async () => {
      assert.equal(await outcome(change), expected);
    });

  for (const [what, change, expected] of ANSWERS)
    it(`${verdict(expected)} ${what}`, async () => {
      assert.equal(await outcome(change), expected);
    });
});

function verdict(expected: string): string {
  return { [GOOD]: 'a login takes', [REFUSED]: 'a login refuses' }[expected] ?? 'a login cannot go on with';
}
