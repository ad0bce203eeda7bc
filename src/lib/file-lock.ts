import { randomUUID } from 'node:crypto';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';

/** A lock that is older was left behind: what it is held for takes milliseconds. */
const STALE_MS = 10_000;
const PAUSE_MS = 20;

/** What the lock file of somebody else still stands in the way of. */
export class FileLocked extends Error {}

/**
 * Runs `act` while no other process does so under a lock file of this name, which is there as long. `isHeld` tells whether it is still
 * one's own: somebody may have taken it for one that was left behind. Rejects with `FileLocked` where others have it all the while.
 */
export async function withFileLock<Result>(
  file: string,
  waitMs: number,
  act: (isHeld: () => Promise<boolean>) => Promise<Result>,
): Promise<Result> {
  const own = randomUUID();
  const endMs = Date.now() + waitMs;
  while (!(await take(file, own))) {
    if (Date.now() >= endMs)
      throw new FileLocked(`${file} is held by another process: try again, or delete it`);
    await pause(PAUSE_MS * (0.5 + Math.random()));
  }
  const isHeld = async () => (await textOf(file)) === own;
  try {
    return await act(isHeld);
  } finally {
    if (await isHeld()) await rm(file, { force: true });
  }
}

async function take(file: string, own: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(own);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const held = await stat(file).catch(() => undefined);
  if (held !== undefined && Date.now() - held.mtimeMs > STALE_MS) await rm(file, { force: true });
  return false;
}

function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch(() => undefined);
}
