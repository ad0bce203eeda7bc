/**
 * Sends requests to two paths of one process in short turns of a fixed number, and reads the process' CPU time in between, when no request is under
 * way. Argument: an Alternation as JSON. Prints pairs of Turns as JSON.
 */
import { cpuTimeNs } from '../cpu-time.ts';
import type { Alternation, Turn } from './alternation.ts';
import { Connection, type ConnectionEvents, requestBody, requestHead } from './connection.ts';
import { Latencies } from './latencies.ts';

/** So many take some 100 ms: short against what else the machine does, long against what a turn costs by itself. */
const REQUESTS_OF_A_TURN = 3000;

/** What the turns of one path took. */
class Side {
  readonly head: string;
  readonly latencies = new Latencies();
  cpuNs = 0;
  ms = 0;

  constructor(path: string) {
    this.head = requestHead(load, url, path);
  }

  /** Ends a turn of the result. */
  take(): Turn {
    const { latencies, cpuNs, ms } = this;
    const turn = {
      requests: latencies.count,
      cpuUs: cpuNs / 1000,
      seconds: ms / 1000,
      p50Us: latencies.percentileUs(0.5),
      p99Us: latencies.percentileUs(0.99),
    };
    latencies.clear();
    this.cpuNs = 0;
    this.ms = 0;
    return turn;
  }
}

const { load, otherPath, pid }: Alternation = JSON.parse(process.argv[2] ?? '{}');
const url = new URL(load.url);
const one = new Side(url.pathname);
const other = new Side(otherPath);
let connections: readonly Connection[] = [];
let open = 0;
let side = one;
let unsent = 0;
let unanswered = 0;
let over: () => void = () => undefined;

const events: ConnectionEvents = {
  open() {
    open += 1;
    if (open === load.connections) over();
  },
  answer(connection, us) {
    side.latencies.add(us);
    send(connection);
    unanswered -= 1;
    if (unanswered === 0) over();
  },
  fail: (kind) => giveUp(`a request failed: ${kind}`),
  close: () => giveUp('a connection was closed'),
};

function send(connection: Connection): void {
  if (unsent === 0) return;
  unsent -= 1;
  connection.send(side.head);
}

function giveUp(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

async function run(of: Side): Promise<void> {
  side = of;
  unsent = REQUESTS_OF_A_TURN;
  unanswered = REQUESTS_OF_A_TURN;
  const { promise, resolve } = Promise.withResolvers<void>();
  over = resolve;
  const cpuNs = cpuTimeNs(pid);
  const begun = performance.now();
  for (const connection of connections) send(connection);
  await promise;
  of.ms += performance.now() - begun;
  of.cpuNs += cpuTimeNs(pid) - cpuNs;
}

async function connect(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  over = resolve;
  const body = requestBody(load);
  connections = Array.from({ length: load.connections }, () => new Connection(url, body, events));
  await promise;
}

await connect();
const turns: (readonly [Turn, Turn])[] = [];
const end = performance.now() + load.seconds * 1000;
while (performance.now() < end) {
  // So what the machine grows slower by meanwhile falls on both alike.
  for (const next of [one, other, other, one]) await run(next);
  turns.push([one.take(), other.take()]);
}
process.stdout.write(JSON.stringify(turns), () => process.exit(0));
