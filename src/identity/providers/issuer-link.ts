import type { IssuerLink } from '../discovery/discovery.ts';
import { isOidc, type OidcConfig, type ProviderConfig } from './schema.ts';

export interface ProviderLink extends IssuerLink {
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
}

/** How a provider of the configuration is reached; throws an Error where there is none of that name, or it is no issuer of tokens. */
export function linkTo(providers: Readonly<Record<string, ProviderConfig>>, name: string): ProviderLink {
  const provider = Object.hasOwn(providers, name) ? providers[name] : undefined;
  if (provider === undefined) throw new Error(`there is no provider ${JSON.stringify(name)}`);
  if (!isOidc(provider))
    throw new Error(`the provider ${name} is no OpenID Connect one: its tokens cannot be verified`);
  const { clientId, clientSecret } = provider;
  return { ...oidcLink(name, provider), clientId, clientSecret };
}

export function oidcLink(name: string, { issuer, ca, insecure, timeout }: OidcConfig): IssuerLink {
  return { name, issuer, ca, insecure, timeoutMs: timeout };
}
