import type { Unavailable } from '../authenticator.ts';
import type { KeySet } from './key-set.ts';
import type { VerificationKey } from './verification-key.ts';

export interface FoundKeys {
  readonly kind: 'keys';
  /** Empty: the issuer has no such key. */
  readonly keys: readonly VerificationKey[];
}

/** Where the keys of an issuer come from. */
export interface KeySource {
  /** Those that may have signed a token with this header. Never rejects. */
  find(
    algorithm: string,
    kid: string | undefined,
  ): FoundKeys | Unavailable | Promise<FoundKeys | Unavailable>;
  /** After none of them did: looks whether there are others now. True when the keys have been read anew since. */
  lookAgain(kid: string | undefined): boolean | Unavailable | Promise<boolean | Unavailable>;
  /** For each request of a token that is known already. */
  touch(): void;
}

/** Keys of the configuration, which do not change. */
export class StaticKeys implements KeySource {
  readonly #keys: KeySet;

  constructor(keys: KeySet) {
    this.#keys = keys;
  }

  find(algorithm: string, kid: string | undefined): FoundKeys {
    return { kind: 'keys', keys: this.#keys.find(algorithm, kid) };
  }

  lookAgain(): boolean {
    return false;
  }

  touch(): void {}
}
