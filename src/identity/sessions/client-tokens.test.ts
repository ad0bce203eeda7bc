import assert from 'node:assert/strict';
import { createHash, X509Certificate } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { systemTimers } from '../../lib/timers.ts';
import { ConsumerIndex } from '../consumers/consumer-index.ts';
import { Issuers } from '../discovery/issuers.ts';
import { IssuerServer } from '../issuer-server.support.ts';
import { makeSecretToken, makeSigner, makeToken } from '../jwt/tokens.support.ts';
import { PasswordChecker } from '../passwords/password-checker.ts';
import { providerSchema } from '../providers/schema.ts';
import { ClientTokens } from './client-tokens.ts';
import { MemoryRecords } from './memory-records.support.ts';
import { sessionSchema } from './schema.ts';
import type { Login, SessionFinding } from './session.ts';
import { Sessions } from './sessions.ts';
import { principalOf } from './user-principal.ts';

const SIGNER = makeSigner('ES256');
const AT = { scheme: 'https', host: 'app.example.com' } as const;
const NOW = Date.now();
const EXP = Math.floor(NOW / 1000) + 60;

describe('An access token of another client', () => {
  let server: IssuerServer;
  before(async () => {
    server = await IssuerServer.start();
    server.answer('/.well-known/openid-configuration', {
      issuer: server.url,
      jwks_uri: `${server.url}/keys`,
    });
    server.answer('/keys', { keys: [SIGNER.jwk] });
  });
  after(() => server[Symbol.asyncDispose]());

  const claims = (change: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
    iss: server.url,
    sub: 'alice',
    aud: 'account',
    azp: 'cli',
    exp: EXP,
    ...change,
  });

  it('opens the session of its user until it expires, and none once that has ended', async () => {
    const play = new Play(server);
    const { sessions } = play;
    const token = makeToken(SIGNER, claims());
    assert.equal(await play.find(token), 'refused');
    const { session } = await sessions.create(loginOf(server, 'alice'), AT);
    await sessions.create(loginOf(server, 'bob'), AT);
    const found = await sessions.find(requestWith(token));
    assert.equal(found.kind === 'known' ? found.session.id : found.kind, session.id);
    const other = makeToken(SIGNER, claims({ azp: undefined, client_id: 'cli', aud: ['api'] }));
    assert.equal(await play.find(other), 'known');
    play.now = (EXP + 31) * 1000;
    assert.equal(await play.find(token), 'refused');
    play.now = NOW;
    await sessions.destroy(session);
    assert.deepEqual([await play.find(token), await play.find(other)], ['refused', 'refused']);
    assert.deepEqual([...play.records.kept.keys()].filter((key) => key.startsWith('k:')).length, 2);
  });

  const refused: readonly (readonly [what: string, token: () => string])[] = [
    ['of a client that is not named', () => makeToken(SIGNER, claims({ azp: 'evil' }))],
    ['of no client', () => makeToken(SIGNER, claims({ azp: undefined }))],
    ['of a user without a session', () => makeToken(SIGNER, claims({ sub: 'mallory' }))],
    ['of no user', () => makeToken(SIGNER, claims({ sub: undefined }))],
    ['of another issuer', () => makeToken(SIGNER, claims({ iss: 'https://evil.example' }))],
    ['that is an ID token', () => makeToken(SIGNER, claims({ aud: 'cli' }))],
    ['that is an ID token for several', () => makeToken(SIGNER, claims({ aud: ['other', 'cli'] }))],
    ['that has expired', () => makeToken(SIGNER, claims({ exp: EXP - 120 }))],
    ['that never expires', () => makeToken(SIGNER, claims({ exp: undefined }))],
    ['with another key', () => makeToken(makeSigner('ES256', SIGNER.kid), claims())],
    ['with the key as a secret', () => makeSecretToken(JSON.stringify(SIGNER.jwk), claims())],
    ['without a signature', () => makeToken(SIGNER, claims(), { alg: 'none' }).replace(/[^.]*$/, '')],
    ['of great length', () => makeToken(SIGNER, claims({ x: 'x'.repeat(9000) }))],
  ];
  for (const [what, token] of refused)
    it(`is refused ${what}`, async () => {
      const play = new Play(server);
      await play.sessions.create(loginOf(server, 'alice'), AT);
      assert.equal(await play.find(makeToken(SIGNER, claims())), 'known');
      // A text of that length is not looked at.
      assert.equal(await play.find(token()), what === 'of great length' ? 'absent' : 'refused');
    });

  it('is refused from anybody but whom it is bound to', async () => {
    const play = new Play(server);
    await play.sessions.create(loginOf(server, 'alice'), AT);
    const { cert } = await (await TestAuthority.make('Team authority')).issue('alice');
    const leaf = new X509Certificate(cert);
    const thumbprint = createHash('sha256').update(leaf.raw).digest('base64url');
    const request = requestWith(makeToken(SIGNER, claims({ cnf: { 'x5t#S256': thumbprint } })));
    const certificate = { leaf, isVerified: true };
    const address = '192.0.2.1';
    for (const [client, kind] of [
      [{ address }, 'refused'],
      [{ address, certificate }, 'known'],
      [{ address }, 'refused'],
    ] as const)
      assert.equal((await play.sessions.find(request, client)).kind, kind);
    const ofKey = requestWith(makeToken(SIGNER, claims({ cnf: { jkt: thumbprint } })));
    assert.equal((await play.sessions.find(ofKey, { address, certificate })).kind, 'refused');
  });

  it('counts beside a cookie that opens nothing any more, and not beside one that does', async () => {
    const play = new Play(server, ['cookie', 'bearer']);
    const cookieOf = async (subject: string) =>
      (await play.sessions.create(loginOf(server, subject), AT)).setCookie.split(';', 1)[0] ?? '';
    const [alice, bob] = [await cookieOf('alice'), await cookieOf('bob')];
    const bearer = makeToken(SIGNER, claims());
    const whose = async (token: string | undefined, cookie: string) => {
      const found = await play.sessions.find(requestWith(token, cookie));
      return found.kind === 'known' ? found.principal.subject : found.kind;
    };
    assert.equal(await whose(bearer, bob), 'bob');
    const session = await play.sessions.find(requestWith(undefined, bob));
    if (session.kind === 'known') await play.sessions.destroy(session.session);
    assert.equal(await whose(undefined, bob), 'absent');
    assert.equal(await whose(bearer, bob), 'alice');
    assert.equal(await whose(bearer, `${alice}x`), 'alice');
    assert.equal(await whose(makeToken(SIGNER, claims({ exp: EXP - 120 })), bob), 'refused');
  });

  it('is neither right nor wrong while the keys cannot be read', async () => {
    await using away = await IssuerServer.start();
    const play = new Play(away);
    await play.sessions.create(loginOf(away, 'alice'), AT);
    assert.equal(await play.find(makeToken(SIGNER, claims({ iss: away.url }))), 'unavailable');
  });
});

