import type { ClientConfig } from '../client/schema.ts';
import type { IssuerLink } from '../discovery/discovery.ts';
import { isOidc, type OidcConfig, type ProviderConfig } from './schema.ts';

export interface ProviderLink extends IssuerLink {
  readonly client: ClientConfig;
}

/** How a provider of the configuration is reached; throws an Error where there is none of that name, or it is no issuer of tokens. */
export function linkTo(providers: Readonly<Record<string, ProviderConfig>>, name: string): ProviderLink {
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (provider === undefined) throw new Error(`there is no provider ${JSON.stringify(name)}`);
  if (!isOidc(provider))
    throw new Error(`the provider ${name} is no OpenID Connect one: its tokens cannot be verified`);
  return { ...oidcLink(name, provider), client: provider };
}

export function oidcLink(name: string, config: OidcConfig): IssuerLink {
  const { issuer, ca, clientCertificate, insecure, timeout } = config;
  return { name, issuer, ca, clientCertificate, insecure, timeoutMs: timeout };
}
