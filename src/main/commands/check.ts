import { formatErrors } from '../../control/config/format.ts';
import { loadConfig } from '../../control/config/load.ts';
import type { ConfigError } from '../../control/config/problem.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { connect, namesGateway, REMOTE_FLAGS, reporting, UsageError } from '../remote/connect.ts';
import { tryFile } from '../remote/file-trial.ts';
import { STORE_FLAG, storedFor } from '../store-flag.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'Check a configuration and say everything that is wrong with it',
  details: [
    'Prints every error and warning with file, line and column. A warning is what works but cannot be meant,',
    'such as a route that can never match. Exit code 0: it can be served; 1: it can not.',
    'A file and a store make one configuration: --store reads the store that the file names, and --context and --admin ask a',
    'running gateway what it would say of the file in place of its own.',
  ].join('\n'),
  arguments: [
    { name: 'file', description: 'Configuration; default: portcullis.yaml, .yml, .json or .ts here' },
  ],
  flags: {
    config: CONFIG_FLAG,
    json: { description: 'Print one JSON object: ok, errors, warnings' },
    strict: { description: 'Fail on warnings too' },
    store: STORE_FLAG,
    ...REMOTE_FLAGS,
  },
  examples: [
    'portcullis check',
    'portcullis check --strict deploy/portcullis.yaml',
    'portcullis check --context production portcullis.yaml',
  ],
  run: (given, io) => reporting('check', io, () => check(given, io)),
};

async function check(given: Given, io: Io): Promise<number> {
  const [argument] = given.args;
  if (argument !== undefined && given.has('config'))
    throw new UsageError('the file is given twice: as the argument and with --config');
  const asksGateway = namesGateway(given);
  if (asksGateway && given.has('store'))
    throw new UsageError('--store reads the store, a running gateway knows it: give one of them');
  const found = findConfigFile(argument ?? given.value('config'), io);
  if (!found.ok) {
    io.err(`portcullis check: ${found.message}\n`);
    return EXIT.failed;
  }
  const { errors, warnings } = asksGateway
    ? await tryFile(await connect(given, io), found.file, io)
    : await checkHere(found.file, given, io);
  const ok = errors.length === 0 && !(given.has('strict') && warnings.length > 0);
  if (given.has('json')) io.out(`${JSON.stringify({ ok, file: found.file, errors, warnings }, null, 2)}\n`);
  else {
    const problems = [...errors, ...warnings];
    if (problems.length > 0)
      io.out(`${formatErrors(problems, { color: io.terminal && io.color, cwd: io.cwd })}\n`);
    io.out(`${verdict(ok, errors.length, warnings.length)}\n`);
  }
  return ok ? EXIT.ok : EXIT.failed;
}

interface Found {
  readonly errors: readonly ConfigError[];
  readonly warnings: readonly ConfigError[];
}

async function checkHere(file: string, given: Given, io: Io): Promise<Found> {
  const loaded = await loadConfig(file, { env: io.env, stored: storedFor(given) });
  return { errors: loaded.ok ? [] : loaded.errors, warnings: loaded.warnings };
}

function verdict(ok: boolean, errors: number, warnings: number): string {
  const counts = [count(errors, 'error'), count(warnings, 'warning')]
    .filter((text) => text !== '')
    .join(', ');
  return counts === '' ? 'ok' : `${ok ? 'ok' : 'not ok'}: ${counts}`;
}

function count(number: number, what: string): string {
  if (number === 0) return '';
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
