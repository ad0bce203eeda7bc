import { PrincipalReader } from '../../identity/bearer/principal-reader.ts';
import type { ClientConfig } from '../../identity/client/schema.ts';
import { IntrospectionClient } from '../../identity/introspection/introspection-client.ts';
import { TokenIntrospector } from '../../identity/introspection/token-introspector.ts';
import { linkTo } from '../../identity/providers/issuer-link.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import { type IntrospectionOptions, isProvable } from './schema.ts';

/** Throws an Error when the options and the provider do not say who asks. */
export function makeIntrospector(options: IntrospectionOptions, identity: RouteIdentity): TokenIntrospector {
  const { provider, endpoint, ca, insecure, timeout, claims, cache, questions } = options;
  const link = provider === undefined ? undefined : linkTo(identity.data.providers, provider);
  const asking = whoAsks(options, link?.client);
  const { clientId } = asking;
  if (clientId === undefined || !isProvable(asking))
    throw new Error(
      `provider ${provider ?? ''} has no clientId with a clientSecret, clientKey or clientCertificate to ask about tokens with`,
    );
  const lease = link !== undefined && endpoint === undefined ? identity.issuers.discovery(link) : undefined;
  const issuer = options.issuer ?? link?.issuer;
  const { place } = identity.issuers;
  const { nowMs } = identity.place;
  const client = new IntrospectionClient(
    {
      name: provider ?? new URL(endpoint as string).origin,
      endpoint: lease ?? (endpoint as string),
      clientId,
      client: asking,
      issuer,
      ca: ca ?? link?.ca,
      insecure: insecure || link?.insecure === true,
      timeoutMs: timeout,
      nowMs,
    },
    place,
  );
  return new TokenIntrospector({
    client,
    principals: new PrincipalReader({
      method: 'introspection',
      mapping: claims,
      provider,
      consumers: identity.consumers,
    }),
    issuer,
    audiences: options.audience,
    maxTokenLength: options.maxLength,
    maxTtlMs: cache.ttl,
    refusedTtlMs: cache.refused,
    cache: { maxTokens: cache.tokens, maxBytes: cache.size },
    questions: { atOnce: questions.atOnce, atOncePerClient: questions.perClient, longestWaitMs: timeout },
    timers: place.timers,
    nowMs,
  });
}

/** The provider's client, unless the options have one of their own: then nothing of the provider's proves who it is. */
function whoAsks(options: IntrospectionOptions, ofProvider: ClientConfig | undefined): ClientConfig {
  const {
    clientId = ofProvider?.clientId,
    clientAuthentication = ofProvider?.clientAuthentication ?? 'basic',
  } = options;
  const own = isProvable(options) ? options : ofProvider;
  return {
    clientId,
    clientAuthentication,
    clientSecret: own?.clientSecret,
    clientKey: own?.clientKey,
    clientCertificate: own?.clientCertificate,
  };
}
