import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { type JWK, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { configurationOf } from './configuration.ts';
import { interact } from './interaction.ts';
import { DEV_ISSUER_DEFAULTS, type DevIssuerSettings } from './settings.ts';
import { DevStore } from './store.ts';
import { offerTokenExchange } from './token-exchange.ts';

/** Kept beside the one that signs, so that what was signed with them stays good. */
const KEPT_KEYS = 3;

/** One OpenID Connect provider with users of its own, for development and tests. */
export class DevIssuer {
  readonly url: string;
  readonly settings: DevIssuerSettings;
  readonly #store: DevStore;
  readonly #mountPath: string;
  readonly #cookieKeys = [randomBytes(32).toString('base64url')];
  readonly #redeemed = new Map<string, number>();
  #keys: readonly JWK[];
  #provider: Provider;
  #answer: (request: IncomingMessage, response: ServerResponse) => Promise<void>;

  private constructor(url: string, settings: DevIssuerSettings, key: JWK, nowMs: () => number) {
    this.url = url;
    this.settings = settings;
    this.#store = new DevStore(nowMs);
    const { pathname } = new URL(url);
    this.#mountPath = pathname === '/' ? '' : pathname;
    this.#keys = [key];
    this.#provider = this.#make();
    this.#answer = this.#provider.callback();
  }

  /** `url` is the issuer identifier: origin and path, without a slash at the end. */
  static async make(url: string, settings: Partial<DevIssuerSettings> = {}): Promise<DevIssuer> {
    const all = { ...DEV_ISSUER_DEFAULTS, ...settings };
    return new DevIssuer(url, all, await signingKey(all.algorithm), Date.now);
  }

  /** Answers what came for this issuer: `request.url` begins with its path. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const whole = request.url ?? '/';
    const within = whole.slice(this.#mountPath.length) || '/';
    // oidc-provider learns from the difference of the two where it stands.
    Object.assign(request, { originalUrl: whole, url: within });
    if (!within.startsWith('/interaction/')) return this.#answer(request, response);
    try {
      await interact(this.#provider, this.settings, request, response);
    } catch {
      if (!response.headersSent) response.writeHead(400, { 'content-type': 'text/plain' });
      response.end('This sign-in is over or was begun in another browser. Go back to where you came from.\n');
    }
  }

  /** Another key signs from now on. The last few stay in the key set; `forget` takes them out, and tokens signed with them are void. */
  async rotateKeys(options: { readonly forget?: boolean } = {}): Promise<void> {
    const kept = options.forget === true ? [] : this.#keys.slice(0, KEPT_KEYS);
    this.#keys = [await signingKey(this.settings.algorithm), ...kept];
    this.applySettings();
  }

  /** Makes a change of `clients` or of `accessTokens` known. */
  applySettings(): void {
    this.#provider = this.#make();
    this.#answer = this.#provider.callback();
  }

  /** How often each refresh token was redeemed with success; tokens by their text. */
  get redemptions(): ReadonlyMap<string, number> {
    return this.#redeemed;
  }

  #make(): Provider {
    const provider = new Provider(
      this.url,
      configurationOf({
        settings: this.settings,
        store: this.#store,
        keys: this.#keys,
        cookiePrefix: `dev${this.#mountPath.replaceAll('/', '_')}_${new URL(this.url).port}`,
        cookieKeys: this.#cookieKeys,
        mountPath: this.#mountPath,
      }),
    );
    offerTokenExchange(provider, { settings: this.settings, keys: this.#keys });
    provider.on('grant.success', (context: KoaContextWithOIDC) => {
      const token = context.oidc.params?.['refresh_token'];
      if (context.oidc.params?.['grant_type'] === 'refresh_token' && typeof token === 'string')
        this.#redeemed.set(token, (this.#redeemed.get(token) ?? 0) + 1);
    });
    return provider;
  }
}

async function signingKey(algorithm: 'ES256' | 'RS256'): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const kid = randomBytes(8).toString('base64url');
  return { ...(await exportJWK(privateKey)), kid, alg: algorithm, use: 'sig' };
}
