import assert from 'node:assert/strict';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { runIn } from '../../src/main/commands/run.support.ts';
import { send } from './send.ts';

/** Where a gateway process is asked. */
export interface LiveNode {
  readonly url: string;
  readonly admin: string;
}

/** Of what an API goes through, how long after it was asked for requests show it. */
export interface Took {
  readonly deed: string;
  /** On the node that was asked. */
  readonly here: number[];
  /** From then on, until all others show it, too. */
  readonly there: number[];
}

/** How changes are made; each resolves once it is acknowledged, and rejects where it is refused. */
export interface Way {
  /** Asks for something and changes nothing: what this machine takes for that just now. */
  readonly nothing: () => Promise<void>;
  readonly deeds: readonly {
    readonly name: string;
    readonly act: () => Promise<void>;
    /** What every request is answered from then on. */
    readonly shows: string;
  }[];
}

/** So many connections reach every worker of a node. */
const CONNECTIONS = 8;
/** Between two requests of the traffic: the nodes are to have time for the rest. */
const PACE_MS = 5;
const PATIENCE_MS = 10_000;

/** A life of the API `live` at /live, which answers with the name of its service, `a` or `b`: by requests to the admin API. */
export function byAdminApi(admin: string): Way {
  const call = async (method: string, path: string, body?: object): Promise<void> => {
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await fetch(new URL(path, admin), {
      method,
      ...(body === undefined ? {} : { headers: { 'content-type': type }, body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
  };
  const path = '/v1/apis/live';
  const api = { paths: ['/live'], service: 'a', authentication: 'public' };
  return {
    nothing: () => call('GET', '/v1/apis'),
    deeds: lifeOf([
      () => call('PUT', path, api),
      () => call('PATCH', path, { service: 'b' }),
      () => call('PATCH', path, { enabled: false }),
      () => call('DELETE', path),
    ]),
  };
}

/** The same from the command line. */
export function byCommandLine(admin: string, directory: string): Way {
  const run = async (line: string): Promise<void> => {
    const { code, err } = await runIn(directory, line.split(' '), { env: { PORTCULLIS_ADMIN: admin } });
    assert.equal(code, 0, `${line}\n${err}`);
  };
  return {
    nothing: () => run('get apis'),
    deeds: lifeOf([
      () => run('create api live a --path /live --auth public'),
      () => run('edit api live --service b'),
      () => run('edit api live --disable'),
      () => run('delete api live'),
    ]),
  };
}

const NOT_THERE = '404 route_not_found';
const LIFE = [
  ['create', '200 a'],
  ['update', '200 b'],
  ['disable', '404 route_disabled'],
  ['delete', NOT_THERE],
] as const;

function lifeOf(acts: readonly (() => Promise<void>)[]): Way['deeds'] {
  return LIFE.map(([name, shows], at) => ({ name, shows, act: acts[at] as () => Promise<void> }));
}

/** Lives that API `rounds` times, by turns with doing nothing. `fixed` is what the latter took. */
export async function liveThrough(
  { nothing, deeds }: Way,
  one: LiveNode,
  others: readonly LiveNode[],
  rounds: number,
): Promise<{ readonly took: readonly Took[]; readonly fixed: readonly number[] }> {
  const took = deeds.map(({ name }): Took => ({ deed: name, here: [], there: [] }));
  const fixed: number[] = [];
  for (let round = 0; round < rounds; round++) {
    fixed.push(
      await msOf(async () => {
        await nothing();
        await answersOf(one, '/live');
      }),
    );
    for (const [at, { act, shows }] of deeds.entries()) {
      const { here, there } = took[at] as Took;
      here.push(
        await msOf(async () => {
          await act();
          await untilShown(one, '/live', shows);
        }),
      );
      there.push(await msOf(() => Promise.all(others.map((node) => untilShown(node, '/live', shows)))));
    }
  }
  return { took, fixed };
}

/** What the API is answered with at any moment of its life: anything else is a request that failed. */
export function isOfLife(answer: string): boolean {
  return LIFE.some(([, shows]) => shows === answer);
}

async function untilShown(node: LiveNode, path: string, shows: string): Promise<void> {
  const started = performance.now();
  for (;;) {
    const answers = await answersOf(node, path);
    if (answers === shows) return;
    assert.ok(performance.now() - started < PATIENCE_MS, `${path} is answered ${answers}, and not ${shows}`);
  }
}

/** Asked on several new connections, so that every worker answers; each answer once. */
export async function answersOf(node: LiveNode, path: string): Promise<string> {
  const all = await Promise.all(Array.from({ length: CONNECTIONS }, () => answerOf(node, path)));
  return [...new Set(all)].join(', ');
}

/** `200 a`, or of an answer of the gateway's own its code: `404 route_not_found`. */
async function answerOf(node: LiveNode, path: string): Promise<string> {
  const { status, body } = await send(node.url + path);
  if (status === 200) return `200 ${body}`;
  return `${status} ${String((JSON.parse(body) as { code?: string }).code)}`;
}

/** Asks every node all the while, a little apart; those answers that are not as they may be are kept. */
export class LiveTraffic {
  asked = 0;
  readonly failed: string[] = [];
  #isOver = false;
  readonly #done: Promise<unknown>;

  constructor(nodes: readonly LiveNode[], path: string, isRight: (answer: string) => boolean) {
    this.#done = Promise.all(nodes.map((node) => this.#run(node, path, isRight)));
  }

  async #run(node: LiveNode, path: string, isRight: (answer: string) => boolean): Promise<void> {
    while (!this.#isOver) {
      const answer = await answerOf(node, path).catch(String);
      this.asked++;
      if (!isRight(answer)) this.failed.push(answer);
      await setTimeout(PACE_MS);
    }
  }

  /** Resolves once nothing is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#done;
  }
}

async function msOf(act: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await act();
  return Math.round(performance.now() - started);
}

export function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/**
 * How long something may take that is held to so many milliseconds on a machine that has time for it: on one with more to do than it has cores,
 * longer by as much, since each has its share alone; and what was measured of doing nothing comes on top.
 */
export function allowedMs(ms: number, fixed: readonly number[]): number {
  const busy = Math.max(1, (loadavg()[0] ?? 0) / availableParallelism());
  return ms * busy + median(fixed);
}

export function textOfTook({ took, fixed }: Awaited<ReturnType<typeof liveThrough>>): string {
  const deeds = took.map(
    ({ deed, here, there }) => `${deed} ${median(here)} here, ${median(there)} more there`,
  );
  return `median ms: ${[...deeds, `${median(fixed)} of nothing`].join('; ')}`;
}
