import * as crypto from 'node:crypto';
import type { PasswordHash } from './phc.ts';

/** Node has argon2id since 24.7. */
export const HAS_ARGON2ID = typeof crypto.argon2 === 'function';

const HASH_BYTES = 32;
const SALT_BYTES = 16;

/** What `hashPassword` makes: as OWASP's Password Storage Cheat Sheet advises. */
const SCRYPT = { kind: 'scrypt', ln: 17, r: 8, p: 1 } as const;
const ARGON2ID = { kind: 'argon2id', memory: 19_456, passes: 2, parallelism: 1 } as const;

/** A new hash, with a salt of its own. */
export async function hashPassword(password: string, kind: PasswordHash['kind']): Promise<PasswordHash> {
  const salt = crypto.randomBytes(SALT_BYTES);
  const made = { ...(kind === 'scrypt' ? SCRYPT : ARGON2ID), salt, hash: Buffer.alloc(HASH_BYTES) };
  return { ...made, hash: await derive(password, made) };
}

/** Whether it is the password of the hash. Runs in a thread of libuv's pool; compares in constant time. */
export async function verifyPassword(password: string, expected: PasswordHash): Promise<boolean> {
  return crypto.timingSafeEqual(await derive(password, expected), expected.hash);
}

/** As costly as the given hash, and of no password. */
export function decoyOf(hash: PasswordHash): PasswordHash {
  return { ...hash, salt: crypto.randomBytes(hash.salt.length), hash: crypto.randomBytes(hash.hash.length) };
}

function derive(password: string, hash: PasswordHash): Promise<Buffer> {
  const { salt, hash: like } = hash;
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, derived: Buffer): void =>
      error === null ? resolve(derived) : reject(error);
    if (hash.kind === 'scrypt') {
      const { ln, r, p } = hash;
      // What scrypt takes is 128 * N * r, and a little more.
      const options = { N: 2 ** ln, r, p, maxmem: 128 * 2 ** ln * r + 1024 * 1024 };
      crypto.scrypt(password, salt, like.length, options, done);
    } else {
      const { memory, passes, parallelism } = hash;
      const parameters = {
        message: password,
        nonce: salt,
        parallelism,
        tagLength: like.length,
        memory,
        passes,
      };
      crypto.argon2('argon2id', parameters, done);
    }
  });
}
