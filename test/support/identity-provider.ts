import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { DevIssuer } from '../../src/main/dev-provider/issuer.ts';
import { DevProviders } from '../../src/main/dev-provider/server.ts';
import type { DevIssuerSettings } from '../../src/main/dev-provider/settings.ts';
import { TOKEN_EXCHANGE } from '../../src/main/dev-provider/token-exchange.ts';
import { Changes } from './changes.ts';

export const TEST_CLIENT = { id: 'portcullis', secret: 'a-secret-of-the-gateway-in-tests-alone' };

/** What is different for a test; `redirectUris` and so on are those of the one client, `portcullis`. */
export interface TestProviderOptions extends Partial<DevIssuerSettings> {
  readonly redirectUris?: readonly string[];
  readonly postLogoutRedirectUris?: readonly string[];
  readonly backchannelLogoutUri?: string;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Neither its metadata nor its answers know of `iss` (RFC 9207), as many providers do not. */
  readonly isNameless?: boolean;
}

/**
 * A real OpenID Connect provider (oidc-provider) on a port of its own, with the users alice and bob, whose passwords are their names. `await using`
 * ends it. Introspection, revocation, client credentials, sign-out with back-channel notices are on.
 */
export class TestProvider implements AsyncDisposable {
  /** How long requests to a path wait before they are served: `{ '/token': 200 }`. */
  readonly delaysMs: Record<string, number> = {};
  /** What requests to a path wait for before they are served. Whose client is gone by then is not served. */
  readonly holds: Record<string, Promise<void>> = {};
  /** How long the answers of a path wait after they were made. A client that gave up never learns of what was done. */
  readonly answerDelaysMs: Record<string, number> = {};
  /** What requests to these paths ask for is done, and their connections break before the answer. */
  readonly swallowed = new Set<string>();
  /** Requests to these paths are answered with the status alone: `{ '/token': 503 }`. */
  readonly failures: Record<string, number> = {};
  /** Paths that were asked for, in order. */
  readonly requests: string[] = [];
  /** What it said at /token, as far as that is JSON: every token that it gave out, and every refusal. */
  readonly tokenAnswers: Readonly<Record<string, unknown>>[] = [];
  /** What it was sent at /token: the form as it came, and Authorization. */
  readonly tokenRequests: { readonly form: string; readonly authorization: string | undefined }[] = [];
  readonly #servers: DevProviders;
  readonly #changes = new Changes();

  private constructor(servers: DevProviders, isNameless: boolean) {
    this.#servers = servers;
    servers.intercept = async (request, response, next) => {
      const path = (request.url ?? '/').split('?', 1)[0] as string;
      this.requests.push(path);
      this.#changes.tell();
      const waitMs = this.delaysMs[path];
      if (waitMs !== undefined) await delay(waitMs);
      await this.holds[path];
      if (response.destroyed) return;
      const status = this.failures[path];
      if (status !== undefined) {
        response.writeHead(status).end();
        return;
      }
      if (isNameless) withoutIssuer(response);
      if (path === '/token') {
        this.#recordForm(request);
        this.#record(response);
      }
      if (this.swallowed.has(path)) response.end = () => response.destroy();
      const answerWaitMs = this.answerDelaysMs[path];
      if (answerWaitMs !== undefined) {
        const end = response.end.bind(response);
        response.end = ((...args: Parameters<typeof end>) => {
          // Who waits for it has a connection that keeps this process alive.
          setTimeout(() => end(...args), answerWaitMs).unref();
          return response;
        }) as typeof response.end;
      }
      await next();
    };
  }

