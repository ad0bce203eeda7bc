import { createPublicKey } from 'node:crypto';
import type { CryptoKey, JWK } from 'jose';
import { fitsAlgorithm } from './algorithms.ts';

/** RFC 7518 sections 3.3 and 3.5. */
const MIN_RSA_BITS = 2048;
/** Beyond it a signature costs more than a request is worth. */
const MAX_RSA_BITS = 16_384;
const PUBLIC_MEMBERS = ['kty', 'crv', 'n', 'e', 'x', 'y'] as const;

/** A key that signatures are checked with. */
export interface VerificationKey {
  /** RFC 7517 section 4.5; undefined: it may have made any token. */
  readonly kid: string | undefined;
  /** The set that it came from has it no more: what it has verified counts for nothing. */
  withdrawn: boolean;
  fits(algorithm: string): boolean;
  /** For an algorithm that it fits. Rejects when it is no key after all. */
  forAlgorithm(algorithm: string): Promise<CryptoKey | Uint8Array>;
}

/** The public part of a JSON Web Key. */
export class PublicKey implements VerificationKey {
  readonly kid: string | undefined;
  withdrawn = false;
  /** Equal for two that are the same key for the same purpose. */
  readonly identity: string;
  readonly #jwk: { readonly kty: string; readonly crv?: string };
  /** RFC 7517 section 4.4: what it is for, if it says so. */
  readonly #algorithm: string | undefined;
  readonly #imported = new Map<string, Promise<CryptoKey | Uint8Array>>();

  constructor(jwk: Readonly<Record<string, unknown>>) {
    const members = PUBLIC_MEMBERS.filter((name) => typeof jwk[name] === 'string');
    this.#jwk = Object.fromEntries(members.map((name) => [name, jwk[name]])) as { readonly kty: string };
    this.kid = typeof jwk['kid'] === 'string' ? jwk['kid'] : undefined;
    this.#algorithm = typeof jwk['alg'] === 'string' ? jwk['alg'] : undefined;
    this.identity = JSON.stringify([this.kid, this.#algorithm, this.#jwk]);
  }

  fits(algorithm: string): boolean {
    if (this.#algorithm !== undefined && this.#algorithm !== algorithm) return false;
    return fitsAlgorithm(this.#jwk, algorithm);
  }

  forAlgorithm(algorithm: string): Promise<CryptoKey | Uint8Array> {
    let imported = this.#imported.get(algorithm);
    if (imported === undefined) {
      imported = importKey(this.#jwk, algorithm);
      this.#imported.set(algorithm, imported);
    }
    return imported;
  }
}

/** jose is loaded with the first key: it takes 60 ms, and most configurations have no tokens. */
async function importKey(jwk: JWK, algorithm: string): Promise<CryptoKey | Uint8Array> {
  const { importJWK } = await import('jose');
  return importJWK(jwk, algorithm);
}

/** A secret that the issuer and the gateway share, for these algorithms. */
export class SecretKey implements VerificationKey {
  readonly kid = undefined;
  readonly withdrawn = false;
  readonly #algorithms: readonly string[];
  readonly #octets: Uint8Array;

  constructor(secret: string, algorithms: readonly string[]) {
    this.#octets = new TextEncoder().encode(secret);
    this.#algorithms = algorithms;
  }

  fits(algorithm: string): boolean {
    return this.#algorithms.includes(algorithm);
  }

  forAlgorithm(): Promise<Uint8Array> {
    return Promise.resolve(this.#octets);
  }
}

/** The key in a PEM text: a public key or a certificate. Throws an Error that does not quote it. */
export function keyOfPem(pem: string): PublicKey {
  let jwk: Record<string, unknown>;
  try {
    jwk = { ...createPublicKey(pem).export({ format: 'jwk' }) };
  } catch {
    throw new Error('is not the PEM text of a public key or of a certificate');
  }
  if (!isUsableKey(jwk))
    throw new Error(
      'is a key that signatures are not checked with: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
    );
  return new PublicKey(jwk);
}

/**
 * Whether an entry of a key set is one that signatures are checked with. Private and secret keys have no place in a set that is published, and
 * are passed over (RFC 7517 section 5: so are those of types that are not known).
 */
export function isUsableKey(jwk: Readonly<Record<string, unknown>>): boolean {
  const { kty, crv, n, use, key_ops: operations } = jwk;
  if (jwk['d'] !== undefined || jwk['k'] !== undefined) return false;
  if (use !== undefined && use !== 'sig') return false;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false;
  if (kty === 'RSA')
    return typeof n === 'string' && typeof jwk['e'] === 'string' && isRsaSize(n) && isExponent(jwk['e']);
  if (typeof crv !== 'string' || typeof jwk['x'] !== 'string') return false;
  if (kty === 'OKP') return crv === 'Ed25519';
  return kty === 'EC' && typeof jwk['y'] === 'string' && ['P-256', 'P-384', 'P-521'].includes(crv);
}

function isRsaSize(modulus: string): boolean {
  const octets = Buffer.from(modulus, 'base64url');
  const first = octets.findIndex((octet) => octet !== 0);
  if (first < 0) return false;
  const bits = (octets.length - first) * 8 - Math.clz32(octets[first] as number) + 24;
  return bits >= MIN_RSA_BITS && bits <= MAX_RSA_BITS;
}

/** RFC 8017 section 3.1: odd, and 3 or more; with 1 anybody can sign. */
function isExponent(text: string): boolean {
  const octets = Buffer.from(text, 'base64url');
  const last = octets.at(-1) ?? 0;
  return last % 2 === 1 && (last > 1 || octets.subarray(0, -1).some((octet) => octet !== 0));
}
