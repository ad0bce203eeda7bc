import { PrincipalReader } from '../../identity/bearer/principal-reader.ts';
import { ASYMMETRIC_ALGORITHMS } from '../../identity/jwt/algorithms.ts';
import type { KeySource } from '../../identity/jwt/key-source.ts';
import { type AcceptedIssuer, TokenVerifier } from '../../identity/jwt/token-verifier.ts';
import { TrustedIssuer } from '../../identity/jwt/trusted-issuer.ts';
import { linkTo } from '../../identity/providers/issuer-link.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import { isKeyProblem, keysOfIssuer } from './keys-of-issuer.ts';
import type { JwtIssuerOptions, JwtOptions } from './schema.ts';

const SKEW_MS = 30_000;

/** The options that say what a token must be. */
type Rules = Pick<
  JwtIssuerOptions,
  | 'audience'
  | 'anyAudience'
  | 'authorizedParties'
  | 'algorithms'
  | 'type'
  | 'idTokens'
  | 'skew'
  | 'maxAge'
  | 'expiry'
>;

/** Everything that the options accept, with the keys of its issuers. Throws an Error when they cannot be meant. */
export function makeVerifier(options: JwtOptions, identity: RouteIdentity): TokenVerifier {
  const closers: (() => void)[] = [];
  const close = () => {
    for (const closer of closers) closer();
  };
  try {
    const names = namesOfProviders(options);
    const issuers = [
      ...names.map((name) => ofProvider(name, options, identity, closers)),
      ...(options.issuers ?? []).map((issuer) => ofIssuer(issuer, options, identity, closers)),
    ];
    checkDistinct(issuers);
    const cache = { maxTokens: options.cache.tokens, maxBytes: options.cache.size };
    return new TokenVerifier({
      issuers,
      maxTokenLength: options.maxLength,
      cache,
      nowMs: identity.place.nowMs,
      close,
    });
  } catch (error) {
    close();
    throw error;
  }
}

function namesOfProviders({ provider, providers = [] }: JwtOptions): readonly string[] {
  return provider === undefined ? providers : [provider];
}

function ofProvider(
  name: string,
  options: JwtOptions,
  identity: RouteIdentity,
  closers: (() => void)[],
): AcceptedIssuer {
  const link = linkTo(identity.data.providers, name);
  const { clientId } = link.client;
  const audience = options.audience ?? (clientId === undefined ? undefined : [clientId]);
  const keys = identity.issuers.keys(link);
  closers.push(keys.close);
  return accepted(
    link.issuer,
    { ...options, audience },
    keys.value,
    ASYMMETRIC_ALGORITHMS,
    name,
    options,
    identity,
  );
}

function ofIssuer(
  issuer: JwtIssuerOptions,
  options: JwtOptions,
  identity: RouteIdentity,
  closers: (() => void)[],
): AcceptedIssuer {
  const rules = { ...withoutUndefined<Rules>(options), ...withoutUndefined<JwtIssuerOptions>(issuer) };
  const found = keysOfIssuer({ ...issuer, algorithms: rules.algorithms });
  if (found !== undefined && isKeyProblem(found))
    throw new Error(`issuer ${issuer.issuer}: ${found.place} ${found.message}`);
  let keys: KeySource | undefined = found;
  if (keys === undefined) {
    const { ca, insecure } = issuer;
    const lease = identity.issuers.keys(
      { name: issuer.issuer, issuer: issuer.issuer, ca, insecure },
      issuer.jwksUri,
    );
    closers.push(lease.close);
    keys = lease.value;
  }
  const algorithms = issuer.secret === undefined ? ASYMMETRIC_ALGORITHMS : (['HS256'] as const);
  return accepted(issuer.issuer, rules, keys, algorithms, undefined, options, identity);
}

function accepted(
  issuer: string,
  rules: Rules,
  keys: KeySource,
  algorithms: readonly string[],
  provider: string | undefined,
  options: JwtOptions,
  identity: RouteIdentity,
): AcceptedIssuer {
  const { audience, anyAudience = false, authorizedParties, type, skew = SKEW_MS, maxAge, expiry } = rules;
  const { idTokens = false } = rules;
  if (audience === undefined && !anyAudience)
    throw new Error(
      `issuer ${issuer}: nothing says whom its tokens must be for: write audience, or anyAudience: true`,
    );
  return {
    issuer: new TrustedIssuer(
      {
        issuer,
        audiences: anyAudience ? undefined : audience,
        authorizedParties,
        algorithms: rules.algorithms ?? algorithms,
        type,
        takesIdTokens: idTokens,
        skewMs: skew,
        maxAgeMs: maxAge,
        needsExpiry: expiry !== 'optional',
      },
      keys,
    ),
    principals: new PrincipalReader({
      method: 'jwt',
      mapping: options.claims,
      provider,
      isOneOfSeveral: namesOfProviders(options).length + (options.issuers?.length ?? 0) > 1,
      consumers: identity.consumers,
    }),
  };
}

/** The `iss` of a token chooses one. */
function checkDistinct(issuers: readonly AcceptedIssuer[]): void {
  const seen = new Set<string>();
  for (const { issuer } of issuers) {
    if (seen.has(issuer.rules.issuer))
      throw new Error(`the issuer ${issuer.rules.issuer} stands there twice`);
    seen.add(issuer.rules.issuer);
  }
}

function withoutUndefined<Options extends object>(options: Options): Options {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Options;
}
