import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, median, messageOf, startPeer } from './bench.ts';
import { PEERS } from './peers/all.ts';
import type { SpecialScenario } from './scenarios.ts';

export interface ReloadOutcome {
  readonly peer: string;
  readonly routes: number;
  readonly requests: number;
  readonly failedRequests: number;
  readonly webSockets: number;
  readonly droppedWebSockets: number;
  /** From the new file being written to the first answer that shows it, for each reload. */
  readonly reloadMs: readonly number[];
  readonly p99Us: number;
  readonly note: string;
}

const WEB_SOCKETS = 8;
const RELOAD_LIMIT_MS = 20_000;

/** Load over all routes while the configuration is reloaded `reloads` times. */
export async function measureReload(
  bench: Bench,
  scenario: SpecialScenario,
  routes: number,
  reloads: number,
): Promise<ReloadOutcome[]> {
  const outcomes: ReloadOutcome[] = [];
  for (const peer of scenario.peers) {
    const none = {
      peer,
      routes,
      requests: 0,
      failedRequests: 0,
      webSockets: 0,
      droppedWebSockets: 0,
      reloadMs: [],
      p99Us: 0,
    };
    const missing = await PEERS.get(peer)?.missing();
    if (missing !== undefined) {
      outcomes.push({ ...none, note: missing });
      continue;
    }
    try {
      const outcome = await reloadUnderLoad(bench, peer, routes, reloads);
      bench.say(
        `  ${peer.padEnd(32)} ${median(outcome.reloadMs).toFixed(0)} ms, ${outcome.failedRequests} requests failed, ${outcome.droppedWebSockets} WebSockets dropped`,
      );
      outcomes.push(outcome);
    } catch (error) {
      outcomes.push({ ...none, note: `failed: ${messageOf(error)}` });
    }
  }
  return outcomes;
}

async function reloadUnderLoad(
  bench: Bench,
  peer: string,
  routes: number,
  reloads: number,
): Promise<ReloadOutcome> {
  const { proxy, port } = await startPeer(bench, peer, { routes, form: 'plain' });
  if (!proxy.reload) throw new Error('it cannot be reloaded by the bench');
  const talkers = await Promise.all(
    Array.from({ length: WEB_SOCKETS }, () => Talker.open(`ws://127.0.0.1:${port}/ws`)),
  );
  let over = false;
  // One load for all reloads, as long as they need at most; the load of a generator cannot be ended early.
  const seconds = 2 + reloads * 2;
  const load = bench.generator
    .run({
      url: `http://127.0.0.1:${port}/`,
      connections: bench.connections,
      seconds,
      bodyBytes: 0,
      headers: {},
      routes,
      keepAlive: true,
    })
    .finally(() => (over = true));
  const reloadMs: number[] = [];
  await wait(1000);
  for (let generation = 1; generation <= reloads && !over; generation += 1) {
    const begun = performance.now();
    proxy.reload(generation);
    await serves(port, `${generation}`);
    reloadMs.push(performance.now() - begun);
    await wait(500);
  }
  const result = await load;
  const dropped = talkers.filter((talker) => !talker.alive()).length;
  for (const talker of talkers) talker.close();
  await bench.processes.stop(proxy.running);
  const notes = [
    ...(result.failures === '' ? [] : [result.failures]),
    ...(reloadMs.length < reloads
      ? [`only ${reloadMs.length} of ${reloads} reloads fitted into the load`]
      : []),
  ];
  return {
    peer,
    routes,
    requests: result.requests,
    failedRequests: result.failed,
    webSockets: WEB_SOCKETS,
    droppedWebSockets: dropped,
    reloadMs,
    p99Us: result.p99Us,
    note: notes.join('; '),
  };
}

/** Asks on new connections until the answer is the new one: an old process may still serve its old connections. */
async function serves(port: number, generation: string): Promise<void> {
  const deadline = performance.now() + RELOAD_LIMIT_MS;
  while (performance.now() < deadline) {
    if ((await ask(port).catch(() => '')) === generation) return;
    await wait(5);
  }
  throw new Error(`the new configuration was not in force after ${RELOAD_LIMIT_MS} ms`);
}

function ask(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', path: '/generation', agent: false, timeout: 5000 }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (piece: string) => (text += piece));
      answer.on('end', () => resolve(text)).on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

/** A WebSocket that says something every 20 ms and expects it back. */
class Talker {
  readonly #socket: WebSocket;
  readonly #timer: NodeJS.Timeout;
  #closed = false;
  #sent = 0;
  #echoed = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('close', () => (this.#closed = true));
    socket.addEventListener('error', () => (this.#closed = true));
    socket.addEventListener('message', () => (this.#echoed += 1));
    this.#timer = setInterval(() => {
      if (this.#closed) return;
      this.#sent += 1;
      socket.send(`message ${this.#sent}`);
    }, 20);
  }

  static async open(url: string): Promise<Talker> {
    const socket = new WebSocket(url);
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('open', () => resolve(), { once: true });
      socket.addEventListener('error', () => reject(new Error('no WebSocket could be opened')), {
        once: true,
      });
    });
    return new Talker(socket);
  }

  /** Open still, and answered but for what is on its way: 50 messages are one second. */
  alive(): boolean {
    return !this.#closed && this.#echoed > 0 && this.#sent - this.#echoed < 50;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }
}
