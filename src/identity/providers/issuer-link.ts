import type { IssuerLink } from '../discovery/discovery.ts';
import type { Identity } from '../identity.ts';
import { isOidc } from './schema.ts';

export interface ProviderLink extends IssuerLink {
  readonly clientId: string | undefined;
  readonly clientSecret: string | undefined;
}

/** How a provider of the configuration is reached; throws an Error where there is none of that name, or it is no issuer of tokens. */
export function linkTo({ data }: Identity, name: string): ProviderLink {
  const provider = data.providers[name];
  if (provider === undefined) throw new Error(`there is no provider ${JSON.stringify(name)}`);
  if (!isOidc(provider))
    throw new Error(`the provider ${name} is no OpenID Connect one: its tokens cannot be verified`);
  const { issuer, ca, insecure, timeout, clientId, clientSecret } = provider;
  return { name, issuer, ca, insecure, timeoutMs: timeout, clientId, clientSecret };
}
