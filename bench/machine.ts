import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { PEERS } from './peers/all.ts';
import { runToEnd } from './processes.ts';

/** What the figures were measured on. */
export interface Machine {
  readonly date: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly kernel: string;
  /** Of one minute, before the run: what else the machine was doing. */
  readonly loadBefore: number;
  readonly pinned: boolean;
  readonly generator: string;
  readonly upstream: string;
  readonly commit: string;
  /** By peer; the reason where one is missing. */
  readonly peers: Readonly<Record<string, string>>;
}

/** What must be read before the bench pins itself to one core and puts load on the machine. */
export function machineAtRest(): Pick<Machine, 'cores' | 'loadBefore'> {
  return { cores: availableParallelism(), loadBefore: loadavg()[0] ?? 0 };
}

export async function describeMachine(
  atRest: Pick<Machine, 'cores' | 'loadBefore'>,
  pinned: boolean,
  generator: string,
  upstream: string,
): Promise<Machine> {
  const peers: Record<string, string> = {};
  for (const [name, peer] of PEERS) peers[name] = (await peer.missing()) ?? (await peer.version());
  const commit = await runToEnd(['git', '-C', import.meta.dirname, 'describe', '--always', '--dirty'], 5000);
  return {
    date: new Date().toISOString().slice(0, 16).replace('T', ' '),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    ...atRest,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: /^PRETTY_NAME="?([^"\n]*)/m.exec(readOr('/etc/os-release', ''))?.[1] ?? process.platform,
    kernel: release(),
    pinned,
    generator,
    upstream,
    commit: commit.output.trim() || 'unknown',
    peers,
  };
}

function readOr(path: string, otherwise: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return otherwise;
  }
}
