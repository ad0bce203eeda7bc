import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as open,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, describe, it, type TestContext } from 'node:test';
import { Identity } from '../../src/identity/identity.ts';
import { type IdentityData, NO_IDENTITY } from '../../src/identity/identity-data.ts';
import { CALLBACK } from '../../src/identity/providers/provider-login.support.ts';
import { providerSchema } from '../../src/identity/providers/schema.ts';
import { sessionSchema } from '../../src/identity/sessions/schema.ts';
import { routeSchema } from '../../src/routing/schema.ts';
import type { DataPlaneConfig } from '../../src/server/config.ts';
import { RecordStores } from '../../src/state/records/record-stores.ts';
import { stateSchema } from '../../src/state/schema.ts';
import { configBefore, startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';
import { openRedis, type TestRedis } from '../support/redis.ts';
import { loginAt, signedIn } from '../support/signed-in.ts';

const KEY = 'the-key-of-the-gateway-in-tests-alone';

/** A service that says what it was sent. */
class Backend implements AsyncDisposable {
  readonly seen: IncomingHttpHeaders[] = [];
  /** Tokens that are refused with 401. */
  readonly refused = new Set<string>();
  readonly #server = createServer((request, response) => {
    this.seen.push(request.headers);
    const { authorization = '' } = request.headers;
    response.statusCode = this.refused.has(authorization) ? 401 : 200;
    response.end(JSON.stringify(request.headers));
  });

  static async start(): Promise<Backend> {
    const backend = new Backend();
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

type Policies = readonly Readonly<Record<string, unknown>>[];

interface Play extends AsyncDisposable {
  readonly backend: Backend;
  readonly redis: TestRedis;
  readonly provider: TestProvider;
  readonly other: TestProvider;
  /** What a login page would have. */
  readonly identity: Identity;
  gateway(policies: Policies): Promise<TestGateway>;
}

async function play(sessionOptions: Record<string, unknown> = {}): Promise<Play> {
  const [backend, redis, provider, other] = await Promise.all([
    Backend.start(),
    openRedis(),
    TestProvider.start({ redirectUris: [CALLBACK] }),
    TestProvider.start({ redirectUris: [CALLBACK] }),
  ]);
  const client = { clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret };
  const data: IdentityData = {
    consumers: {},
    providers: {
      first: providerSchema.parse({ issuer: provider.issuer, ...client }),
      second: providerSchema.parse({ issuer: other.issuer, ...client }),
    },
    sessions: {
      web: sessionSchema.parse({ login: ['first'], connect: ['second'], keys: [KEY], ...sessionOptions }),
    },
  };
  const state = stateSchema.parse({ redis: { url: redis.url, prefix: redis.prefix, recordsTimeout: '5s' } });
  const log = () => {};
  const memory = () => assert.fail('sessions are kept in Redis');
  const records = await new RecordStores(memory, log).with(state.redis);
  const identity = await new Identity(NO_IDENTITY, { nowMs: Date.now, log, records }).with(data);
  identity.hold();
  const gateways: TestGateway[] = [];
  return {
    backend,
    redis,
    provider,
    other,
    identity,
    async gateway(policies) {
      const base = configBefore(backend.url);
      const config: DataPlaneConfig = {
        ...base,
        identity: data,
        state,
        routes: {
          main: {
            ...routeSchema.parse({ match: { paths: ['/*'] }, service: 'main' }),
            policies: policies.flatMap((entry) =>
              Object.entries(entry).map(([name, options]) => ({ name, options })),
            ),
          },
        },
      };
      const gateway = await startGatewayWith(config);
      gateways.push(gateway);
      return gateway;
    },
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway.close();
      identity.release();
      await Promise.all([
        backend[Symbol.asyncDispose](),
        provider[Symbol.asyncDispose](),
        other[Symbol.asyncDispose](),
      ]);
      await redis.close();
    },
  };
}

/** `fetch` would say of itself that it is no navigation. */
async function ask(
  gateway: TestGateway,
  headers: Record<string, string> = {},
  path = '/a?b=c',
  method = 'GET',
): Promise<Response> {
  const sent = open({ host: '127.0.0.1', port: gateway.port, path, method, headers, agent: AGENT }).end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of answer as AsyncIterable<Buffer>) pieces.push(piece);
  const fields = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct))
    for (const value of values ?? []) fields.append(name, value);
  return new Response(Buffer.concat(pieces), { status: answer.statusCode ?? 0, headers: fields });
}

