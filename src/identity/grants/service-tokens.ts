import { sameData } from '../../lib/same-data.ts';
import type { GrantTokens, TokenRequest } from '../providers/provider.ts';
import type { ProviderConfig } from '../providers/schema.ts';
import { TokenCache, type TokenCachePlace, type TokenFinding } from './token-cache.ts';

type Configs = Readonly<Record<string, ProviderConfig>>;

/** Which tokens are asked for. */
export interface ServiceTokenUse {
  /** Organization whose routes share them; undefined for those of none. */
  readonly owner: string | undefined;
  readonly kind: 'exchange' | 'client-credentials';
  readonly provider: string;
  readonly request: TokenRequest;
}

/** The tokens of one use, by caller. */
export interface CallersTokens {
  get(caller: string, ask: () => Promise<GrantTokens>): TokenFinding | Promise<TokenFinding>;
  replaced(
    caller: string,
    refused: GrantTokens,
    ask: () => Promise<GrantTokens>,
  ): TokenFinding | Promise<TokenFinding>;
}

/**
 * Tokens that are no user's grant: one cache for all routes of a worker. Those of a provider outlast a configuration in which it is the same; those
 * of one that changed are not found any more, and make room.
 */
export class ServiceTokens {
  readonly #cache: TokenCache;
  readonly #configs: Configs;
  /** Another one for each configuration that a provider has had. */
  readonly #versions = new Map<string, number>();
  readonly #lastVersion: number;

  constructor(configs: Configs, place: TokenCachePlace, before?: ServiceTokens) {
    this.#configs = configs;
    this.#cache = before === undefined ? new TokenCache(place) : before.#cache;
    let last = before === undefined ? 0 : before.#lastVersion;
    for (const [name, config] of Object.entries(configs)) {
      const known = before === undefined ? undefined : before.#versionOf(name, config);
      this.#versions.set(name, known ?? ++last);
    }
    this.#lastVersion = last;
  }

  of({ owner, kind, provider, request }: ServiceTokenUse): CallersTokens {
    const { audience, resource, scopes } = request;
    const version = this.#versions.get(provider);
    const names = [...new Set(scopes)].sort();
    const use = JSON.stringify([
      owner ?? null,
      kind,
      provider,
      version,
      audience ?? null,
      resource ?? null,
      names,
    ]);
    return {
      get: (caller, ask) => this.#cache.get(use + caller, ask),
      replaced: (caller, refused, ask) => this.#cache.replaced(use + caller, refused, ask),
    };
  }

  /** Undefined where the provider is another one here. */
  #versionOf(name: string, config: ProviderConfig): number | undefined {
    return sameData(config, this.#configs[name]) ? this.#versions.get(name) : undefined;
  }

  /** When it resolves, nothing is asked for any more that was when it was called. */
  settled(): Promise<void> {
    return this.#cache.settled();
  }
}
