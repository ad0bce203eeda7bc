import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Processes } from '../processes.ts';
import { listening } from './listening.ts';
import type { Peer, ProxySetup } from './peer.ts';

/** A proxy of the Node world: a script in this folder that is given its port, the upstream's, and certificate and key where it
 * is to speak TLS. Without access log or metrics. */
export function nodePeer(name: string, script: string, library: string | undefined): Peer {
  const manifest =
    library === undefined
      ? undefined
      : join(import.meta.dirname, '..', 'node_modules', library, 'package.json');
  return {
    name,
    async missing() {
      if (manifest === undefined) return undefined;
      try {
        readFileSync(manifest);
        return undefined;
      } catch {
        return `${library} is not installed in bench/`;
      }
    },
    async version() {
      if (manifest === undefined) return process.version;
      const { version }: { version?: string } = JSON.parse(readFileSync(manifest, 'utf8'));
      return `${version ?? '?'} on ${process.version}`;
    },
    async start(processes: Processes, setup: ProxySetup) {
      const command = [
        process.execPath,
        join(import.meta.dirname, script),
        `${setup.port}`,
        `${setup.targetPort}`,
        ...(setup.tls === undefined ? [] : [setup.tls.cert, setup.tls.key]),
      ];
      const running = processes.start(name, command, {
        core: 'proxy',
        log: join(setup.directory, `${name}.log`),
        env: { NODE_ENV: 'production' },
      });
      await listening(running, setup.port);
      return { running };
    },
  };
}
