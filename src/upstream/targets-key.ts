import { sha256 } from '../lib/sha256.ts';

/**
 * What the list of targets of a service goes by between threads: its name, and a digest of its settings, so that a service which a reload
 * changes has a list of its own while the one before still serves. `settings` is the plain data that all threads have alike.
 */
export function targetsKey(name: string, settings: object): string {
  return `${name}:${sha256(JSON.stringify(settings))}`;
}
