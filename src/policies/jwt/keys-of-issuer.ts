import { MIN_SECRET_BYTES, SECRET_ALGORITHMS } from '../../identity/jwt/algorithms.ts';
import { KeySet, readKeySet } from '../../identity/jwt/key-set.ts';
import { StaticKeys } from '../../identity/jwt/key-source.ts';
import { keyOfPem, SecretKey } from '../../identity/jwt/verification-key.ts';
import type { JwtIssuerOptions } from './schema.ts';

const IS_SECRET: ReadonlySet<string> = new Set(SECRET_ALGORITHMS);

interface KeyProblem {
  /** The option that is wrong. */
  readonly place: string;
  readonly message: string;
}

export function isKeyProblem(found: StaticKeys | KeyProblem): found is KeyProblem {
  return 'message' in found;
}

/** Whether one of them is for a secret. */
export function needsSecret(algorithms: readonly string[] = []): boolean {
  return algorithms.some((name) => IS_SECRET.has(name));
}

/** The keys that the options of an issuer have; undefined where they are found elsewhere. */
export function keysOfIssuer({
  jwks,
  key,
  secret,
  algorithms,
}: JwtIssuerOptions): StaticKeys | KeyProblem | undefined {
  // A public key must never be taken for a secret (RFC 8725 section 2.1): one issuer has algorithms of one kind.
  if (algorithms?.some((name) => IS_SECRET.has(name) !== (secret !== undefined)) === true) {
    const message =
      secret === undefined
        ? 'has one that needs a secret, and there is none'
        : 'has one that needs a public key, and there is a secret';
    return { place: 'algorithms', message };
  }
  try {
    if (jwks !== undefined) return new StaticKeys(readKeySet(jwks));
    if (key !== undefined) return new StaticKeys(new KeySet([keyOfPem(key)], true));
  } catch (error) {
    return { place: jwks === undefined ? 'key' : 'jwks', message: (error as Error).message };
  }
  return secret === undefined ? undefined : keyOfSecret(secret, algorithms ?? ['HS256']);
}

function keyOfSecret(secret: string, algorithms: readonly string[]): StaticKeys | KeyProblem {
  const octets = Math.max(...algorithms.map((name) => MIN_SECRET_BYTES[name] ?? 0));
  if (Buffer.byteLength(secret) < octets)
    return {
      place: 'secret',
      message: `is shorter than the ${octets} octets that ${algorithms.join(', ')} needs`,
    };
  return new StaticKeys(new KeySet([new SecretKey(secret, algorithms)], true));
}
