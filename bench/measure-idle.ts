import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, messageOf, startPeer } from './bench.ts';
import { PEERS } from './peers/all.ts';
import { residentBytes, until } from './processes.ts';
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

async function holdConnections(bench: Bench, peer: string, wanted: number): Promise<IdleOutcome> {
  const { proxy, port } = await startPeer(bench, peer, { routes: 0, policies: false });
  // Warm first: compiled code, heap and pools that a first load brings must not count as the connections' memory.
  await bench.generator.run({
    url: `http://127.0.0.1:${port}/api/items/42`,
    connections: bench.connections,
    seconds: Math.max(2, bench.warmUpSeconds),
    bodyBytes: 0,
    routes: 0,
    keepAlive: true,
  });
  const before = await settled(proxy.running.pid);
  const log = join(bench.directory, `connections-${port}.log`);
  const clients = bench.processes.start(
    'idle connections',
    [process.execPath, join(import.meta.dirname, 'load', 'connections.ts'), `${port}`, `${wanted}`],
    { core: 'load', log },
  );
  const [open, failed] = await until(clients, 'connected', 120_000, async () => {
    const ready = /^READY (\d+) (\d+)$/m.exec(readFileSync(log, 'utf8'));
    return ready ? [Number(ready[1]), Number(ready[2])] : undefined;
  });
  const after = await settled(proxy.running.pid);
  const lost = Number(/LOST (\d+)\n$/.exec(readFileSync(log, 'utf8'))?.[1] ?? 0);
  await bench.processes.stop(clients);
  await bench.processes.stop(proxy.running);
  const connections = (open ?? 0) - lost;
  return {
    peer,
    connections,
    lost,
    residentBeforeBytes: before,
    residentAfterBytes: after,
    bytesPerConnection: connections > 0 ? (after - before) / connections : undefined,
    note:
      (failed ?? 0) > 0 || lost > 0
        ? `${failed} connections had no answer, ${lost} were closed by the proxy`
        : '',
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
