import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { TEST_CLIENT, type TestProvider, type TestProviderOptions } from '../support/identity-provider.ts';
import { LoginPlay, SCRIPT } from '../support/login-play.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

/** A token that is older is renewed where a service refuses it. */
const NEW_MS = 10_000;

/** A service that takes no token any more once it is told to. */
class Service implements AsyncDisposable {
  isRefusing = false;
  asked = 0;
  readonly #server = createServer((_request: IncomingMessage, response: ServerResponse) => {
    this.asked++;
    if (this.isRefusing) response.writeHead(401, { 'www-authenticate': 'Bearer realm="service"' });
    response.end(this.isRefusing ? 'of the service' : 'served');
  });

  static async start(): Promise<Service> {
    const service = new Service();
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve));
    return service;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

interface Play extends AsyncDisposable {
  readonly provider: TestProvider;
  readonly service: Service;
  /** What a script of the page gets that asks the service. */
  ask(): Promise<PageAnswer>;
}

/** A user who is logged in, and a route to the service with this policy. */
async function play(inject: Record<string, unknown>, settings: TestProviderOptions = {}): Promise<Play> {
  const stack = new AsyncDisposableStack();
  const service = stack.use(await Service.start());
  const policies = [{ session: { name: 'web' } }, { inject: { provider: 'first', ...inject } }];
  const on = stack.use(
    await LoginPlay.start({
      providers: { first: settings },
      config: {
        services: { service: { url: service.url } },
        routes: { a: { match: { paths: ['/a'] }, policies, service: 'service' } },
      },
    }),
  );
  const agent = new UserAgent();
  await agent.signIn(`${on.url}/auth/login`, 'alice');
  return {
    provider: on.provider('first'),
    service,
    ask: () => agent.request(`${on.url}/a`, { fields: SCRIPT }),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The provider takes back what it gave the user. */
async function revoke({ issuer, tokenAnswers }: TestProvider): Promise<void> {
  await fetch(`${issuer}/token/revocation`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`)}` },
    body: new URLSearchParams({ token: String(tokenAnswers.at(-1)?.['refresh_token']) }),
  });
}

function told({ status, body }: PageAnswer): readonly unknown[] {
  const { code, connect } = JSON.parse(body) as Record<string, unknown>;
  return [status, code, connect];
}

const AWAY = [503, 'provider_unavailable', undefined];

describe('A token that a service refuses, and no other is to be had', () => {
  beforeEach(() => mock.timers.enable({ apis: ['Date'], now: Date.now() }));
  afterEach(() => mock.timers.reset());

  for (const [title, inject, happens, expected] of [
    ['the provider is away', {}, (provider: TestProvider) => provider.stop(), AWAY],
    [
      'the provider is away, and the token may be missing',
      { required: false },
      (provider: TestProvider) => provider.stop(),
      AWAY,
    ],
    [
      'the provider is away that gives the gateway its own',
      { from: 'client-credentials' },
      (provider: TestProvider) => provider.stop(),
      AWAY,
    ],
    [
      'the provider is away that exchanges tokens',
      { from: 'exchange' },
      (provider: TestProvider) => provider.stop(),
      AWAY,
    ],
    ['the provider took the grant back', {}, revoke, [401, 'grant_required', '/auth/connect/first']],
  ] as const)
    it(`is told of by the gateway, not by the service, where ${title}`, async () => {
      await using on = await play(inject);
      assert.equal((await on.ask()).body, 'served');
      on.service.isRefusing = true;
      // A token this new is not at fault: the service refuses something else.
      assert.equal((await on.ask()).body, 'of the service');
      mock.timers.tick(NEW_MS);
      await happens(on.provider);
      const answer = await on.ask();
      assert.deepEqual(told(answer), expected);
      assert.doesNotMatch(answer.headers.get('www-authenticate') ?? '', /realm="service"/);
      assert.equal(on.service.asked, 3);
    });

  it('is told of by the gateway where the provider gave nothing to renew it with, and the request goes out once', async () => {
    await using on = await play({}, { refreshTokens: 'offline_access' });
    assert.equal((await on.ask()).body, 'served');
    on.service.isRefusing = true;
    assert.equal((await on.ask()).body, 'of the service');
    mock.timers.tick(NEW_MS);
    const answer = await on.ask();
    assert.deepEqual(told(answer), [401, 'grant_required', '/auth/connect/first']);
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    assert.equal(on.service.asked, 3);
    on.service.isRefusing = false;
    assert.equal((await on.ask()).body, 'served');
  });

  it('is the service’s to tell of where requests go on without one', async () => {
    await using on = await play({ required: false });
    assert.equal((await on.ask()).body, 'served');
    on.service.isRefusing = true;
    mock.timers.tick(NEW_MS);
    await revoke(on.provider);
    assert.equal((await on.ask()).body, 'of the service');
  });
});
