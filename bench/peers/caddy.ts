import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram, type Processes, runToEnd } from '../processes.ts';
import { listening } from './listening.ts';
import type { Peer, ProxySetup } from './peer.ts';

/** Caddy with one thread of Go code and its JSON access log on. */
export const caddy: Peer = {
  name: 'caddy',
  missing: async () => ((await findProgram('caddy')) === undefined ? 'caddy is not installed' : undefined),
  version: async () =>
    (await runToEnd([(await findProgram('caddy')) ?? 'caddy', 'version'], 5000)).output
      .trim()
      .split(' ')[0] ?? '?',
  async start(processes: Processes, setup: ProxySetup) {
    const file = join(setup.directory, 'Caddyfile');
    const scheme = setup.tls ? 'https' : 'http';
    writeFileSync(
      file,
      `{
  admin off
  auto_https off
}
${scheme}://127.0.0.1:${setup.port} {
  bind 127.0.0.1
  ${setup.tls ? `tls ${setup.tls.cert} ${setup.tls.key} {\n    protocols tls1.3\n  }` : ''}
  log {
    output file ${join(setup.directory, 'access.log')} {
      roll_disabled
    }
  }
  reverse_proxy 127.0.0.1:${setup.targetPort} {
    transport http {
      keepalive_idle_conns_per_host 128
    }
  }
}
`,
    );
    const program = (await findProgram('caddy')) ?? 'caddy';
    const running = processes.start('caddy', [program, 'run', '--config', file, '--adapter', 'caddyfile'], {
      core: 'proxy',
      log: join(setup.directory, 'caddy.log'),
      env: {
        GOMAXPROCS: '1',
        HOME: setup.directory,
        XDG_DATA_HOME: setup.directory,
        XDG_CONFIG_HOME: setup.directory,
      },
    });
    await listening(running, setup.port);
    return { running };
  },
};