class Play {
  now = NOW;
  readonly records = new MemoryRecords(() => this.now);
  readonly sessions: Sessions;

  constructor({ url }: IssuerServer, recognise: readonly string[] = ['bearer']) {
    const config = sessionSchema.parse({
      login: ['first'],
      keys: ['k'.repeat(32)],
      recognise,
      clients: ['cli'],
    });
    const nowMs = () => this.now;
    const log = () => {};
    const clientTokens = new ClientTokens(config, {
      issuers: new Issuers({ timers: systemTimers, random: Math.random, log }),
      providers: { first: providerSchema.parse({ issuer: url, clientId: 'gateway' }) },
      consumers: new ConsumerIndex([], new PasswordChecker(nowMs), nowMs),
      nowMs,
    });
    this.sessions = new Sessions('web', config, {
      records: this.records,
      nowMs,
      log,
      provider: () => assert.fail('no provider is asked'),
      principal: (id, content) => principalOf(id, content, undefined, undefined),
      clientTokens,
    });
  }

  async find(token: string): Promise<SessionFinding['kind']> {
    return (await this.sessions.find(requestWith(token))).kind;
  }
}

function requestWith(token: string | undefined, cookie?: string) {
  const headers = {
    ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    ...(cookie !== undefined && { Cookie: cookie }),
  };
  return exchangeFor({ url: `https://${AT.host}/`, headers }).request;
}

function loginOf({ url }: IssuerServer, subject: string): Login {
  return {
    provider: 'first',
    user: { issuer: url, subject, claims: {} },
    tokens: {
      accessToken: `opaque-token-of-${subject}`,
      tokenType: 'bearer',
      expiresAtMs: NOW + 60_000,
      scopes: [],
    },
  };
}