  static async start(options: TestProviderOptions = {}): Promise<TestProvider> {
    const { redirectUris, postLogoutRedirectUris, backchannelLogoutUri, host, isNameless, ...settings } =
      options;
    const own = {
      client_id: TEST_CLIENT.id,
      client_secret: TEST_CLIENT.secret,
      redirect_uris: [...(redirectUris ?? ['http://127.0.0.1/auth/callback'])],
      post_logout_redirect_uris: [...(postLogoutRedirectUris ?? [])],
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE],
      ...(backchannelLogoutUri === undefined
        ? {}
        : { backchannel_logout_uri: backchannelLogoutUri, backchannel_logout_session_required: true }),
    };
    const issuer = { ...settings, clients: [...(settings.clients ?? []), own] };
    const servers = await DevProviders.start({ issuers: { '': issuer }, ...(host && { host }) });
    return new TestProvider(servers, isNameless === true);
  }

  get issuer(): string {
    return this.#servers.origin;
  }

  /** Obeyed at once, but for `clients`: see `setClient`. */
  get settings(): DevIssuerSettings {
    return this.#inner.settings;
  }

  /** How often each refresh token was redeemed with success. More than once for any of them is a fault of the gateway. */
  get redemptions(): ReadonlyMap<string, number> {
    return this.#inner.redemptions;
  }

  /** Resolves when a path was asked for so often, whether or not it was answered. */
  asked(path: string, times: number): Promise<void> {
    const count = (): number => this.requests.filter((asked) => asked === path).length;
    return this.#changes.until(
      () => count() >= times,
      `${times} requests to ${path}`,
      () => `${count()} came`,
    );
  }

  /** Changes what is registered of the gateway, such as the addresses that are known only when it runs. */
  setClient(change: {
    redirectUris?: string[];
    postLogoutRedirectUris?: string[];
    backchannelLogoutUri?: string;
  }): void {
    this.settings.clients = this.settings.clients.map((client) =>
      client.client_id !== TEST_CLIENT.id
        ? client
        : {
            ...client,
            ...(change.redirectUris && { redirect_uris: change.redirectUris }),
            ...(change.postLogoutRedirectUris && {
              post_logout_redirect_uris: change.postLogoutRedirectUris,
            }),
            ...(change.backchannelLogoutUri !== undefined && {
              backchannel_logout_uri: change.backchannelLogoutUri,
              backchannel_logout_session_required: true,
            }),
          },
    );
    this.#inner.applySettings();
  }

  rotateKeys(options: { readonly forget?: boolean } = {}): Promise<void> {
    return this.#inner.rotateKeys(options);
  }

  /** Nothing answers on the port until `start`. Users, grants and keys stay. */
  stop(): Promise<void> {
    return this.#servers.stop();
  }

  start(): Promise<void> {
    return this.#servers.start();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#servers.stop();
  }

  /** As it is read, by whoever reads it. */
  #recordForm(request: IncomingMessage): void {
    const pieces: Buffer[] = [];
    const emit = request.emit.bind(request);
    request.emit = ((event: string, ...args: unknown[]) => {
      if (event === 'data') pieces.push(args[0] as Buffer);
      if (event === 'end') {
        const { authorization } = request.headers;
        this.tokenRequests.push({ form: Buffer.concat(pieces).toString(), authorization });
      }
      return emit(event, ...args);
    }) as typeof request.emit;
  }

  /** oidc-provider gives its answers in one piece. */
  #record(response: ServerResponse): void {
    const end = response.end.bind(response);
    response.end = ((...args: Parameters<typeof end>) => {
      const [body] = args as readonly unknown[];
      const text = typeof body === 'string' || Buffer.isBuffer(body) ? body.toString() : '';
      if (text.startsWith('{')) this.tokenAnswers.push(JSON.parse(text) as Record<string, unknown>);
      return end(...args);
    }) as typeof end;
  }

  get #inner(): DevIssuer {
    return this.#servers.issuer('');
  }
}

/** Takes from answers what RFC 9207 put there. What the metadata promise keeps its length. */
function withoutIssuer(response: ServerResponse): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) => {
    const isAddress = name.toLowerCase() === 'location' && typeof value === 'string';
    return setHeader(name, isAddress ? value.replace(/&iss=[^&]*/, '') : value);
  };
  const end = response.end.bind(response);
  response.end = ((...args: Parameters<typeof end>) => {
    const [body, ...rest] = args as readonly unknown[];
    const isText = typeof body === 'string' || Buffer.isBuffer(body);
    const promise = '"authorization_response_iss_parameter_supported":';
    const told = isText ? body.toString('latin1').replace(`${promise}true`, `${promise}null`) : body;
    return end(...([isText ? Buffer.from(String(told), 'latin1') : body, ...rest] as typeof args));
  }) as typeof end;
}
