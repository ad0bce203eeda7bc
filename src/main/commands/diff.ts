import { resolve } from 'node:path';
import { formatErrors } from '../../control/config/format.ts';
import { type LoadedConfig, loadConfig } from '../../control/config/load.ts';
import { type DiffedConfig, diffOutcomes } from '../../control/outcomes/diff.ts';
import { outcomeDiffText } from '../../control/outcomes/text.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';

/** Beside those of every command: an authentication gets weaker; with `--exit-code`, requests change their outcome otherwise. */
export const DIFF_EXIT = { differs: 3, weaker: 4 } as const;

/** Of a command that compares two configurations, wherever it has them from. */
export const DIFF_FLAGS: Command['flags'] = {
  json: { description: 'Print one JSON object' },
  strict: { description: 'Count an authentication that cannot be compared as one that gets weaker' },
  'exit-code': {
    description: 'End with 3 where requests change their outcome and no authentication gets weaker',
  },
};

export const diffCommand: Command = {
  name: 'diff',
  summary: 'Say which requests change their outcome between two configurations',
  details: [
    'Newly public, newly denied, another service or answer, other authentication, other limits: each with an example request.',
    'Nothing is sent to any service. Exit code 4: an authentication gets weaker; 0: none does; 1: a configuration has errors.',
  ].join('\n'),
  arguments: [
    { name: 'before', required: true, description: 'Configuration before the change' },
    { name: 'after', required: true, description: 'Configuration after it' },
  ],
  flags: DIFF_FLAGS,
  examples: [
    'portcullis diff deployed.yaml portcullis.yaml',
    'portcullis diff --strict --json deployed.yaml portcullis.yaml',
  ],
  async run(given, io) {
    const loaded: LoadedConfig[] = [];
    for (const argument of given.args) {
      const result = await loadConfig(resolve(io.cwd, argument), { env: io.env });
      if (result.ok) loaded.push(result.config);
      else
        io.err(
          `portcullis diff: ${argument} has errors\n${formatErrors(result.errors, { color: io.errTerminal && io.color, cwd: io.cwd })}\n`,
        );
    }
    const [before, after] = loaded;
    return before === undefined || after === undefined ? EXIT.failed : printDiff(before, after, given, io);
  },
};

/** Prints what changes between two configurations; resolves with the exit code. The flags are `DIFF_FLAGS`. */
export async function printDiff(
  before: DiffedConfig,
  after: DiffedConfig,
  given: Given,
  io: Io,
): Promise<number> {
  const diff = await diffOutcomes(before, after);
  io.out(given.has('json') ? `${JSON.stringify(diff, null, 2)}\n` : outcomeDiffText(diff));
  if (diff.weaker || (given.has('strict') && diff.incomparable)) return DIFF_EXIT.weaker;
  return given.has('exit-code') && diff.changes.length > 0 ? DIFF_EXIT.differs : EXIT.ok;
}
