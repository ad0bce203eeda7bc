import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LoadGenerator } from './load/load.ts';
import { PEERS } from './peers/all.ts';
import type { ProxySetup, StartedProxy } from './peers/peer.ts';
import { freePort } from './ports.ts';
import type { Processes } from './processes.ts';
import type { Upstream } from './upstream/start.ts';

/** What every scenario needs; made once per run. */
export interface Bench {
  readonly processes: Processes;
  /** Removed at the end. */
  readonly directory: string;
  readonly upstream: Upstream;
  readonly generator: LoadGenerator;
  /** PEM files; undefined when they could not be made. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Measured time of a contender in a scenario, all rounds together. */
  readonly seconds: number;
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly connections: number;
  say(text: string): void;
}

export type StartWish = Pick<ProxySetup, 'routes' | 'form'> & {
  readonly tls?: boolean;
  readonly upload?: boolean;
  readonly nodeOptions?: string;
  readonly workers?: number;
};

/** Starts a peer in a folder of its own. Rejects with the end of its log when it does not listen. */
export async function startPeer(
  bench: Bench,
  name: string,
  wish: StartWish,
): Promise<{ proxy: StartedProxy; port: number; adminPort: number }> {
  const peer = PEERS.get(name);
  if (peer === undefined) throw new Error(`no such peer: ${name}`);
  const port = await freePort();
  const adminPort = await freePort();
  const directory = join(bench.directory, `${name}-${port}`);
  mkdirSync(directory);
  const proxy = await peer.start(bench.processes, {
    directory,
    port,
    adminPort,
    targetPort: wish.upload ? bench.upstream.sinkPort : bench.upstream.port,
    webSocketPort: bench.upstream.sinkPort,
    tls: wish.tls ? bench.tls : undefined,
    routes: wish.routes,
    form: wish.form,
    generation: 0,
    workers: wish.workers ?? 1,
    ...(wish.nodeOptions === undefined ? {} : { nodeOptions: wish.nodeOptions }),
  });
  return { proxy, port, adminPort };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
