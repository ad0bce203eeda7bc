import type { ServerMetadata } from 'openid-client';
import type { Discovery } from '../discovery/discovery.ts';
import type { Issuers } from '../discovery/issuers.ts';
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
  readonly #toClose: { close(): void }[] = [];

  constructor(configs: Readonly<Record<string, ProviderConfig>>, nowMs: () => number, issuers: Issuers) {
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

  /** Ends what is under way. */
  close(): void {
    for (const held of this.#toClose.splice(0)) held.close();
    this.#made.clear();
  }

  #make(name: string, config: ProviderConfig): Provider {
    const nowMs = this.#nowMs;
    if (isOidc(config)) return this.#oidc(name, config);
    if (isOAuth2(config)) {
      const { ca, insecure, timeout: timeoutMs, clientCertificate } = config;
      const { fetch } = this.#kept(new Outgoing({ ca, insecure, timeoutMs, clientCertificate }));
      return new OAuth2Provider(name, config, { fetch, nowMs });
    }
    return new ModuleProvider(name, config, { name, nowMs, fetch: this.#kept(new Outgoing()).fetch });
  }

  #oidc(name: string, config: OidcConfig): Provider {
    const link = oidcLink(name, config);
    const outgoing = this.#kept(new Outgoing(link));
    const discovery = this.#kept(this.#issuers.discovery(link));
    return new OidcProvider(name, config, {
      metadata: () => metadataOf(discovery.value, name),
      fetch: outgoing.fetch,
      keys: this.#kept(this.#issuers.keys(link)).value,
      warn: (message) => this.#issuers.place.log('warn', message),
      nowMs: this.#nowMs,
    });
  }

  #kept<Held extends { close(): void }>(held: Held): Held {
    this.#toClose.push(held);
    return held;
  }
}

async function metadataOf(discovery: Discovery, name: string): Promise<ServerMetadata> {
  const found = await discovery.get();
  if (isUnavailable(found)) throw new ProviderUnavailable(`what ${name} publishes of itself cannot be read`);
  // Read from JSON, so that all in it is.
  return found.document as ServerMetadata;
}
