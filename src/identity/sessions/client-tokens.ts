import { PrincipalReader } from '../bearer/principal-reader.ts';
import type { ConsumerIndex } from '../consumers/consumer-index.ts';
import type { Issuers } from '../discovery/issuers.ts';
import { ASYMMETRIC_ALGORITHMS } from '../jwt/algorithms.ts';
import { TokenVerifier } from '../jwt/token-verifier.ts';
import { TrustedIssuer } from '../jwt/trusted-issuer.ts';
import { linkTo } from '../providers/issuer-link.ts';
import type { ProviderConfig } from '../providers/schema.ts';
import type { SessionConfig } from './schema.ts';

/** What a token of another client says. */
export type ClientTokenFinding =
  | { readonly kind: 'known'; readonly subject: string; readonly expiresAtMs: number }
  | { readonly kind: 'unknown' | 'unavailable' };

export interface ClientTokensPlace {
  readonly issuers: Issuers;
  readonly providers: Readonly<Record<string, ProviderConfig>>;
  readonly consumers: ConsumerIndex;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

const MAX_LENGTH = 8192;
const CACHE = { maxTokens: 10_000, maxBytes: 16 * 1024 * 1024 } as const;
const MAPPING = { subject: 'sub', scopes: [], roles: [], groups: [] } as const;
const SKEW_MS = 30_000;
const UNKNOWN: ClientTokenFinding = { kind: 'unknown' };

/** Access tokens that other clients of the first provider got for a user, as JWTs (RFC 9068 and what came before it). */
export class ClientTokens {
  readonly #clients: ReadonlySet<unknown>;
  readonly #verifier: TokenVerifier;

  /** Throws an Error where the first provider is no OpenID Connect one. */
  constructor({ login, clients }: Pick<SessionConfig, 'login' | 'clients'>, place: ClientTokensPlace) {
    const { issuers, providers, consumers, nowMs } = place;
    const provider = login[0] ?? '';
    const link = linkTo(providers, provider);
    const keys = issuers.keys(link);
    this.#clients = new Set(clients);
    const rules = {
      issuer: link.issuer,
      audiences: undefined,
      authorizedParties: undefined,
      algorithms: ASYMMETRIC_ALGORITHMS,
      type: undefined,
      takesIdTokens: false,
      skewMs: SKEW_MS,
      maxAgeMs: undefined,
      needsExpiry: true,
    };
    this.#verifier = new TokenVerifier({
      issuers: [
        {
          issuer: new TrustedIssuer(rules, keys.value),
          principals: new PrincipalReader({ method: 'jwt', mapping: MAPPING, provider, consumers }),
        },
      ],
      maxTokenLength: MAX_LENGTH,
      cache: CACHE,
      nowMs,
      close: keys.close,
    });
  }

  async find(token: string): Promise<ClientTokenFinding> {
    const finding = await this.#verifier.verify(token);
    if (finding.kind === 'unavailable') return { kind: 'unavailable' };
    if (finding.kind !== 'known') return UNKNOWN;
    const { subject, claims, expiresAtMs } = finding.principal;
    // RFC 9068 section 2.2 says client_id; those that came before it, as Keycloak's, say azp.
    const client = claims['azp'] ?? claims['client_id'];
    if (!this.#clients.has(client)) return UNKNOWN;
    // OpenID Connect Core section 2: it is an ID token that is for its client, and no proof to anybody else.
    const { aud } = claims;
    if (aud === client || (Array.isArray(aud) && aud.includes(client))) return UNKNOWN;
    return { kind: 'known', subject, expiresAtMs };
  }

  close(): void {
    this.#verifier.close();
  }
}
