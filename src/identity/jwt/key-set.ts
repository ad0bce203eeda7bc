import { isUsableKey, PublicKey, type VerificationKey } from './verification-key.ts';

const MAX_KEYS = 100;
/** Keys that one token is tried with, where its header does not tell them apart. */
const MAX_CANDIDATES = 8;
const NONE: readonly VerificationKey[] = [];

/** The keys of an issuer at one time. */
export class KeySet {
  readonly #keys: readonly VerificationKey[];
  /** Of a published set, a token with a `kid` is of the key with that `kid`; a key of the configuration may be of any. */
  readonly #anyKid: boolean;

  constructor(keys: readonly VerificationKey[], anyKid: boolean) {
    this.#keys = keys;
    this.#anyKid = anyKid;
  }

  /** Those that may have signed a token with this header. */
  find(algorithm: string, kid: string | undefined): readonly VerificationKey[] {
    const found = this.#keys.filter(
      (key) => (this.#anyKid || kid === undefined || kid === key.kid) && key.fits(algorithm),
    );
    return found.length === 0 ? NONE : found.slice(0, MAX_CANDIDATES);
  }

  hasKid(kid: string): boolean {
    return this.#keys.some((key) => key.kid === kid);
  }

  /** A set that takes the place of this one: keys that are in both stay the same objects, and those that are not are withdrawn. */
  replacedBy(next: unknown): KeySet {
    const known = new Map(this.#keys.map((key) => [(key as PublicKey).identity, key as PublicKey]));
    const keys = keysOf(next).map((key) => {
      const same = known.get(key.identity);
      known.delete(key.identity);
      return same ?? key;
    });
    for (const key of known.values()) key.withdrawn = true;
    return new KeySet(keys, false);
  }
}

/** A JSON Web Key Set (RFC 7517 section 5). Throws an Error when it is none, is too large or has no key that signatures are checked with. */
export function readKeySet(found: unknown): KeySet {
  return new KeySet(keysOf(found), false);
}

function keysOf(found: unknown): PublicKey[] {
  const keys =
    typeof found === 'object' && found !== null ? (found as Record<string, unknown>)['keys'] : undefined;
  if (!Array.isArray(keys)) throw new Error('is not a JSON Web Key Set');
  if (keys.length > MAX_KEYS) throw new Error(`has more than ${MAX_KEYS} keys`);
  const usable = keys.filter(
    (key: unknown): key is Record<string, unknown> =>
      typeof key === 'object' && key !== null && isUsableKey(key as Record<string, unknown>),
  );
  if (usable.length === 0) throw new Error('has no key that signatures are checked with');
  // The same key twice is one.
  return [...new Map(usable.map((jwk) => new PublicKey(jwk)).map((key) => [key.identity, key])).values()];
}
