import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { startGateway } from '../../src/testing.ts';
import { TEST_CLIENT } from '../support/identity-provider.ts';
import { codeOf, LoginPlay, SCRIPT, SESSION, title, whoIs } from '../support/login-play.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

const ONE = { providers: { first: {} } };

describe('a logout', () => {
  const acting: readonly [what: string, method: string, fields: Record<string, string>, status: number][] = [
    ['a link of the own pages', 'GET', { 'sec-fetch-site': 'same-origin' }, 303],
    ['a form of the own pages', 'POST', { 'sec-fetch-site': 'same-origin' }, 303],
    ['the address bar', 'GET', {}, 303],
    ['a script of the own pages', 'POST', SCRIPT, 204],
    ['an older browser, by its Origin', 'POST', { 'sec-fetch-site': '', origin: 'own' }, 303],
  ];
  for (const [what, method, fields, status] of acting)
    it(`by ${what} ends the session and takes the cookie`, async () => {
      await using play = await LoginPlay.start(ONE);
      const agent = new UserAgent();
      await agent.signIn(`${play.url}/auth/login`, 'alice');
      const cookie = agent.cookie(play.url, SESSION) ?? '';
      const answer = await agent.request(`${play.url}/auth/logout?redirect=/bye`, {
        method,
        fields: sent(play, fields),
      });
      assert.deepEqual(
        [answer.status, answer.headers.get('location')],
        [status, status === 303 ? '/bye' : null],
      );
      assert.equal(
        answer.headers.getSetCookie()[0],
        `${SESSION}=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax`,
      );
      agent.cookies.get('127.0.0.1')?.set(SESSION, cookie);
      assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
    });

  const refused: readonly [what: string, method: string, fields: Record<string, string>][] = [
    ['a form of another site', 'POST', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }],
    ['a form of a sandboxed page', 'POST', { 'sec-fetch-site': 'cross-site', origin: 'null' }],
    [
      'a form of another host of the site',
      'POST',
      { 'sec-fetch-site': 'same-site', origin: 'https://other.example' },
    ],
    ['a form of nobody knows whom', 'POST', { 'sec-fetch-site': '' }],
    [
      'an image of another site',
      'GET',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    [
      'an image of the own pages',
      'GET',
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    ['a frame of the own pages', 'POST', { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe' }],
  ];
  for (const [what, method, fields] of refused)
    it(`by ${what} is refused`, async () => {
      await using play = await LoginPlay.start(ONE);
      const agent = new UserAgent();
      await agent.signIn(`${play.url}/auth/login`, 'alice');
      const answer = await agent.request(`${play.url}/auth/logout`, { method, fields: sent(play, fields) });
      assert.deepEqual([answer.status, codeOf(answer)], [403, 'csrf_rejected']);
      assert.equal((await whoIs(play, agent))['subject'], 'alice');
    });

  it('by a link of another site asks first', async () => {
    await using play = await LoginPlay.start(ONE);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const page = await agent.request(`${play.url}/auth/logout?redirect=/bye`, {
      fields: { 'sec-fetch-site': 'cross-site' },
    });
    assert.deepEqual([page.status, title(page)], [200, 'Sign out']);
    assert.equal((await whoIs(play, agent))['subject'], 'alice');
    assert.equal((await agent.submit(page, {})).url, `${play.url}/bye`);
    assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
  });

  it('of a script says the same where nobody is signed in any more', async () => {
    await using play = await LoginPlay.start(ONE);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    for (let times = 0; times < 2; times++) {
      const answer = await agent.request(`${play.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
      assert.deepEqual([answer.status, answer.headers.get('location')], [204, null]);
    }
  });

  it('by a browser that reads ahead asks first', async () => {
    await using play = await LoginPlay.start(ONE);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    for (const purpose of ['prefetch', 'prefetch;prerender']) {
      const fields = { 'sec-fetch-site': 'same-origin', 'sec-purpose': purpose };
      assert.equal(title(await agent.request(`${play.url}/auth/logout`, { fields })), 'Sign out');
    }
    assert.equal((await whoIs(play, agent))['subject'], 'alice');
  });

  it('visits the logout of the providers one after the other, and comes back', async () => {
    await using play = await LoginPlay.start({ session: { logout: { providers: ['first', 'second'] } } });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    let page = await agent.go(`${play.url}/auth/logout?redirect=/bye`);
    assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
    for (const name of ['first', 'second']) {
      assert.equal(new URL(page.url).origin, play.provider(name).issuer);
      page = await agent.submit(page, { logout: 'yes' });
    }
    assert.equal(page.url, `${play.url}/bye`);
    const begun = await agent.go(`${play.url}/auth/login`);
    assert.match(begun.body, /name="password"/, 'the provider still knows the user');
  });

  it('revokes the tokens where it is to', async () => {
    await using play = await LoginPlay.start({ ...ONE, session: { logout: { revoke: true } } });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    await agent.go(`${play.url}/auth/logout`);
    assert.equal(play.provider('first').requests.filter((path) => path === '/token/revocation').length, 1);
  });

  it('works while the provider is away', async () => {
    await using play = await LoginPlay.start({
      ...ONE,
      session: { logout: { revoke: true, providers: ['first'] } },
    });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const cookie = agent.cookie(play.url, SESSION) ?? '';
    await play.provider('first').stop();
    const answer = await agent.request(`${play.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
    assert.equal(answer.status, 204);
    agent.cookies.get('127.0.0.1')?.set(SESSION, cookie);
    assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
  });
});

describe('who is signed in', () => {
  it('is nobody without a session, and where one has ended', async () => {
    await using play = await LoginPlay.start(ONE);
    const answer = await new UserAgent().request(`${play.url}/auth/user`);
    assert.deepEqual([answer.status, codeOf(answer)], [401, 'unauthenticated']);
    assert.equal((JSON.parse(answer.body) as Record<string, unknown>)['login'], '/auth/login');
  });

  it('is told to pages of allowed origins, and to no others', async () => {
    await using play = await LoginPlay.start({ ...ONE, session: { origins: ['https://spa.example.com'] } });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const ask = (origin: string, method = 'GET'): Promise<PageAnswer> =>
      agent.request(`${play.url}/auth/user`, {
        method,
        fields: { ...SCRIPT, 'sec-fetch-site': 'cross-site', origin },
      });
    const allowed = await ask('https://spa.example.com');
    assert.deepEqual(
      [allowed.status, allowed.headers.get('access-control-allow-origin'), allowed.headers.get('vary')],
      [200, 'https://spa.example.com', 'Origin'],
    );
    const preflight = await ask('https://spa.example.com', 'OPTIONS');
    assert.deepEqual(
      [preflight.status, preflight.headers.get('access-control-allow-credentials')],
      [204, 'true'],
    );
    for (const origin of ['https://evil.example', 'null', 'https://spa.example.com.evil.example']) {
      const refused = await ask(origin);
      assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [401, null]);
    }
  });
});

describe('a back-channel logout', () => {
  it('of a real provider ends the session of the user everywhere', async () => {
    await using play = await LoginPlay.start(ONE);
    const [agent, other] = [new UserAgent(), new UserAgent()];
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    await other.signIn(`${play.url}/auth/login`, 'bob');
    await agent.submit(await agent.go(`${play.provider('first').issuer}/session/end`), { logout: 'yes' });
    assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
    assert.equal((await whoIs(play, other))['subject'], 'bob');
  });

  const EVENTS = { 'http://schemas.openid.net/event/backchannel-logout': {} };
  const cases: readonly [
    what: string,
    change: (claims: JWTPayload) => JWTPayload,
    header?: Record<string, string>,
  ][] = [
    ['from another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' })],
    ['for another client', (claims) => ({ ...claims, aud: 'other' })],
    ['with a nonce, as ID tokens have it', (claims) => ({ ...claims, nonce: 'n' })],
    ['without events', (claims) => without(claims, 'events')],
    ['with another event', (claims) => ({ ...claims, events: { 'https://example.com/other': {} } })],
    [
      'whose event is no object',
      (claims) => ({ ...claims, events: { 'http://schemas.openid.net/event/backchannel-logout': 1 } }),
    ],
    ['of nobody', (claims) => without(claims, 'sub')],
    ['without an id', (claims) => without(claims, 'jti')],
    ['that is old', (claims) => ({ ...claims, iat: Math.floor(Date.now() / 1000) - 3600 })],
    ['from a time to come', (claims) => ({ ...claims, iat: Math.floor(Date.now() / 1000) + 3600 })],
    ['of a number', (claims) => ({ ...claims, sub: 7 as unknown as string })],
    ['of a user of great length', (claims) => ({ ...claims, sub: 'x'.repeat(2000) })],
    ['whose events are a list', (claims) => ({ ...claims, events: [Object.keys(EVENTS)[0]] })],
    ['that is not yet good', (claims) => ({ ...claims, nbf: Math.floor(Date.now() / 1000) + 3600 })],
    ['that has expired', (claims) => ({ ...claims, exp: Math.floor(Date.now() / 1000) - 120 })],
    ['of another type', (claims) => claims, { typ: 'at+jwt' }],
  ];
  for (const [what, change, header] of cases)
    it(`is refused ${what}`, async () => {
      await using issuer = await FakeIssuer.start();
      const token = await issuer.sign(change(issuer.claims({ sub: 'alice', events: EVENTS })), header);
      assert.deepEqual((await issuer.notify(token)).slice(0, 2), [400, 'invalid_request']);
    });

  const forged: readonly [what: string, make: (issuer: FakeIssuer) => Promise<string> | string][] = [
    ['that is no JWT', () => 'x.y.z'],
    ['that is missing', () => ''],
    [
      'without a signature',
      (issuer) => `${part({ alg: 'none' })}.${part(issuer.claims({ sub: 'alice', events: EVENTS }))}.`,
    ],
    [
      'signed with a key that is not the issuer’s',
      async (issuer) => {
        const { privateKey } = await generateKeyPair('ES256');
        return new SignJWT(issuer.claims({ sub: 'alice', events: EVENTS }))
          .setProtectedHeader({ alg: 'ES256', kid: 'k' })
          .sign(privateKey);
      },
    ],
    [
      'signed with the public key as a secret',
      (issuer) =>
        new SignJWT(issuer.claims({ sub: 'alice', events: EVENTS }))
          .setProtectedHeader({ alg: 'HS256', kid: 'k' })
          .sign(createHash('sha512').update(JSON.stringify(issuer.jwk)).digest()),
    ],
  ];
  for (const [what, make] of forged)
    it(`is refused ${what}`, async () => {
      await using issuer = await FakeIssuer.start();
      assert.deepEqual((await issuer.notify(await make(issuer))).slice(0, 2), [400, 'invalid_request']);
    });

  it('is taken once, and nobody keeps the answer', async () => {
    await using issuer = await FakeIssuer.start();
    const token = await issuer.sign(issuer.claims({ sub: 'alice', events: EVENTS }), { typ: 'logout+jwt' });
    assert.deepEqual(await issuer.notify(token), [200, undefined, 'no-store']);
    assert.deepEqual(await issuer.notify(token), [400, 'invalid_request', 'no-store']);
  });
});

function sent(play: LoginPlay, fields: Record<string, string>): Record<string, string> {
  return { ...fields, ...(fields['origin'] === 'own' ? { origin: play.url } : {}) };
}

function without(claims: JWTPayload, name: string): JWTPayload {
  return Object.fromEntries(Object.entries(claims).filter(([claim]) => claim !== name));
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** An issuer whose key the test has, so that it can sign what no provider would; with a gateway that trusts it. */
class FakeIssuer implements AsyncDisposable {
  readonly url: string;
  readonly jwk: unknown;
  readonly sign: (claims: JWTPayload, header?: Record<string, string>) => Promise<string>;
  readonly #gateway: Awaited<ReturnType<typeof startGateway>>;
  readonly #server: ReturnType<typeof createServer>;

  private constructor(
    url: string,
    jwk: unknown,
    sign: FakeIssuer['sign'],
    gateway: Awaited<ReturnType<typeof startGateway>>,
    server: ReturnType<typeof createServer>,
  ) {
    this.url = url;
    this.jwk = jwk;
    this.sign = sign;
    this.#gateway = gateway;
    this.#server = server;
  }

  static async start(): Promise<FakeIssuer> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const jwk = { ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256', use: 'sig' };
    const server = createServer((request, response) => {
      const metadata = {
        issuer: url,
        authorization_endpoint: `${url}/auth`,
        token_endpoint: `${url}/token`,
        jwks_uri: `${url}/jwks`,
        response_types_supported: ['code'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      };
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(request.url === '/jwks' ? { keys: [jwk] } : metadata));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gateway = await startGateway({
      listeners: { main: { port: 8080 } },
      providers: { first: { issuer: url, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret } },
      sessions: { web: { login: ['first'] } },
      services: {},
      routes: { auth: { match: { paths: ['/auth/*'] }, login: 'web' } },
    });
    const sign: FakeIssuer['sign'] = (claims, header) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'k', ...header }).sign(privateKey);
    return new FakeIssuer(url, jwk, sign, gateway, server);
  }

  claims(more: JWTPayload): JWTPayload {
    return {
      iss: this.url,
      aud: TEST_CLIENT.id,
      iat: Math.floor(Date.now() / 1000),
      jti: Math.random().toString(36),
      ...more,
    };
  }

  async notify(token: string): Promise<[status: number, error: unknown, cacheControl: string | null]> {
    const answer = await fetch(`${this.#gateway.url}/auth/backchannel-logout`, {
      method: 'POST',
      body: new URLSearchParams({ logout_token: token }),
    });
    const text = await answer.text();
    return [
      answer.status,
      text === '' ? undefined : (JSON.parse(text) as { error?: string }).error,
      answer.headers.get('cache-control'),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#gateway.close();
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
