import { main } from '../cli.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in a directory, with no variables and no terminal. */
export async function runIn(directory: string, argv: readonly string[]): Promise<Ran> {
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
  });
  return { code, out, err };
}
