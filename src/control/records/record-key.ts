import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs';

/** Octets of a key that the gateway makes. */
const KEY_BYTES = 32;

/**
 * The key in a file, which is made where there is none and `mayMake`. Throws an Error that says why not. Whoever can read it can read what it
 * encrypts: it protects a copy of the other file alone.
 */
export function keyFrom(path: string, mayMake: boolean): { readonly key: string; readonly isNew: boolean } {
  try {
    const key = readFileSync(path, 'utf8').trim();
    if (Buffer.from(key, 'base64url').length < KEY_BYTES) throw new Error(`${path} does not hold a key`);
    return { key, isNew: false };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    if (!mayMake) throw new Error(`its key is gone: ${path} does not exist`, { cause: error });
  }
  const key = randomBytes(KEY_BYTES).toString('base64url');
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, `${key}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return { key, isNew: true };
}
