import { main } from '../cli.ts';
import type { Io } from '../command-line.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in a directory, with no variables and no terminal, unless `io` has them. */
export async function runIn(directory: string, argv: readonly string[], io: Partial<Io> = {}): Promise<Ran> {
  let out = '';
  let err = '';
  const code = await main(argv, {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    cwd: directory,
    env: {},
    terminal: false,
    errTerminal: false,
    color: false,
    secret: async () => undefined,
    ...io,
  });
  return { code, out, err };
}
