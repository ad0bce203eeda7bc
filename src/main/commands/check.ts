import { formatErrors } from '../../control/config/format.ts';
import { loadConfig } from '../../control/config/load.ts';
import { type Command, EXIT } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';

export const checkCommand: Command = {
  name: 'check',
  summary: 'Check a configuration and say everything that is wrong with it',
  details: [
    'Prints every error and warning with file, line and column. A warning is what works but cannot be meant,',
    'such as a route that can never match. Exit code 0: it can be served; 1: it can not.',
  ].join('\n'),
  arguments: [
    { name: 'file', description: 'Configuration; default: portcullis.yaml, .yml, .json or .ts here' },
  ],
  flags: {
    config: CONFIG_FLAG,
    json: { description: 'Print one JSON object: ok, errors, warnings' },
    strict: { description: 'Fail on warnings too' },
  },
  examples: ['portcullis check', 'portcullis check --strict deploy/portcullis.yaml'],
  async run(given, io) {
    const [argument] = given.args;
    if (argument !== undefined && given.has('config')) {
      io.err('portcullis check: the file is given twice: as the argument and with --config\n');
      return EXIT.usage;
    }
    const found = findConfigFile(argument ?? given.value('config'), io);
    if (!found.ok) {
      io.err(`portcullis check: ${found.message}\n`);
      return EXIT.failed;
    }
    const loaded = await loadConfig(found.file, { env: io.env });
    const warnings = loaded.warnings;
    const errors = loaded.ok ? [] : loaded.errors;
    const ok = loaded.ok && !(given.has('strict') && warnings.length > 0);
    if (given.has('json')) io.out(`${JSON.stringify({ ok, file: found.file, errors, warnings }, null, 2)}\n`);
    else {
      const problems = [...errors, ...warnings];
      if (problems.length > 0)
        io.out(`${formatErrors(problems, { color: io.terminal && io.color, cwd: io.cwd })}\n`);
      io.out(`${verdict(ok, errors.length, warnings.length)}\n`);
    }
    return ok ? EXIT.ok : EXIT.failed;
  },
};

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
