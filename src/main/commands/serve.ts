import { ConfiguredLogOutput } from '../access-log-output.ts';
import { type Command, EXIT, type Flag, type Given, type Io } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { Gateway } from '../gateway.ts';
import { runUntilSignal } from '../lifetime.ts';
import { createLog } from '../log.ts';
import { decideFormat, showProblems } from '../presentation.ts';

const WORKERS_FLAG: Flag = {
  value: 'n',
  description: 'Worker threads, instead of runtime.workers; 0 is one per core',
};
const MAX_WORKERS = 64;

export const serveCommand: Command = {
  name: 'serve',
  summary: 'Run the gateway',
  details: [
    'Reloads when a file of the configuration changes, on SIGHUP, and on POST /reload of the admin port.',
    'SIGTERM and SIGINT let requests finish first; a second one ends at once. SIGUSR2 opens log files anew.',
  ].join('\n'),
  arguments: [],
  flags: { config: CONFIG_FLAG, workers: WORKERS_FLAG },
  examples: ['portcullis serve', 'portcullis serve -c /etc/portcullis/portcullis.yaml --workers 4'],
  async run(given, io) {
    const workers = workersOf(given);
    if (typeof workers === 'string') {
      io.err(`portcullis serve: ${workers}\n`);
      return EXIT.usage;
    }
    return serve(given, io, workers);
  },
};

async function serve(given: Given, io: Io, workers: number | undefined): Promise<number> {
  const found = findConfigFile(given.value('config'), io);
  if (!found.ok) {
    io.err(`portcullis serve: ${found.message}\n`);
    return EXIT.failed;
  }
  const log = createLog(io.err, io.errTerminal, io.color);
  const start = (): Promise<Gateway | undefined> =>
    Gateway.start({
      file: found.file,
      env: io.env,
      workers,
      log,
      show: showProblems(io, log.main),
      accessLog: new ConfiguredLogOutput(log.main),
      waitForRepair: undefined,
      color: io.terminal && io.color,
      adapt: (config) => decideFormat(config, io),
    });
  return runUntilSignal(start, log.main);
}

function workersOf(given: Given): number | string | undefined {
  const text = given.value('workers');
  if (text === undefined) return undefined;
  const workers = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return workers <= MAX_WORKERS
    ? workers
    : `--workers takes a number from 0 to ${MAX_WORKERS}, not ${JSON.stringify(text)}`;
}
