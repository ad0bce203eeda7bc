import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, messageOf } from './bench.ts';
import { installPeers } from './install.ts';
import type { LoadGenerator } from './load/load.ts';
import { nodeGenerator } from './load/node.ts';
import { wrk } from './load/wrk.ts';
import { findProgram, Processes, runToEnd } from './processes.ts';
import { startUpstream } from './upstream/start.ts';

export type Numbers = Pick<Bench, 'seconds' | 'rounds' | 'warmUpSeconds' | 'connections'>;

export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Installs what is missing, takes the load core for the bench itself and starts the upstream. Whatever is missing is said. */
export async function prepare(processes: Processes, directory: string, numbers: Numbers): Promise<Bench> {
  const trouble = await installPeers(say);
  if (trouble !== undefined) say(trouble);
  // The bench's own timers and requests must not run on the proxy's core.
  if (processes.pinned) await runToEnd(['taskset', '-a', '-p', '-c', '1', `${process.pid}`], 5000);
  const generator = await chooseGenerator(processes);
  const upstream = await startUpstream(processes, directory);
  return {
    ...numbers,
    processes,
    directory,
    upstream,
    generator,
    tls: await makeCertificate(directory),
    say,
  };
}

async function chooseGenerator(processes: Processes): Promise<LoadGenerator> {
  const program = await findProgram('wrk');
  if (program !== undefined) return wrk(program, processes);
  say('wrk is not installed: the slower generator of bench/load is used');
  return nodeGenerator(processes);
}

async function makeCertificate(directory: string): Promise<Bench['tls']> {
  const made = await runToEnd(
    [process.execPath, join(import.meta.dirname, 'certificate.js'), directory],
    20_000,
  );
  if (made.code === 0) return { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  say(`no certificate could be made, so TLS is not measured: ${made.errors.trim().split('\n').at(-1)}`);
  return undefined;
}

/** Does the work with a temporary directory and child processes, all of which are gone afterwards, also on Ctrl-C. Exit code. */
export async function withProcesses(
  work: (processes: Processes, directory: string) => Promise<void>,
): Promise<number> {
  if (process.platform !== 'linux') {
    say('The benchmark reads CPU time and memory from /proc, so it runs on Linux only.');
    return 1;
  }
  const processes = new Processes((await findProgram('taskset')) !== undefined);
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-bench-'));
  const interrupted = new Promise<number>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve(130));
  });
  try {
    return await Promise.race([work(processes, directory).then(() => 0), interrupted]);
  } catch (error) {
    say(messageOf(error));
    return 1;
  } finally {
    await processes.stopAll();
    rmSync(directory, { recursive: true, force: true });
  }
}
