import assert from 'node:assert/strict';
import type { PortcullisConfigInput } from '../../src/control/config/schema.ts';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { TEST_CLIENT, TestProvider, type TestProviderOptions } from './identity-provider.ts';
import type { PageAnswer, UserAgent } from './user-agent.ts';

export interface LoginPlayOptions {
  /** Settings of the providers by name; each is a real one. Default: `first` and `second`. */
  readonly providers?: Readonly<Record<string, TestProviderOptions>>;
  /** Of the sessions `web`; `login` is all providers where it is not given. */
  readonly session?: Readonly<Record<string, unknown>>;
  /** Further routes and services, and whatever else. */
  readonly config?: Readonly<Record<string, object>>;
  /** Host name by which browsers reach the gateway; default 127.0.0.1. */
  readonly host?: string;
}

/** A gateway with a login at /auth and `home` everywhere else, before real providers that know its addresses. `await using` ends them. */
export class LoginPlay implements AsyncDisposable {
  readonly gateway: TestGateway;
  readonly url: string;
  readonly #providers: ReadonlyMap<string, TestProvider>;
  readonly #config: NonNullable<LoginPlayOptions['config']>;
  readonly #written: PortcullisConfigInput;
  readonly #others: TestGateway[] = [];

  private constructor(
    gateway: TestGateway,
    url: string,
    providers: ReadonlyMap<string, TestProvider>,
    config: NonNullable<LoginPlayOptions['config']>,
    written: PortcullisConfigInput,
  ) {
    this.#written = written;
    this.#config = config;
    this.gateway = gateway;
    this.url = url;
    this.#providers = providers;
  }

  static async start(options: LoginPlayOptions = {}): Promise<LoginPlay> {
    const {
      providers: wanted = { first: {}, second: {} },
      session,
      config = {},
      host = '127.0.0.1',
    } = options;
    const providers = new Map<string, TestProvider>();
    try {
      for (const [name, settings] of Object.entries(wanted))
        providers.set(name, await TestProvider.start(settings));
      const written = configOf(providers, session, config);
      const gateway = await startGateway(written);
      const url = `http://${host}:${gateway.port()}`;
      for (const [name, provider] of providers)
        provider.setClient({
          redirectUris: [`${url}/auth/callback`, `${url}/auth/callback/${name}`],
          postLogoutRedirectUris: [`${url}/auth/logout/done`],
          backchannelLogoutUri: `${gateway.url}/auth/backchannel-logout`,
        });
      return new LoginPlay(gateway, url, providers, config, written);
    } catch (error) {
      await Promise.all([...providers.values()].map((provider) => provider.stop()));
      throw error;
    }
  }

  /** Another gateway with the same configuration: with `state.redis` another node, to which providers send nobody back. */
  async startNode(): Promise<TestGateway> {
    const node = await startGateway(this.#written);
    this.#others.push(node);
    return node;
  }

  /** Throws for a name that is none of them. */
  provider(name: string): TestProvider {
    const provider = this.#providers.get(name);
    if (provider === undefined) throw new Error(`there is no provider ${name}`);
    return provider;
  }

  /** Other settings of the sessions `web` from now on; all else stays. */
  reload(session: NonNullable<LoginPlayOptions['session']>): Promise<void> {
    return this.gateway.reload(configOf(this.#providers, session, this.#config));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.gateway, ...this.#others].map((gateway) => gateway.close()));
    await Promise.all([...this.#providers.values()].map((provider) => provider.stop()));
  }
}

function configOf(
  providers: ReadonlyMap<string, TestProvider>,
  session: LoginPlayOptions['session'],
  config: NonNullable<LoginPlayOptions['config']>,
): PortcullisConfigInput {
  const known = [...providers].map(([name, { issuer }]) => [
    name,
    { issuer, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret, scopes: ['openid', 'email'] },
  ]);
  return {
    listeners: { main: { port: 8080 } },
    ...config,
    providers: Object.fromEntries(known),
    sessions: { web: { login: [...providers.keys()], ...session }, ...config['sessions'] },
    services: { ...config['services'] },
    routes: {
      auth: { match: { paths: ['/auth/*'] }, login: 'web' },
      home: { match: { paths: ['/*'] }, respond: { body: 'home' } },
      ...config['routes'],
    },
  };
}

/** Name of the session's cookie over plain http. */
export const SESSION = 'http-portcullis';

/** Fields of a request that a script of the own origin makes. */
export const SCRIPT = {
  accept: '*/*',
  'sec-fetch-mode': 'cors',
  'sec-fetch-dest': 'empty',
  'sec-fetch-site': 'same-origin',
};

/** What /auth/user says. */
export async function whoIs(play: LoginPlay, agent: UserAgent): Promise<Record<string, unknown>> {
  const answer = await agent.request(`${play.url}/auth/user`);
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body) as Record<string, unknown>;
}

/** Whether there is a grant, by provider. */
export function grantsOf(user: Record<string, unknown>): Record<string, boolean> {
  const grants = user['grants'] as { provider: string; connected: boolean }[];
  return Object.fromEntries(grants.map(({ provider, connected }) => [provider, connected]));
}

/** `code` of problem details. */
export function codeOf({ body }: PageAnswer): unknown {
  return (JSON.parse(body) as { code?: string }).code;
}

/** Heading of a page. */
export function title({ body }: PageAnswer): string | undefined {
  return /<h1>([^<]*)<\/h1>/.exec(body)?.[1];
}

/** Signs in at the provider, and stops at the address that it sends the browser back to. */
export async function untilCallback(play: LoginPlay, agent: UserAgent, redirect = '/'): Promise<URL> {
  return backFrom(agent, `${play.url}/auth/login?redirect=${encodeURIComponent(redirect)}`);
}

/** Likewise, from where a login or something like it is begun. */
export async function backFrom(agent: UserAgent, begin: string): Promise<URL> {
  let page = await agent.go(begin);
  const form = /action="([^"]*)"/.exec(page.body)?.[1] ?? '';
  page = await agent.request(new URL(form, page.url).href, {
    form: { username: 'alice', password: 'alice' },
  });
  for (;;) {
    const next = new URL(page.headers.get('location') ?? '', page.url);
    if (next.pathname.startsWith('/auth/callback')) return next;
    page = await agent.request(next.href);
  }
}
