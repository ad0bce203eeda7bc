import { addressProblem } from '../address-problem.ts';

/**
 * What a provider says of itself (OpenID Connect Discovery 1.0 section 3, RFC 8414 section 2): members as they came, of which the addresses
 * have been checked.
 */
export interface ProviderMetadata {
  readonly issuer: string;
  readonly jwks_uri?: string;
  readonly authorization_endpoint?: string;
  readonly token_endpoint?: string;
  readonly introspection_endpoint?: string;
  readonly revocation_endpoint?: string;
  readonly userinfo_endpoint?: string;
  readonly end_session_endpoint?: string;
  readonly device_authorization_endpoint?: string;
  readonly mtls_endpoint_aliases?: Readonly<Record<string, string>>;
  readonly [member: string]: unknown;
}

/**
 * Where the metadata of an issuer may be: OpenID Connect Discovery 1.0 section 4 puts it behind the issuer's path, RFC 8414 section 3.1 before
 * it.
 */
export function metadataAddresses(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [
    `${origin}${path}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ];
}

/** Checks what an issuer published. Throws an Error that says what is wrong. */
export function checkMetadata(found: unknown, issuer: string, insecure: boolean): ProviderMetadata {
  if (typeof found !== 'object' || found === null || Array.isArray(found))
    throw new Error('what is published there is not a JSON object');
  const members = found as Readonly<Record<string, unknown>>;
  // RFC 8414 section 3.3: identical, or somebody else's metadata would be believed.
  if (members['issuer'] !== issuer)
    throw new Error(
      `the issuer says that it is ${JSON.stringify(members['issuer'])?.slice(0, 200) ?? 'nobody'}`,
    );
  // Members that are null are not there: some providers write them so.
  const kept = Object.entries(members).filter(([name, value]) => !(isAddress(name) && value === null));
  // Not by assignment, to which a member called __proto__ would bring others that were not checked.
  return Object.fromEntries(
    kept.map(([name, value]) => {
      if (name === 'mtls_endpoint_aliases') return [name, goodAddresses(value, issuer, insecure)];
      return [name, isAddress(name) ? checkAddress(name, value, issuer, insecure) : value];
    }),
  ) as unknown as ProviderMetadata;
}

/** Where clients with a certificate ask (RFC 8705 section 5); most have none, and what is wrong here is not worth the others. */
function goodAddresses(found: unknown, issuer: string, insecure: boolean): Readonly<Record<string, string>> {
  const entries = typeof found === 'object' && found !== null ? Object.entries(found) : [];
  return Object.fromEntries(
    entries.flatMap(([name, value]): [string, string][] => {
      try {
        return isAddress(name) ? [[name, checkAddress(name, value, issuer, insecure)]] : [];
      } catch {
        return [];
      }
    }),
  );
}

function isAddress(name: string): boolean {
  return name === 'jwks_uri' || name.endsWith('_endpoint');
}

function checkAddress(name: string, value: unknown, issuer: string, insecure: boolean): string {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  if (url === null) throw new Error(`its ${name} is not an address`);
  // An issuer behind TLS does not lead out of it, not even to this machine.
  const isPlain = url.protocol === 'http:' && issuer.startsWith('https:') && !insecure;
  const problem = isPlain ? 'is http' : addressProblem(url, insecure);
  if (problem !== undefined) throw new Error(`its ${name} ${problem}`);
  return value as string;
}