const AGENT = new Agent({ keepAlive: true, maxSockets: 250 });
after(() => AGENT.destroy());

async function told(answer: Response): Promise<Record<string, unknown>> {
  return { status: answer.status, ...((await answer.json()) as Record<string, unknown>) };
}

const WEB: Policies = [{ session: { name: 'web' } }];

/** Stops the clock that gateways and providers read, as all of them are in this process; what is returned moves it. What was made before keeps its own. */
function stopClock(t: TestContext): (ms: number) => void {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  return (ms) => t.mock.timers.tick(ms);
}

describe('A request without a session', () => {
  it('is sent to the login when it is a navigation, told of it when it is a script’s', async () => {
    await using on = await play();
    const gateway = await on.gateway(WEB);
    const page = await ask(gateway, { accept: 'text/html,*/*' });
    assert.deepEqual(
      [page.status, page.headers.get('location'), page.headers.get('cache-control')],
      [302, '/auth/login?redirect=%2Fa%3Fb%3Dc', 'no-store'],
    );
    for (const headers of [
      { accept: 'application/json' },
      { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' },
      { accept: 'text/html', 'sec-fetch-mode': 'cors' },
    ] as Record<string, string>[]) {
      const answer = await ask(gateway, headers);
      assert.match(answer.headers.get('content-type') ?? '', /^application\/problem\+json/);
      assert.equal(
        answer.headers.get('www-authenticate'),
        'Cookie realm="web", cookie-name="__Host-portcullis"',
      );
      const { status, code, login } = await told(answer);
      assert.deepEqual([status, code, login], [401, 'unauthenticated', '/auth/login']);
    }
    assert.equal((await ask(gateway, { accept: 'text/html' }, '/', 'POST')).status, 401);
    assert.equal(on.backend.seen.length, 0);
  });

  it('has its cookie cleared where that is of no session', async () => {
    await using on = await play();
    const gateway = await on.gateway(WEB);
    for (const value of ['x', `v1.${'A'.repeat(43)}`, 'v1.'.padEnd(4000, 'A')]) {
      const answer = await ask(gateway, { cookie: `http-portcullis=${value}` });
      assert.equal(answer.status, 401);
      assert.equal(
        answer.headers.get('set-cookie'),
        'http-portcullis=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
      );
    }
  });

  it('goes on as nobody, or as a visitor with a name that stays, where that is allowed', async () => {
    await using on = await play({ anonymous: true });
    const gateway = await on.gateway([
      { session: { name: 'web', required: false } },
      { headers: { request: { set: { 'x-seen': 'yes' } } } },
    ]);
    const first = await ask(gateway, { cookie: 'other=1' });
    assert.equal(first.status, 200);
    const setCookie = first.headers.get('set-cookie') ?? '';
    assert.match(setCookie, /^http-portcullis-visitor=v1\.[\w-]{22}\.[\w-]{43}; Max-Age=31536000;/);
    const cookie = setCookie.slice(0, setCookie.indexOf(';'));
    const second = await ask(gateway, { cookie: `other=1; ${cookie}` });
    assert.equal(second.headers.get('set-cookie'), null);
    assert.equal(on.backend.seen[1]?.cookie, 'other=1');
    const forged = await ask(gateway, {
      cookie: `${cookie.slice(0, -1)}${cookie.endsWith('A') ? 'E' : 'A'}`,
    });
    assert.match(forged.headers.get('set-cookie') ?? '', /^http-portcullis-visitor=/);
  });
});

describe('A request with a session', () => {
  it('carries the token of its provider and no cookie of the gateway', async () => {
    await using on = await play();
    const gateway = await on.gateway([
      ...WEB,
      { inject: { provider: 'first' } },
      { inject: { provider: 'second', as: 'header', header: 'X-Second' } },
      {
        inject: { provider: 'second', as: 'template', header: 'X-Odd', template: 'k=${token}; of=${route}' },
      },
    ]);
    const logins = await Promise.all(
      ['first', 'second'].map((name) => loginAt(on.identity.providers.named(name))),
    );
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [logins[0]!, logins[1]!]);
    const answer = await ask(gateway, {
      cookie: `a=1; ${cookie}; b=2`,
      authorization: 'Bearer of-the-client',
      'x-second': 'of-the-client',
    });
    assert.equal(answer.status, 200);
    const [seen] = on.backend.seen;
    const second = logins[1]!.tokens.accessToken;
    assert.deepEqual(
      [seen?.authorization, seen?.['x-second'], seen?.['x-odd'], seen?.cookie],
      [`Bearer ${logins[0]!.tokens.accessToken}`, second, `k=${second}; of=main`, 'a=1; b=2'],
    );
    // Nothing of it is in the store in the clear.
    const stored: string[] = [];
    for (const key of (await on.redis.send('KEYS', `${on.redis.prefix}*`)) as string[])
      stored.push(key, String(await on.redis.send('DUMP', key)));
    assert.ok(stored.length >= 6);
    for (const { tokens } of logins)
      for (const secret of [tokens.accessToken, tokens.refreshToken, tokens.idToken, 'alice'])
        assert.ok(!stored.some((text) => text.includes(secret ?? '')), secret);
  });

  it('is asked to connect a provider that it has no grant of', async () => {
    await using on = await play();
    const gateway = await on.gateway([{ session: { name: 'web', providers: ['second'] } }]);
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [
      await loginAt(on.identity.providers.named('first')),
    ]);
    const page = await ask(gateway, { cookie, accept: 'text/html' });
    assert.deepEqual(
      [page.status, page.headers.get('location')],
      [302, '/auth/connect/second?redirect=%2Fa%3Fb%3Dc'],
    );
    const { status, code, connect, provider } = await told(await ask(gateway, { cookie }));
    assert.deepEqual(
      [status, code, connect, provider],
      [401, 'grant_required', '/auth/connect/second', 'second'],
    );
  });

  it('counts only where a page that may use it sent it', async () => {
    await using on = await play({ origins: ['https://app.example.com'] });
    const gateway = await on.gateway(WEB);
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [
      await loginAt(on.identity.providers.named('first')),
    ]);
    const own = `http://127.0.0.1:${gateway.port}`;
    const cases: [title: string, method: string, headers: Record<string, string>, status: number][] = [
      ['a program that reads', 'GET', {}, 200],
      ['the own page', 'GET', { 'sec-fetch-site': 'same-origin' }, 200],
      ['an allowed page', 'GET', { 'sec-fetch-site': 'cross-site', origin: 'https://app.example.com' }, 200],
      ['an allowed page, in an old browser', 'GET', { origin: 'https://app.example.com' }, 200],
      [
        'another page’s script',
        'GET',
        { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
        401,
      ],
      ['another page’s image', 'GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 401],
      ['a page of the same site', 'GET', { 'sec-fetch-site': 'same-site' }, 401],
      ['another page’s script, in an old browser', 'GET', { origin: 'https://evil.example' }, 401],
      [
        'a link on another page',
        'GET',
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' },
        200,
      ],
      [
        'a frame of another page',
        'GET',
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
        // Not to the login: it knows the session, and would send the frame back without an end.
        401,
      ],
      [
        'a frame of an allowed page, which has no Origin',
        'GET',
        {
          'sec-fetch-site': 'same-site',
          'sec-fetch-mode': 'navigate',
          'sec-fetch-dest': 'iframe',
          referer: 'https://app.example.com/',
        },
        200,
      ],
      [
        'a picture in an allowed page',
        'GET',
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', referer: 'https://app.example.com/x' },
        200,
      ],
      [
        'a frame of a page whose address begins as that of an allowed one',
        'GET',
        { 'sec-fetch-site': 'cross-site', referer: 'https://app.example.com.evil.example/' },
        401,
      ],
      [
        'another page’s script, sent on from an allowed page',
        'GET',
        { 'sec-fetch-site': 'cross-site', origin: 'null', referer: 'https://app.example.com/' },
        401,
      ],
      [
        'a form of another page that says it is of an allowed one',
        'POST',
        { 'sec-fetch-site': 'cross-site', referer: 'https://app.example.com/' },
        403,
      ],
      ['the own page that writes', 'POST', { 'sec-fetch-site': 'same-origin' }, 200],
      ['the own page that writes, in an old browser', 'POST', { origin: own }, 200],
      ['an allowed page that writes', 'DELETE', { origin: 'https://app.example.com' }, 200],
      [
        'another page that writes',
        'POST',
        { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
        403,
      ],
      [
        'a form of another page',
        'POST',
        { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' },
        403,
      ],
      ['who does not say', 'PUT', {}, 403],
      ['a sandbox', 'POST', { origin: 'null' }, 403],
      ['another page’s WebSocket', 'GET', { 'sec-websocket-key': 'x', origin: 'https://evil.example' }, 403],
    ];
    for (const [title, method, headers, status] of cases)
      assert.equal((await ask(gateway, { cookie, ...headers }, '/', method)).status, status, title);
  });

  it('is known to nobody once it has ended, on any node', async () => {
    await using on = await play();
    const gateways = [await on.gateway(WEB), await on.gateway(WEB)];
    const sessions = on.identity.sessionsNamed('web');
    const { cookie } = await signedIn(sessions, [await loginAt(on.identity.providers.named('first'))]);
    for (const gateway of gateways) assert.equal((await ask(gateway, { cookie })).status, 200);
    assert.equal(await sessions.destroyOf('first', { subject: 'alice' }), 1);
    for (const gateway of gateways) assert.equal((await ask(gateway, { cookie })).status, 401);
    assert.deepEqual(await on.redis.send('KEYS', `${on.redis.prefix}*g:*`), []);
  });
});

describe('Tokens of a session', () => {
  it('are renewed once for 500 requests over two nodes at the moment of their end', async (t) => {
    const pass = stopClock(t);
    await using on = await play();
    on.provider.settings.accessTokenTtlMs = 4000;
    const policies = [...WEB, { inject: { provider: 'first' } }];
    const gateways = [await on.gateway(policies), await on.gateway(policies)];
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [
      await loginAt(on.identity.providers.named('first')),
    ]);
    on.provider.answerDelaysMs['/token'] = 300;
    for (let generation = 1; generation <= 3; generation++) {
      pass(4000);
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, i) =>
          ask(gateways[i % 2] as TestGateway, { cookie }).then((answer) => answer.status),
        ),
      );
      assert.deepEqual([...new Set(answers)], [200]);
      assert.ok(on.provider.redemptions.size >= generation);
    }
    assert.deepEqual([...new Set(on.provider.redemptions.values())], [1]);
  });

  it('that a service refuses are renewed once, and the request is sent again', async (t) => {
    const pass = stopClock(t);
    await using on = await play();
    const gateway = await on.gateway([...WEB, { inject: { provider: 'first' } }]);
    const login = await loginAt(on.identity.providers.named('first'));
    const tokens = { ...login.tokens };
    const sessions = on.identity.sessionsNamed('web');
    const { cookie } = await signedIn(sessions, [{ ...login, tokens }]);
    on.backend.refused.add(`Bearer ${tokens.accessToken}`);
    // A token this new is not at fault.
    assert.equal((await ask(gateway, { cookie })).status, 401);
    pass(10_000);
    const answer = await ask(gateway, { cookie, 'sec-fetch-site': 'same-origin' }, '/', 'POST');
    assert.equal(answer.status, 200);
    assert.equal(on.backend.seen.length, 3);
    assert.deepEqual([...on.provider.redemptions.values()], [1]);
  });

  it('of a provider that went away are 503, and the session stays', async (t) => {
    const pass = stopClock(t);
    await using on = await play();
    on.provider.settings.accessTokenTtlMs = 1000;
    const gateway = await on.gateway([...WEB, { inject: { provider: 'first' } }]);
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [
      await loginAt(on.identity.providers.named('first')),
    ]);
    await on.provider.stop();
    pass(1000);
    const { status, code } = await told(await ask(gateway, { cookie }));
    assert.deepEqual([status, code], [503, 'provider_unavailable']);
    on.provider.requests.length = 0;
    await on.provider.start();
    // The gateway asks again by itself.
    await on.provider.asked('/.well-known/openid-configuration', 1);
    let last = 0;
    for (let i = 0; i < 50 && last !== 200; i++) {
      pass(100);
      last = (await ask(gateway, { cookie })).status;
    }
    assert.equal(last, 200);
  });

  it('that are renewed no more end alone', async (t) => {
    const pass = stopClock(t);
    await using on = await play();
    on.provider.settings.accessTokenTtlMs = 1000;
    const gateway = await on.gateway([...WEB, { inject: { provider: 'first' } }]);
    const first = on.identity.providers.named('first');
    const login = await loginAt(first);
    const { cookie } = await signedIn(on.identity.sessionsNamed('web'), [login]);
    await first.revoke?.(login.tokens);
    pass(1000);
    const { status, code, connect } = await told(await ask(gateway, { cookie }));
    assert.deepEqual([status, code, connect], [401, 'grant_required', '/auth/connect/first']);
    const plain = await on.gateway(WEB);
    assert.equal((await ask(plain, { cookie })).status, 200);
  });
});

