import type { Pair } from './certificates.ts';
import { RunningCli, Workspace } from './cli.ts';
import { TEST_CLIENT, TestProvider, type TestProviderOptions } from './identity-provider.ts';
import { TokenBackend } from './token-backend.ts';

type Written = Readonly<Record<string, unknown>>;

export interface IdentityNodesOptions {
  /** Names, in the order of a login; each is a real provider, with a service of the same name that is given its tokens. */
  readonly providers: readonly string[];
  /** Of all of these. */
  readonly settings?: TestProviderOptions;
  /** `state` of the configuration. */
  readonly state: Written;
  /** Further options of the providers, and further routes. */
  readonly provider?: Written;
  readonly routes?: Written;
  /** Further options of the sessions. */
  readonly session?: Written;
  /** The gateways serve over TLS with it, and are https://localhost to browsers; else http://127.0.0.1. */
  readonly certificate?: Pair;
}

/** A gateway that runs: the real program with two workers. */
export interface Node {
  readonly url: string;
  readonly cli: RunningCli;
}

const OVER_TLS = { protocol: 'https', tls: { certificates: ['main'] } };
const KEY = 'the-key-of-the-gateway-in-tests-alone';

/** Real providers, services and one configuration, for any number of nodes. `await using` ends all of them. */
export class IdentityNodes implements AsyncDisposable {
  readonly files: Workspace;
  readonly #providers: ReadonlyMap<string, TestProvider>;
  readonly #backends: ReadonlyMap<string, TokenBackend>;
  readonly #stack: AsyncDisposableStack;
  readonly #urls: string[] = [];

  private constructor(
    files: Workspace,
    providers: ReadonlyMap<string, TestProvider>,
    backends: ReadonlyMap<string, TokenBackend>,
    stack: AsyncDisposableStack,
  ) {
    this.files = files;
    this.#providers = providers;
    this.#backends = backends;
    this.#stack = stack;
  }

  static async start(options: IdentityNodesOptions): Promise<IdentityNodes> {
    await using stack = new AsyncDisposableStack();
    const providers = new Map<string, TestProvider>();
    const backends = new Map<string, TokenBackend>();
    for (const name of options.providers) {
      providers.set(name, stack.use(await TestProvider.start({ ...options.settings })));
      backends.set(name, stack.use(await TokenBackend.start()));
    }
    // JSON is YAML.
    const text = JSON.stringify(configOf(options, providers, backends));
    const { certificate: { cert, key } = { cert: '', key: '' } } = options;
    const files = stack.use(new Workspace({ 'portcullis.yaml': text, 'cert.pem': cert, 'key.pem': key }));
    return new IdentityNodes(files, providers, backends, stack.move());
  }

  /** Throws for a name that is none of them, as `backend`. */
  provider(name: string): TestProvider {
    return named(this.#providers, name);
  }

  backend(name: string): TokenBackend {
    return named(this.#backends, name);
  }

  /** One more node. It may be ended before the others. */
  async node(): Promise<Node> {
    const cli = this.#stack.use(new RunningCli(['serve'], this.files.directory, { SESSION_KEY: KEY }));
    const url = (await cli.ready()).url.replace('https://127.0.0.1:', 'https://localhost:');
    this.#urls.push(`${url}/auth/callback`);
    for (const provider of this.#providers.values()) provider.setClient({ redirectUris: this.#urls });
    return { url, cli };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync();
  }
}

function configOf(
  { providers: names, state, provider, routes, session: options, certificate }: IdentityNodesOptions,
  providers: ReadonlyMap<string, TestProvider>,
  backends: ReadonlyMap<string, TokenBackend>,
): Written {
  const client = { clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret, scopes: ['openid', 'email'] };
  const session = { session: { name: 'web' } };
  const perName = <Value>(value: (name: string) => Value): Record<string, Value> =>
    Object.fromEntries(names.map((name) => [name, value(name)]));
  return {
    listeners: { main: { address: '127.0.0.1', port: 0, ...(certificate === undefined ? {} : OVER_TLS) } },
    ...(certificate && { certificates: { main: { cert: 'file:cert.pem', key: 'file:key.pem' } } }),
    admin: { port: 0 },
    runtime: { workers: 2 },
    observability: { accessLog: { enabled: false } },
    state,
    providers: perName((name) => ({ issuer: named(providers, name).issuer, ...client, ...provider })),
    sessions: { web: { login: names, keys: ['env:SESSION_KEY'], ...options } },
    services: perName((name) => ({ url: named(backends, name).url })),
    routes: {
      auth: { match: { paths: ['/auth/*'] }, login: 'web' },
      ...perName((name) => ({
        match: { paths: [`/${name}/*`] },
        policies: [session, { inject: { provider: name } }],
        service: name,
      })),
      ...routes,
    },
  };
}

function named<Value>(all: ReadonlyMap<string, Value>, name: string): Value {
  const found = all.get(name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}
