import { type Command, EXIT } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { DevLog, forDevelopment } from '../dev-log.ts';
import { Gateway } from '../gateway.ts';
import { runUntilSignal } from '../lifetime.ts';
import { createLog } from '../log.ts';
import { showProblems } from '../presentation.ts';

export const devCommand: Command = {
  name: 'dev',
  summary: 'Run the gateway while you write its configuration',
  details: [
    'One worker, a readable log of every request, a reload on every change. For each request that no route takes it tells the',
    'nearest routes and why they did not match.',
  ].join('\n'),
  arguments: [],
  flags: { config: CONFIG_FLAG },
  examples: ['portcullis dev', 'portcullis dev -c gateway/portcullis.ts'],
  async run(given, io) {
    const found = findConfigFile(given.value('config'), io);
    if (!found.ok) {
      io.err(`portcullis dev: ${found.message}\n`);
      return EXIT.failed;
    }
    const log = createLog(io.err, true, io.errTerminal && io.color);
    let gateway: Gateway | undefined;
    const start = async (stopped: AbortSignal): Promise<Gateway | undefined> => {
      gateway = await Gateway.start({
        file: found.file,
        env: io.env,
        workers: 1,
        log,
        show: showProblems({ ...io, errTerminal: true, color: io.errTerminal && io.color }, log.main),
        accessLog: new DevLog({
          write: io.out,
          color: io.terminal && io.color,
          config: () => gateway?.config,
        }),
        waitForRepair: stopped,
        color: false,
        adapt: forDevelopment,
      });
      return gateway;
    };
    return runUntilSignal(start, log.main);
  },
};
