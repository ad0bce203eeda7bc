import { createHash, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { loginPage } from '../../src/main/dev-provider/pages.ts';
import { TEST_CLIENT } from './identity-provider.ts';

export interface OauthProviderOptions {
  /** What it calls its tokens in its answer, and where a token stands in `Authorization`. Default `token`, as GitHub and JupyterHub have it. */
  readonly tokenType?: string;
  /** Default JSON; `form` as GitHub answers where nobody asks for JSON. */
  readonly answers?: 'json' | 'form';
  /** Default: access tokens that never expire, and no refresh tokens. */
  readonly refresh?: { readonly ttlMs: number };
}

interface Code {
  readonly user: string;
  readonly redirectUri: string;
  readonly challenge: string | null;
}

/**
 * A plain OAuth 2.0 server (RFC 6749) that knows nothing of OpenID Connect: no discovery, no ID token, the user is asked for at /user with
 * `Authorization: token …`. Users are alice and bob; codes are for one use, PKCE is checked where it is used, refresh tokens rotate.
 */
export class OauthProvider implements AsyncDisposable {
  /** How often each refresh token was redeemed with success. */
  readonly redemptions = new Map<string, number>();
  readonly #options: OauthProviderOptions;
  readonly #server: Server;
  readonly #codes = new Map<string, Code>();
  readonly #access = new Map<string, { user: string; expiresAtMs: number }>();
  readonly #refresh = new Map<string, string>();

  private constructor(options: OauthProviderOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
    });
  }

  static async start(options: OauthProviderOptions = {}): Promise<OauthProvider> {
    const provider = new OauthProvider(options);
    await new Promise<void>((resolve) => provider.#server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Who a token is of; undefined where it is none, or is over. */
  userOf(token: string): string | undefined {
    const known = this.#access.get(token);
    return known !== undefined && known.expiresAtMs > Date.now() ? known.user : undefined;
  }

  /** Every access token that it gave out. */
  get accessTokens(): readonly string[] {
    return [...this.#access.keys()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.origin);
    if (url.pathname === '/authorize') return this.#authorize(request, url, response);
    if (url.pathname === '/token' && request.method === 'POST') return this.#token(request, response);
    if (url.pathname === '/user') return this.#user(request, response);
    response.writeHead(404).end();
  }

  async #authorize(request: IncomingMessage, url: URL, response: ServerResponse): Promise<void> {
    const redirectUri = url.searchParams.get('redirect_uri') ?? '';
    if (url.searchParams.get('client_id') !== TEST_CLIENT.id || redirectUri === '') {
      response.writeHead(400).end('unknown client');
      return;
    }
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    const user = form?.get('username') ?? '';
    if (!['alice', 'bob'].includes(user) || form?.get('password') !== user) {
      response.writeHead(200, { 'content-type': 'text/html' });
      response.end(loginPage(`${url.pathname}${url.search}`, 'alice / alice', user));
      return;
    }
    const code = randomBytes(16).toString('hex');
    this.#codes.set(code, { user, redirectUri, challenge: url.searchParams.get('code_challenge') });
    const back = new URL(redirectUri);
    back.searchParams.set('code', code);
    back.searchParams.set('state', url.searchParams.get('state') ?? '');
    response.writeHead(303, { location: back.href }).end();
  }

  async #token(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const form = await readForm(request);
    const [id, secret] = credentials(request) ?? [form.get('client_id'), form.get('client_secret')];
    if (id !== TEST_CLIENT.id || secret !== TEST_CLIENT.secret)
      return refuse(response, 401, 'invalid_client');
    const user = form.get('grant_type') === 'refresh_token' ? this.#redeem(form) : this.#spend(form);
    if (user === undefined) return refuse(response, 400, 'invalid_grant');
    const access = `oauth-${randomBytes(16).toString('hex')}`;
    const ttlMs = this.#options.refresh?.ttlMs;
    this.#access.set(access, {
      user,
      expiresAtMs: ttlMs === undefined ? Number.POSITIVE_INFINITY : Date.now() + ttlMs,
    });
    const answer: Record<string, string | number> = {
      access_token: access,
      token_type: this.#options.tokenType ?? 'token',
      scope: 'read',
    };
    if (ttlMs !== undefined) {
      const refresh = `renew-${randomBytes(16).toString('hex')}`;
      this.#refresh.set(refresh, user);
      Object.assign(answer, { refresh_token: refresh, expires_in: Math.max(1, Math.floor(ttlMs / 1000)) });
    }
    if (this.#options.answers === 'form') {
      const text = new URLSearchParams(
        Object.entries(answer).map(([key, value]): [string, string] => [key, String(value)]),
      );
      response.writeHead(200, { 'content-type': 'application/x-www-form-urlencoded' }).end(text.toString());
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  #spend(form: URLSearchParams): string | undefined {
    const text = form.get('code') ?? '';
    const code = this.#codes.get(text);
    this.#codes.delete(text);
    if (code === undefined || code.redirectUri !== form.get('redirect_uri')) return undefined;
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    return code.challenge === null || code.challenge === challenge ? code.user : undefined;
  }

  #redeem(form: URLSearchParams): string | undefined {
    const token = form.get('refresh_token') ?? '';
    const user = this.#refresh.get(token);
    if (user === undefined) return undefined;
    this.#refresh.delete(token);
    this.redemptions.set(token, (this.redemptions.get(token) ?? 0) + 1);
    return user;
  }

  #user(request: IncomingMessage, response: ServerResponse): void {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ');
    const user = scheme === (this.#options.tokenType ?? 'token') ? this.userOf(token) : undefined;
    if (user === undefined) return refuse(response, 401, 'unauthorized');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: user === 'alice' ? 1 : 2, login: user, admin: user === 'alice' }));
  }
}

function credentials(request: IncomingMessage): string[] | undefined {
  const [scheme, text = ''] = (request.headers.authorization ?? '').split(' ');
  if (scheme !== 'Basic') return undefined;
  return Buffer.from(text, 'base64').toString().split(':').map(decodeURIComponent);
}

function refuse(response: ServerResponse, status: number, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += String(piece);
  return new URLSearchParams(text);
}
