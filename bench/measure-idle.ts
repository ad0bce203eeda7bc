import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, messageOf, startPeer } from './bench.ts';
import { PEERS } from './peers/all.ts';
import { type Running, residentBytes, until } from './processes.ts';
import type { SpecialScenario } from './scenarios.ts';

export interface IdleOutcome {
  readonly peer: string;
  readonly connections: number;
  readonly lost: number;
  readonly residentBeforeBytes: number;
  readonly residentAfterBytes: number;
  readonly bytesPerConnection: number | undefined;
  readonly note: string;
}

/** Resident memory before and after, the difference by connection. The kernel's own memory for sockets is in neither. */
export async function measureIdle(
  bench: Bench,
  scenario: SpecialScenario,
  wanted: number,
): Promise<IdleOutcome[]> {
  const outcomes: IdleOutcome[] = [];
  for (const peer of scenario.peers) {
    const none = {
      peer,
      connections: 0,
      lost: 0,
      residentBeforeBytes: 0,
      residentAfterBytes: 0,
      bytesPerConnection: undefined,
    };
    const missing = await PEERS.get(peer)?.missing();
    if (missing !== undefined) {
      outcomes.push({ ...none, note: missing });
      continue;
    }
    try {
      const outcome = await holdConnections(bench, peer, wanted);
      bench.say(
        `  ${peer.padEnd(32)} ${outcome.bytesPerConnection?.toFixed(0)} bytes each, ${outcome.connections} connections`,
      );
      outcomes.push(outcome);
    } catch (error) {
      outcomes.push({ ...none, note: `failed: ${messageOf(error)}` });
    }
  }
  return outcomes;
}

/**
 * Connections that are opened first and stay: they use up the slack of a heap that has just compiled its program, which would
 * otherwise hide what the counted ones cost.
 */
const FIRST_CONNECTIONS = 2000;

async function holdConnections(bench: Bench, peer: string, wanted: number): Promise<IdleOutcome> {
  const { proxy, port } = await startPeer(bench, peer, { routes: 0, form: 'plain' });
  const first = await openConnections(bench, port, FIRST_CONNECTIONS);
  const before = await settled(proxy.running.pid);
  const counted = await openConnections(bench, port, wanted);
  const after = await settled(proxy.running.pid);
  const lost = first.lost() + counted.lost();
  await Promise.all([first, counted].map((clients) => bench.processes.stop(clients.running)));
  await bench.processes.stop(proxy.running);
  const connections = counted.open - lost;
  const failed = first.failed + counted.failed;
  return {
    peer,
    connections,
    lost,
    residentBeforeBytes: before,
    residentAfterBytes: after,
    bytesPerConnection: connections > 0 ? (after - before) / connections : undefined,
    note:
      failed > 0 || lost > 0 ? `${failed} connections had no answer, ${lost} were closed by the proxy` : '',
  };
}

interface Clients {
  readonly running: Running;
  readonly open: number;
  readonly failed: number;
  /** Connections that the proxy closed since. */
  lost(): number;
}

async function openConnections(bench: Bench, port: number, wanted: number): Promise<Clients> {
  const log = join(bench.directory, `connections-${port}-${wanted}.log`);
  const script = join(import.meta.dirname, 'load', 'idle-connections.ts');
  const running = bench.processes.start(
    'idle connections',
    [process.execPath, script, `${port}`, `${wanted}`],
    { core: 'load', log },
  );
  const ready = await until(
    running,
    'connected',
    120_000,
    async () => /^READY (\d+) (\d+)$/m.exec(readFileSync(log, 'utf8')) ?? undefined,
  );
  return {
    running,
    open: Number(ready[1]),
    failed: Number(ready[2]),
    lost: () => Number(/LOST (\d+)\n$/.exec(readFileSync(log, 'utf8'))?.[1] ?? 0),
  };
}

/** Memory once it moved by less than 64 kB in half a second; after 10 s whatever it is. */
async function settled(pid: number): Promise<number> {
  let last = residentBytes(pid);
  for (let i = 0; i < 20; i += 1) {
    await wait(500);
    const now = residentBytes(pid);
    if (Math.abs(now - last) < 65_536 && i >= 3) return now;
    last = now;
  }
  return last;
}