describe('Tokens that are no user’s', () => {
  it('are the gateway’s own, the same for all requests', async () => {
    await using on = await play();
    const gateway = await on.gateway([{ inject: { from: 'client-credentials', provider: 'first' } }]);
    await Promise.all(Array.from({ length: 20 }, () => ask(gateway, { authorization: 'Bearer client' })));
    const sent = new Set(on.backend.seen.map(({ authorization }) => authorization));
    assert.equal(sent.size, 1);
    assert.ok(!sent.has('Bearer client'));
    assert.equal(on.provider.requests.filter((path) => path === '/token').length, 1);
  });
});

describe('A program without a cookie', () => {
  const basic = (token: string) => `Basic ${Buffer.from(`oauth2:${token}`).toString('base64')}`;

  it('is known by a token of the session where that is wanted, and the token goes no further', async () => {
    await using on = await play({ recognise: ['cookie', 'bearer', 'basic'] });
    const gateways = [await on.gateway(WEB), await on.gateway(WEB)];
    const login = await loginAt(on.identity.providers.named('first'));
    const sessions = on.identity.sessionsNamed('web');
    const { cookie } = await signedIn(sessions, [login]);
    const { accessToken, refreshToken = '' } = login.tokens;
    const cases: [authorization: string, status: number][] = [
      [`Bearer ${accessToken}`, 200],
      [basic(accessToken), 200],
      [basic(refreshToken), 200],
      [`Bearer ${refreshToken}`, 401],
      [`Bearer ${accessToken}x`, 401],
      [basic(`${accessToken}x`), 401],
      ['Bearer short', 401],
    ];
    for (const gateway of gateways)
      for (const [authorization, status] of cases) {
        assert.equal((await ask(gateway, { authorization }, '/', 'POST')).status, status, authorization);
        assert.equal((await ask(gateway, { authorization }, '/', 'POST')).status, status, authorization);
      }
    assert.ok(on.backend.seen.every(({ authorization }) => authorization === undefined));
    const evil = { authorization: basic(accessToken), origin: 'https://evil.example' };
    assert.equal((await ask(gateways[0] as TestGateway, evil, '/', 'POST')).status, 403);
    // With a cookie, what Authorization has is the service's.
    await ask(gateways[0] as TestGateway, { cookie, authorization: 'Basic of-the-service' });
    assert.equal(on.backend.seen.at(-1)?.authorization, 'Basic of-the-service');
    await sessions.destroyOf('first', { subject: 'alice' });
    for (const gateway of gateways)
      assert.equal((await ask(gateway, { authorization: `Bearer ${accessToken}` })).status, 401);
    assert.deepEqual(await on.redis.send('KEYS', `${on.redis.prefix}*k:*`), []);
  });

  it('has a session of its own by a refresh token, which is redeemed once', async () => {
    await using on = await play({ recognise: ['refresh'] });
    const policies = [...WEB, { inject: { provider: 'first' } }];
    const gateways = [await on.gateway(policies), await on.gateway(policies)];
    const { tokens } = await loginAt(on.identity.providers.named('first'));
    const authorization = `Bearer ${tokens.refreshToken}`;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ask(gateways[0] as TestGateway, { authorization })),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
    assert.equal((await ask(gateways[1] as TestGateway, { authorization })).status, 200);
    assert.deepEqual([...on.provider.redemptions.entries()], [[tokens.refreshToken, 1]]);
    assert.ok(on.backend.seen.every(({ authorization: sent }) => sent?.startsWith('Bearer ')));
    assert.ok(on.backend.seen.every(({ authorization: sent }) => sent !== authorization));
    // One that nobody knows is asked about once.
    const asked = on.provider.requests.length;
    for (let i = 0; i < 5; i++)
      assert.equal(
        (await ask(gateways[0] as TestGateway, { authorization: 'Bearer nobody-knows-this-one' })).status,
        401,
      );
    assert.equal(on.provider.requests.length, asked + 1);
  });
});
