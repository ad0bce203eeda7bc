import { request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { type Bench, messageOf, startPeer } from './bench.ts';
import { PEERS } from './peers/all.ts';
import type { SpecialScenario } from './scenarios.ts';

export interface ManagedOutcome {
  readonly peer: string;
  readonly apis: number;
  readonly workers: number;
  /** Of each page that was asked for: of whatever order, search and place in the list. */
  readonly pageMs: readonly number[];
  /** From a change being sent until requests on new connections to every worker show it. */
  readonly changeMs: readonly number[];
  /** To another API, all the while. */
  readonly requests: number;
  readonly failedRequests: number;
  readonly note: string;
}

const WORKERS = 2;
/** Connections of each look: so many new ones reach every worker, but for one look in a thousand. */
const CONNECTIONS = 10;
const LIMIT_MS = 20_000;
/** Between two requests of the traffic beside it. */
const PACE_MS = 10;
/** One that is not changed. */
const STEADY = '/api-7/items';

/** Pages of the admin API and changes by way of it, of a gateway that has many APIs in its store. */
export async function measureManaged(
  bench: Bench,
  scenario: SpecialScenario,
  apis: number,
  rounds: number,
): Promise<ManagedOutcome[]> {
  const outcomes: ManagedOutcome[] = [];
  for (const peer of scenario.peers) {
    const none = { peer, apis, workers: WORKERS, pageMs: [], changeMs: [], requests: 0, failedRequests: 0 };
    const missing = await PEERS.get(peer)?.missing();
    if (missing !== undefined) {
      outcomes.push({ ...none, note: missing });
      continue;
    }
    try {
      const outcome = await manage(bench, peer, apis, rounds);
      bench.say(
        `  ${peer.padEnd(32)} pages ${texts(outcome.pageMs)} ms; changes ${texts(outcome.changeMs)} ms; ${outcome.failedRequests} of ${outcome.requests} requests failed`,
      );
      outcomes.push(outcome);
    } catch (error) {
      outcomes.push({ ...none, note: `failed: ${messageOf(error)}` });
    }
  }
  return outcomes;
}

async function manage(bench: Bench, peer: string, apis: number, rounds: number): Promise<ManagedOutcome> {
  const { proxy, port, adminPort } = await startPeer(bench, peer, {
    routes: 0,
    form: 'plain',
    workers: WORKERS,
  });
  const admin = new Admin(adminPort);
  await admin.send('POST', '/v1/apply', {
    apis: Object.fromEntries(Array.from({ length: apis }, (_, i) => [`api-${i}`, api(`/api-${i}/*`)])),
  });
  await shows(port, STEADY, 200);
  const traffic = new Traffic(port, STEADY);
  const pageMs: number[] = [];
  const changeMs: number[] = [];
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const query of PAGES) pageMs.push(await msOf(() => admin.page(query)));
      const next = await admin.page('limit=100');
      pageMs.push(await msOf(() => admin.page(`limit=100&cursor=${encodeURIComponent(String(next))}`)));
      for (const { method, path, body, at, status } of changesOf(round)) {
        changeMs.push(
          await msOf(async () => {
            await admin.send(method, path, body);
            await shows(port, at, status);
          }),
        );
      }
    }
  } finally {
    await traffic.end();
  }
  await bench.processes.stop(proxy.running);
  const { requests, failed } = traffic;
  return { peer, apis, workers: WORKERS, pageMs, changeMs, requests, failedRequests: failed, note: '' };
}

const PAGES = [
  'limit=100',
  'limit=100&sort=-updated',
  'limit=100&q=api-77',
  'limit=100&service=target&status=ready',
  'limit=100&sort=-name&name=api-1*',
];

function api(path: string, authentication = 'public'): object {
  return { paths: [path], service: 'target', authentication };
}

/** One is made, moved, switched off and deleted. It asks for a key, so that 401 shows it: else the route for everything answers. */
function changesOf(round: number) {
  const path = `/v1/apis/managed-${round}`;
  const [first, second] = [`/managed-${round}/a`, `/managed-${round}/b`];
  return [
    { method: 'PUT', path, body: api(first, 'api-key'), at: first, status: 401 },
    { method: 'PATCH', path, body: { paths: [second] }, at: second, status: 401 },
    { method: 'PATCH', path, body: { enabled: false }, at: second, status: 404 },
    { method: 'DELETE', path, body: undefined, at: second, status: 200 },
  ] as const;
}

/** Asks on new connections until all of them are answered so. */
async function shows(port: number, path: string, status: number): Promise<void> {
  const deadline = performance.now() + LIMIT_MS;
  for (;;) {
    const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => ask(port, path)));
    if (all.every((one) => one === status)) return;
    if (performance.now() > deadline)
      throw new Error(`${path} is answered with ${all.join()}, not with ${status}`);
  }
}

/** The status; 0: there was no answer. */
function ask(port: number, path: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request({ port, host: '127.0.0.1', path, agent: false, timeout: 5000 }, (answer) => {
      answer.resume();
      answer.on('end', () => resolve(answer.statusCode ?? 0)).on('error', () => resolve(0));
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', () => resolve(0)).end();
  });
}

class Admin {
  readonly #origin: string;

  constructor(port: number) {
    this.#origin = `http://127.0.0.1:${port}`;
  }

  async send(method: string, path: string, body: unknown): Promise<void> {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await fetch(this.#origin + path, {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': type }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 300)}`);
  }

  /** The cursor of the page behind it. */
  async page(query: string): Promise<unknown> {
    const answer = await fetch(`${this.#origin}/v1/apis?${query}`);
    if (!answer.ok) throw new Error(`a page of ${query}: ${answer.status} ${await answer.text()}`);
    const { items, next } = (await answer.json()) as { items: unknown[]; next: unknown };
    if (items.length === 0) throw new Error(`a page of ${query} is empty`);
    return next;
  }
}

/** Requests one after another, a little apart, until it ends. */
class Traffic {
  requests = 0;
  failed = 0;
  #isOver = false;
  readonly #done: Promise<void>;

  constructor(port: number, path: string) {
    this.#done = this.#run(port, path);
  }

  async #run(port: number, path: string): Promise<void> {
    while (!this.#isOver) {
      this.requests += 1;
      if ((await ask(port, path)) !== 200) this.failed += 1;
      await wait(PACE_MS);
    }
  }

  end(): Promise<void> {
    this.#isOver = true;
    return this.#done;
  }
}

async function msOf(act: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await act();
  return performance.now() - begun;
}

function texts(all: readonly number[]): string {
  return `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}`;
}
