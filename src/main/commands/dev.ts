import type { DataPlaneConfig } from '../../server/config.ts';
import { type Command, EXIT } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';
import { DevLog, forDevelopment } from '../dev-log.ts';
import { Gateway } from '../gateway.ts';
import { runUntilSignal } from '../lifetime.ts';
import { createLog } from '../log.ts';
import type { Log } from '../messages.ts';
import { showProblems } from '../presentation.ts';

export const devCommand: Command = {
  name: 'dev',
  summary: 'Run the gateway while you write its configuration',
  details: [
    'One worker, a readable log of every request, a reload on every change. For each request that no route takes it tells the',
    'nearest routes and why they did not match.',
    'With --provider it is also every identity provider of the configuration whose issuer is http://localhost:<port>/<name>:',
    'real OpenID Connect, with the users alice and bob, whose passwords are their names.',
  ].join('\n'),
  arguments: [],
  flags: { config: CONFIG_FLAG, provider: { description: 'Run the identity providers on this machine too' } },
  examples: ['portcullis dev', 'portcullis dev -c gateway/portcullis.ts', 'portcullis dev --provider'],
  async run(given, io) {
    const found = findConfigFile(given.value('config'), io);
    if (!found.ok) {
      io.err(`portcullis dev: ${found.message}\n`);
      return EXIT.failed;
    }
    const log = createLog(io.err, true, io.errTerminal && io.color);
    const providers = given.has('provider') ? await startProviders(log.main) : undefined;
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
        adapt: (config) => {
          providers?.apply(config);
          return forDevelopment(config);
        },
      });
      return gateway;
    };
    const code = await runUntilSignal(start, log.main);
    await providers?.stop();
    return code;
  },
};

/** Loaded for those alone who want it: a provider is large. Follows each configuration that is loaded. */
async function startProviders(
  log: Log,
): Promise<{ apply(config: DataPlaneConfig): void; stop(): Promise<void> }> {
  const { ConfiguredProviders } = await import('../dev-provider/for-config.ts');
  const providers = new ConfiguredProviders();
  const told = new Set<string>();
  return {
    apply: (config) => {
      providers.apply(config).then(
        (running) => {
          for (const { name, issuer } of running)
            if (!told.has(issuer))
              log('info', `the provider ${name} runs at ${issuer}: sign in as alice or bob`);
          for (const { issuer } of running) told.add(issuer);
          if (running.length === 0)
            log(
              'warn',
              '--provider: no provider of the configuration has an issuer such as http://localhost:9910/company',
            );
        },
        (error: unknown) => log('error', '--provider: a provider cannot be run', error),
      );
    },
    stop: () => providers.stop(),
  };
}
