import { existsSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runToEnd } from './processes.ts';

const INSTALL_LIMIT_MS = 300_000;

/**
 * Installs the peers of the Node world into bench/, unless the lock is installed already. A sentence when it could not: the
 * benchmark then runs without them and says so.
 */
export async function installPeers(say: (text: string) => void): Promise<string | undefined> {
  const directory = import.meta.dirname;
  const installed = join(directory, 'node_modules', '.package-lock.json');
  const lock = join(directory, 'package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return undefined;
  say('installing the peers of the Node world into bench/ ...');
  const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
  const { code, errors } = await runToEnd(['npm', 'ci', '--prefix', directory], INSTALL_LIMIT_MS, { PATH });
  if (code === 0) return undefined;
  return `the peers of the Node world could not be installed: ${errors.trim().slice(-300)}`;
}
