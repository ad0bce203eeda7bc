import { PrincipalReader } from '../../identity/bearer/principal-reader.ts';
import { IntrospectionClient } from '../../identity/introspection/introspection-client.ts';
import { TokenIntrospector } from '../../identity/introspection/token-introspector.ts';
import { linkTo } from '../../identity/providers/issuer-link.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import type { IntrospectionOptions } from './schema.ts';

/** Throws an Error when the options and the provider do not say who asks. */
export function makeIntrospector(options: IntrospectionOptions, identity: RouteIdentity): TokenIntrospector {
  const { provider, endpoint, ca, insecure, timeout, authentication, claims, cache } = options;
  const link = provider === undefined ? undefined : linkTo(identity.data.providers, provider);
  const clientId = options.clientId ?? link?.clientId;
  const clientSecret = options.clientSecret ?? link?.clientSecret;
  if (clientId === undefined || clientSecret === undefined)
    throw new Error(
      `provider ${provider ?? ''} has no clientId with a clientSecret to ask about tokens with`,
    );
  const lease = link !== undefined && endpoint === undefined ? identity.issuers.discovery(link) : undefined;
  const client = new IntrospectionClient(
    {
      name: provider ?? new URL(endpoint as string).origin,
      endpoint: lease ?? (endpoint as string),
      clientId,
      clientSecret,
      authentication,
      ca: ca ?? link?.ca,
      insecure: insecure || link?.insecure === true,
      timeoutMs: timeout,
    },
    identity.issuers.place,
  );
  return new TokenIntrospector({
    client,
    principals: new PrincipalReader({
      method: 'introspection',
      mapping: claims,
      provider,
      consumers: identity.consumers,
    }),
    issuer: options.issuer ?? link?.issuer,
    audiences: options.audience,
    maxTokenLength: options.maxLength,
    maxTtlMs: cache.ttl,
    refusedTtlMs: cache.refused,
    cache: { maxTokens: cache.tokens, maxBytes: cache.size },
    nowMs: identity.place.nowMs,
  });
}
