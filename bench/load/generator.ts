/**
 * The load generator for machines without wrk: bare sockets and the same requests. It uses more CPU than wrk, so the proxy gets fewer
 * requests per second; CPU per request stays comparable between peers. Argument: a Load as JSON. Prints a LoadResult as JSON.
 */
import { Connection, type ConnectionEvents, requestBody, requestHead } from './connection.ts';
import { Latencies } from './latencies.ts';
import type { Load, LoadResult } from './load.ts';

const load: Load = JSON.parse(process.argv[2] ?? '{}');
const url = new URL(load.url);
const body = requestBody(load);
const latencies = new Latencies();
const failures = new Map<string, number>();
const requests =
  load.routes === 0
    ? [requestHead(load, url, url.pathname)]
    : Array.from({ length: load.routes }, (_, i) =>
        requestHead(load, url, `/svc-${(i * 7919) % load.routes}/items/42`),
      );
const connections = new Set<Connection>();
let next = 0;
let stopped = false;

function send(connection: Connection): void {
  next = (next + 1) % requests.length;
  connection.send(requests[next] ?? '');
}

function open(): void {
  if (!stopped) connections.add(new Connection(url, body, events));
}

const events: ConnectionEvents = {
  open: send,
  answer(connection, us) {
    if (stopped) return;
    latencies.add(us);
    if (load.keepAlive) send(connection);
    else connection.destroy();
  },
  fail(kind) {
    if (!stopped) failures.set(kind, (failures.get(kind) ?? 0) + 1);
  },
  close(connection, within) {
    connections.delete(connection);
    if (load.keepAlive && within) events.fail('closed within an answer');
    if (!stopped) setImmediate(open);
  },
};

const begun = performance.now();
for (let i = 0; i < load.connections; i += 1) open();
setTimeout(() => {
  stopped = true;
  const result: LoadResult = {
    requests: latencies.count,
    seconds: (performance.now() - begun) / 1000,
    p50Us: latencies.percentileUs(0.5),
    p99Us: latencies.percentileUs(0.99),
    failed: [...failures.values()].reduce((sum, count) => sum + count, 0),
    failures: [...failures].map(([kind, count]) => `${kind} ${count}`).join(', '),
  };
  process.stdout.write(`${JSON.stringify(result)}\n`);
  for (const connection of connections) connection.destroy();
}, load.seconds * 1000);
