import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { before, describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { exchangeFor } from '../../../test/support/exchange.ts';
import type { GrantTokens } from '../providers/provider.ts';
import { AT, LOGIN, SessionsPlay, TOKENS } from './sessions.support.ts';

describe('A token that opens a session, and is bound to its client,', () => {
  let alice: X509Certificate;
  let mallory: X509Certificate;
  before(async () => {
    const authority = await TestAuthority.make('Team authority');
    alice = new X509Certificate((await authority.issue('alice')).cert);
    mallory = new X509Certificate((await authority.issue('mallory')).cert);
  });

  const jwt = (name: string, cnf: unknown): string =>
    `${[{ alg: 'ES256' }, { sub: 'alice', name, cnf }].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.c2ln`;
  const bound = () => ({ 'x5t#S256': createHash('sha256').update(alice.raw).digest('base64url') });
  const WAYS: readonly (readonly [what: string, send: (tokens: GrantTokens) => string])[] = [
    ['an access token', ({ accessToken }) => `Bearer ${accessToken}`],
    ['a refresh token', ({ refreshToken }) => `Bearer ${refreshToken}`],
    ['an access token as a password', ({ accessToken }) => `Basic ${btoa(`git:${accessToken}`)}`],
    ['a refresh token as a password', ({ refreshToken }) => `Basic ${btoa(`git:${refreshToken}`)}`],
  ];
  /** What comes of it from each of these in turn: the others are asked after it was remembered, and before. */
  const verdicts = async (options: object, cnf: unknown, send: (tokens: GrantTokens) => string) => {
    const tokens = { ...TOKENS, accessToken: jwt('access', cnf), refreshToken: jwt('refresh', cnf) };
    const sessions = new SessionsPlay().sessions({ recognise: ['bearer', 'refresh', 'basic'], ...options });
    await sessions.create({ ...LOGIN, tokens }, AT);
    const found: string[] = [];
    for (const leaf of [mallory, alice, mallory, undefined, alice]) {
      const certificate = leaf && { leaf, isVerified: true };
      const { request, client } = exchangeFor({ headers: { Authorization: send(tokens) }, certificate });
      found.push((await sessions.find(request, client)).kind);
    }
    return found;
  };

  for (const [what, send] of WAYS) {
    it(`counts over a connection with that client certificate alone: ${what}`, async () => {
      const expected = ['refused', 'known', 'refused', 'refused', 'known'];
      assert.deepEqual(await verdicts({}, bound(), send), expected);
    });

    it(`opens none where the binding is not one to a certificate: ${what}`, async () => {
      for (const cnf of [{ jkt: 'a' }, { ...bound(), jkt: 'a' }, {}, null, 'x5t#S256'])
        assert.deepEqual(await verdicts({}, cnf, send), Array(5).fill('refused'), JSON.stringify(cnf));
    });

    it(`counts from anybody where that is not checked, or it is bound to nobody: ${what}`, async () => {
      assert.deepEqual(await verdicts({ confirmation: 'ignored' }, bound(), send), Array(5).fill('known'));
      assert.deepEqual(await verdicts({}, undefined, send), Array(5).fill('known'));
    });
  }

  it('is not redeemed for somebody else: a refresh token that would begin a session', async () => {
    const sessions = new SessionsPlay().sessions({ recognise: ['refresh'] });
    const headers = { Authorization: `Bearer ${jwt('offline', bound())}` };
    assert.equal((await sessions.find(exchangeFor({ headers }).request)).kind, 'refused');
  });
});
