import { randomUUID } from 'node:crypto';
import { LazyMetadata } from './lazy-metadata.ts';
import { ModuleProvider } from './module-provider.ts';
import { OAuth2Provider } from './oauth2.ts';
import { OidcProvider } from './oidc.ts';
import { boundedFetch } from './outgoing-fetch.ts';
import type { Provider } from './provider.ts';
import { isOAuth2, isOidc, type ProviderConfig } from './schema.ts';

/** The providers of a configuration, each made when it is first asked for. */
export class Providers {
  readonly #configs: Readonly<Record<string, ProviderConfig>>;
  readonly #nowMs: () => number;
  readonly #made = new Map<string, Provider>();

  constructor(configs: Readonly<Record<string, ProviderConfig>>, nowMs: () => number) {
    this.#configs = configs;
    this.#nowMs = nowMs;
  }

  /** Throws an Error where the configuration has none of that name. */
  named(name: string): Provider {
    const known = this.#made.get(name);
    if (known !== undefined) return known;
    const config = Object.hasOwn(this.#configs, name) ? this.#configs[name] : undefined;
    if (config === undefined) throw new Error(`there is no provider ${JSON.stringify(name)}`);
    const made = this.#make(name, config);
    this.#made.set(name, made);
    return made;
  }

  #make(name: string, config: ProviderConfig): Provider {
    const nowMs = this.#nowMs;
    if (isOidc(config)) {
      const fetch = boundedFetch({ timeoutMs: config.timeout });
      const metadata = new LazyMetadata(config.issuer, fetch, nowMs);
      return new OidcProvider(name, config, { metadata: () => metadata.get(), fetch, nowMs });
    }
    if (isOAuth2(config)) {
      const fetch = boundedFetch({ timeoutMs: config.timeout });
      return new OAuth2Provider(name, config, { fetch, nowMs, randomId: randomUUID });
    }
    return new ModuleProvider(name, config, { name, nowMs, fetch: boundedFetch({}) });
  }
}
