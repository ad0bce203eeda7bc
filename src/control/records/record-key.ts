import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Octets of a key that the gateway makes. */
const KEY_BYTES = 32;

/**
 * The key in a file, which is made where there is none and `mayMake`: of several processes that do so at one time, all get the same. Throws an Error
 * that says why not. Whoever can read it can read what it encrypts: it protects a copy of the other file alone.
 */
export function keyFrom(path: string, mayMake: boolean): { readonly key: string; readonly isNew: boolean } {
  const known = readKey(path);
  if (known !== undefined) return { key: known, isNew: false };
  if (!mayMake) throw new Error(`its key is gone: ${path} does not exist`);
  const isNew = makeKey(path);
  const key = readKey(path);
  if (key === undefined) throw new Error(`${path} was taken away in this moment`);
  return { key, isNew };
}

/** undefined: there is no file. */
function readKey(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  const key = text.trim();
  if (Buffer.from(key, 'base64url').length < KEY_BYTES) throw new Error(`${path} does not hold a key`);
  return key;
}

/** Whether it was this process that made it. What has the name is whole, and stays: something may be encrypted with it already. */
function makeKey(path: string): boolean {
  const own = `${path}.${randomUUID()}`;
  try {
    const file = openSync(own, 'wx', 0o600);
    try {
      writeSync(file, `${randomBytes(KEY_BYTES).toString('base64url')}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    linkSync(own, path);
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return false;
  } finally {
    rmSync(own, { force: true });
  }
  syncDirectory(dirname(path));
  return true;
}

/** A key whose name is lost with the machine's power would leave what it encrypted behind. Windows opens no directories. */
function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return;
  const opened = openSync(directory, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
