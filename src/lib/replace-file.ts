import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Gives a file another content, readable by its owner alone: whole or not at all, also where the machine stops in the middle, and where several
 * processes do it at one time. Rejects where it cannot, or `check` does once the content is written; then the file is what it was.
 */
export async function replaceFile(path: string, content: string, check?: () => Promise<void>): Promise<void> {
  const next = `${path}.${randomUUID()}`;
  try {
    {
      await using file = await open(next, 'wx', 0o600);
      await file.writeFile(content);
      // On the disk before the name leads to it: after a crash, the name may lead to an empty file otherwise.
      await file.sync();
    }
    await check?.();
    await rename(next, path);
  } catch (error) {
    await rm(next, { force: true }).catch(() => {});
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** A name in a directory is on the disk when the directory is. Windows opens none, and has no need of it. */
async function syncDirectory(directory: string): Promise<void> {
  if (process.platform === 'win32') return;
  await using handle = await open(directory);
  await handle.sync();
}
