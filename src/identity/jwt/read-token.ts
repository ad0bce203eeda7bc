import { JsonReader } from '../../lib/json-reader.ts';
import type { JsonLimits } from '../../lib/json-scanner.ts';
import { MALFORMED, type TokenRefusal } from './refusals.ts';

/** A token as it says of itself: nothing of it is verified. */
export interface UnverifiedToken {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly issuer: unknown;
}

const LIMITS: JsonLimits = { depth: 16, keys: 500, items: 2000, values: 2000, string: 8192 };
/** Whoever names keys longer than that does not name keys. */
const MAX_KID = 256;

/** Reads the outside of tokens. One instance reads one after the other. */
export class TokenReader {
  readonly #json = new JsonReader(LIMITS);

  /**
   * Takes a JWT in the compact serialisation of JWS (RFC 7519 section 3, RFC 7515 section 7.1) apart, and is strict where other readers may read
   * something else: each octet has one way to be written, no member stands twice. Header parameters by which a token would bring or name its
   * own key (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
   */
  read(token: string): UnverifiedToken | TokenRefusal {
    const firstDot = token.indexOf('.');
    const secondDot = token.indexOf('.', firstDot + 1);
    // Encrypted tokens (RFC 7516) have five parts.
    if (firstDot < 1 || secondDot < 0 || token.indexOf('.', secondDot + 1) >= 0) return MALFORMED;
    if (octetsOf(token.slice(secondDot + 1)) === undefined) return MALFORMED;
    const header = this.#object(token.slice(0, firstDot));
    const claims = this.#object(token.slice(firstDot + 1, secondDot));
    if (header === undefined || claims === undefined) return MALFORMED;
    const { alg: algorithm, kid } = header;
    // No extension is known here (RFC 7515 section 4.1.11); unencoded payloads are not for JWTs (RFC 7797 section 7).
    if (typeof algorithm !== 'string' || header['crit'] !== undefined || header['b64'] !== undefined)
      return MALFORMED;
    if (header['typ'] !== undefined && typeof header['typ'] !== 'string') return MALFORMED;
    if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID))
      return MALFORMED;
    return { algorithm, kid, issuer: claims['iss'] };
  }

  #object(part: string): Readonly<Record<string, unknown>> | undefined {
    const octets = octetsOf(part);
    if (octets === undefined) return undefined;
    const read = this.#json.read(octets);
    if (!read.ok || typeof read.value !== 'object' || read.value === null || Array.isArray(read.value))
      return undefined;
    return read.value as Readonly<Record<string, unknown>>;
  }
}

/**
 * What base64url without padding stands for (RFC 7515 section 2); undefined for none at all, and for what is not just as an encoder would have
 * written it: other letters, padding, white space, bits that are left over.
 */
export function octetsOf(text: string): Buffer | undefined {
  const octets = Buffer.from(text, 'base64url');
  return octets.length > 0 && octets.toString('base64url') === text ? octets : undefined;
}
