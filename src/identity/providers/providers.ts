import { randomUUID } from 'node:crypto';
import type { ServerMetadata } from 'openid-client';
import type { Lease } from '../../lib/shared-pool.ts';
import { systemTimers } from '../../lib/timers.ts';
import type { Discovery } from '../discovery/discovery.ts';
import { Issuers } from '../discovery/issuers.ts';
import { isUnavailable } from '../discovery/remote-document.ts';
import { Outgoing } from '../outgoing.ts';
import { oidcLink } from './issuer-link.ts';
import { ModuleProvider } from './module-provider.ts';
import { OAuth2Provider } from './oauth2.ts';
import { OidcProvider } from './oidc.ts';
import { type Provider, ProviderUnavailable } from './provider.ts';
import { isOAuth2, isOidc, type OidcConfig, type ProviderConfig } from './schema.ts';

/** The providers of a configuration, each made when it is first asked for. */
export class Providers {
  readonly #configs: Readonly<Record<string, ProviderConfig>>;
  readonly #nowMs: () => number;
  readonly #issuers: Issuers;
  readonly #made = new Map<string, Provider>();
  readonly #leases: Lease<Discovery>[] = [];

  /** `issuers` are those that verify tokens too, so that each is read once. */
  constructor(
    configs: Readonly<Record<string, ProviderConfig>>,
    nowMs: () => number,
    issuers = new Issuers({ timers: systemTimers, random: Math.random, log: () => {} }),
  ) {
    this.#configs = configs;
    this.#nowMs = nowMs;
    this.#issuers = issuers;
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

  /** Nothing is asked of them in the background any more. */
  close(): void {
    for (const lease of this.#leases) lease.close();
  }

  #make(name: string, config: ProviderConfig): Provider {
    const nowMs = this.#nowMs;
    if (isOidc(config)) {
      const metadata = this.#metadataOf(name, config);
      return new OidcProvider(name, config, { metadata, fetch: outgoingFetch(config), nowMs });
    }
    if (isOAuth2(config)) {
      const place = { fetch: outgoingFetch(config), nowMs, randomId: randomUUID };
      return new OAuth2Provider(name, config, place);
    }
    return new ModuleProvider(name, config, { name, nowMs, fetch: new Outgoing().fetch });
  }

  #metadataOf(name: string, config: OidcConfig): () => Promise<ServerMetadata> {
    const lease = this.#issuers.discovery(oidcLink(name, config));
    this.#leases.push(lease);
    return async () => {
      const found = await lease.value.get();
      if (isUnavailable(found))
        throw new ProviderUnavailable(`what ${config.issuer} publishes of itself cannot be read`);
      return found.document as unknown as ServerMetadata;
    };
  }
}

function outgoingFetch({ timeout, ca, insecure }: Pick<OidcConfig, 'timeout' | 'ca' | 'insecure'>) {
  return new Outgoing({ timeoutMs: timeout, ca, insecure }).fetch;
}
