import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Flag, Io } from './command-line.ts';

/** Looked for in this order in the working directory where no file is named. */
export const DEFAULT_CONFIG_FILES = [
  'portcullis.yaml',
  'portcullis.yml',
  'portcullis.json',
  'portcullis.ts',
] as const;

export const CONFIG_FLAG: Flag = {
  short: 'c',
  value: 'file',
  description: 'Configuration; default: portcullis.yaml, .yml, .json or .ts in the working directory',
};

export type FoundFile =
  | { readonly ok: true; readonly file: string }
  | { readonly ok: false; readonly message: string };

/** The configuration's absolute path: the file named, or the default one. A named file need not exist: loading says so. */
export function findConfigFile(named: string | undefined, io: Pick<Io, 'cwd'>): FoundFile {
  if (named !== undefined) return { ok: true, file: resolve(io.cwd, named) };
  for (const name of DEFAULT_CONFIG_FILES) {
    const file = resolve(io.cwd, name);
    if (existsSync(file)) return { ok: true, file };
  }
  return {
    ok: false,
    message: `there is no ${DEFAULT_CONFIG_FILES.join(', ')} in ${io.cwd}: name a file with -c, or make one with portcullis init`,
  };
}
