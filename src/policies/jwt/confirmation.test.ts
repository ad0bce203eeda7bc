import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { makeSigner, makeToken } from '../../identity/jwt/tokens.support.ts';
import { sha256 } from '../../lib/sha256.ts';
import { AuthPlay, START_MS } from './jwt.support.ts';

const ISSUER = 'https://id.example.com';
const NOW = START_MS / 1000;
const signer = makeSigner('ES256', 'one');
const OPTIONS = { issuers: [{ issuer: ISSUER, jwks: { keys: [signer.jwk] } }], audience: 'api' };

const tokenWith = (cnf: unknown): string =>
  makeToken(signer, { iss: ISSUER, aud: 'api', sub: 'alice', iat: NOW, exp: NOW + 300, cnf });

const ANOTHER = '401 invalid_token: The token is bound to the client certificate of another connection.';
const UNCHECKED = '401 invalid_token: The token is bound to its client in a way that is not checked here.';

describe('A token that is bound to its client', () => {
  let alice: X509Certificate;
  let mallory: X509Certificate;
  let thumbprint: string;
  before(async () => {
    const authority = await TestAuthority.make('Team authority');
    alice = new X509Certificate((await authority.issue('alice')).cert);
    mallory = new X509Certificate((await authority.issue('mallory')).cert);
    thumbprint = createHash('sha256').update(alice.raw).digest('base64url');
  });

  const shown = (leaf: X509Certificate) => ({ leaf, isVerified: true });

  it('by its certificate counts over a connection with that certificate alone, also when it was verified before', async () => {
    using play = await AuthPlay.start('jwt', OPTIONS);
    const token = tokenWith({ 'x5t#S256': thumbprint });
    assert.equal(await play.verdict(token, shown(alice)), '200 alice');
    assert.equal(await play.verdict(token, shown(mallory)), ANOTHER);
    assert.equal(await play.verdict(token), ANOTHER);
    assert.equal(await play.verdict(token, shown(alice)), '200 alice');
  });

  const table: readonly (readonly [title: string, cnf: unknown])[] = [
    ['by a key that signs requests (DPoP)', { jkt: sha256('a key') }],
    ['by a key of its own', { jwk: signer.jwk }],
    ['by nothing', {}],
    ['by what is no map', 'x5t#S256'],
    ['in two ways', { 'x5t#S256': sha256('a certificate'), jkt: sha256('a key') }],
  ];
  for (const [title, cnf] of table)
    it(`${title} is refused`, async () => {
      using play = await AuthPlay.start('jwt', OPTIONS);
      assert.equal(await play.verdict(tokenWith(cnf), shown(alice)), UNCHECKED);
    });

  it('by a thumbprint of another kind is that of nobody', async () => {
    using play = await AuthPlay.start('jwt', OPTIONS);
    for (const thumbprintOf of [7, null, `${thumbprint}=`, alice.fingerprint256])
      assert.equal(await play.verdict(tokenWith({ 'x5t#S256': thumbprintOf }), shown(alice)), ANOTHER);
  });

  it('counts from anybody where that is not checked', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, confirmation: 'ignored' });
    assert.equal(await play.verdict(tokenWith({ jkt: sha256('a key') })), '200 alice');
  });
});
