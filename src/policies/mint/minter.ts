import { SignJWT } from 'jose';
import type { Exchange } from '../../policy/contract.ts';
import type { Principal } from '../../policy/principal.ts';
import type { ClaimSource } from './claims.ts';
import type { NamedKey } from './keys.ts';

export interface MinterSettings {
  readonly key: NamedKey;
  readonly issuer: string;
  readonly audience: string;
  readonly lifetimeMs: number;
  readonly claims: Readonly<Record<string, ClaimSource>>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

interface Minted {
  /** A promise while it is signed: whoever comes meanwhile gets the same. */
  token: string | Promise<string>;
  readonly renewAtMs: number;
}

/**
 * Makes tokens (RFC 7519) by which services know who calls. Signing takes some hundred microseconds on another thread: a token is used for half
 * its life by all requests of its principal, unless its claims follow from the request.
 */
export class Minter {
  readonly #settings: MinterSettings;
  readonly #isOfPrincipal: boolean;
  readonly #minted = new WeakMap<Principal, Minted>();

  constructor(settings: MinterSettings) {
    this.#settings = settings;
    this.#isOfPrincipal = Object.values(settings.claims).every(({ isOfPrincipal }) => isOfPrincipal);
  }

  tokenFor(exchange: Exchange, principal: Principal): string | Promise<string> {
    const nowMs = this.#settings.nowMs();
    const expiresMs = Math.min(nowMs + this.#settings.lifetimeMs, principal.expiresAtMs);
    if (!this.#isOfPrincipal) return this.#sign(exchange, principal, nowMs, expiresMs);
    const known = this.#minted.get(principal);
    if (known !== undefined && nowMs < known.renewAtMs) return known.token;
    return this.#renew(exchange, principal, nowMs, expiresMs);
  }

  #renew(exchange: Exchange, principal: Principal, nowMs: number, expiresMs: number): Promise<string> {
    const token = this.#sign(exchange, principal, nowMs, expiresMs);
    const minted: Minted = { token, renewAtMs: nowMs + (expiresMs - nowMs) / 2 };
    this.#minted.set(principal, minted);
    return token.then(
      (text) => {
        minted.token = text;
        return text;
      },
      (error: unknown) => {
        this.#minted.delete(principal);
        throw error;
      },
    );
  }

  #sign(exchange: Exchange, principal: Principal, nowMs: number, expiresMs: number): Promise<string> {
    const { key, issuer, audience, claims } = this.#settings;
    const payload: Record<string, unknown> = {};
    for (const name in claims) {
      const value = (claims[name] as ClaimSource).read(exchange, principal);
      if (value !== undefined) payload[name] = value;
    }
    return new SignJWT(payload)
      .setProtectedHeader({ alg: key.algorithm, kid: key.id, typ: 'JWT' })
      .setIssuer(issuer)
      .setAudience(audience)
      .setIssuedAt(Math.floor(nowMs / 1000))
      .setExpirationTime(Math.ceil(expiresMs / 1000))
      .sign(key.key);
  }
}
