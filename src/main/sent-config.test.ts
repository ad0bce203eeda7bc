import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { DataPlaneConfig } from '../server/config.ts';
import type { ToWorker } from './messages.ts';
import { received, toSend } from './sent-config.ts';
import { WorkerLink, type WorkerThread } from './worker-link.ts';
import { answerSupervisor, type Plane } from './worker-loop.ts';

type Routes = DataPlaneConfig['routes'];

function config(routes: Routes, others: Partial<DataPlaneConfig> = {}): DataPlaneConfig {
  return { services: {}, policies: [], ...others, routes } as DataPlaneConfig;
}

const route = (timeout: number): Routes[string] => ({ match: {}, priority: 0, policies: [], timeout });

describe('A configuration that is sent as changes', () => {
  const one = route(1);
  const two = route(2);
  const base = config({ one, two });

  for (const [what, next, changed, names] of [
    ['nothing', { one, two }, [], undefined],
    ['a changed route', { one, two: route(3) }, ['two'], undefined],
    ['a new route', { one, two, three: route(3) }, ['three'], ['one', 'two', 'three']],
    ['a removed route', { two }, [], ['two']],
    ['another order', { two, one }, [], ['two', 'one']],
    ['another name', { one, second: two }, ['second'], ['one', 'second']],
    [
      'a route with a name that every object knows',
      { one, two, toString: one },
      ['toString'],
      ['one', 'two', 'toString'],
    ],
    ['none of the routes', {}, [], []],
  ] as const) {
    it(`holds of the routes what crosses for ${what}`, () => {
      const sent = toSend(config(next), base);
      assert.ok(sent.kind === 'changes');
      assert.deepEqual([Object.keys(sent.changed), sent.names], [changed, names]);
    });
  }

  it('arrives as it was, with the routes that did not cross as they were', () => {
    const names = fc.constantFrom('a', 'b', 'c', 'd', 'toString', 'constructor');
    const routes = fc.uniqueArray(fc.tuple(names, fc.nat(2)), { selector: ([name]) => name });
    fc.assert(
      fc.property(fc.array(routes, { minLength: 1 }), (generations) => {
        /** The same object for a route that is the same, as a load gives it. */
        const made = new Map<string, Routes[string]>();
        let here: DataPlaneConfig | undefined;
        let there: DataPlaneConfig | undefined;
        for (const [at, generation] of generations.entries()) {
          const entries = generation.map(([name, timeout]): [string, Routes[string]] => {
            const key = `${name} ${timeout}`;
            if (!made.has(key)) made.set(key, route(timeout));
            return [name, made.get(key) as Routes[string]];
          });
          const next = config(Object.fromEntries(entries), { policies: [{ name: `${at}`, options: {} }] });
          const arrived = received(structuredClone(toSend(next, here)), there);
          assert.equal(JSON.stringify(arrived), JSON.stringify(next));
          for (const [name, value] of Object.entries(next.routes)) {
            const same =
              here !== undefined && Object.hasOwn(here.routes, name) && here.routes[name] === value;
            assert.equal(same, same && arrived.routes[name] === there?.routes[name]);
          }
          [here, there] = [next, arrived];
        }
      }),
    );
  });
});

describe('A worker and the link to it', () => {
  it('agree on what changes are told from, whatever was prepared and discarded in between', async () => {
    const told: ToWorker[] = [];
    const prepared: DataPlaneConfig[] = [];
    const plane: Plane<DataPlaneConfig> = {
      prepare: async (next) => {
        prepared.push(next);
        return next;
      },
      commit: () => {},
      discard: () => {},
      receive: () => {},
      drain: async () => {},
      stats: () => ({ connections: 0, requestsInFlight: 0 }),
    };
    const events = new EventEmitter();
    const answer = answerSupervisor(plane, (message) => events.emit('message', structuredClone(message)));
    const thread: WorkerThread = Object.assign(events, {
      postMessage: (message: ToWorker) => {
        told.push(message);
        answer(structuredClone(message));
      },
      terminate: async () => 0,
    });
    const link = new WorkerLink(thread, () => {});
    const [a, b, c] = [route(1), route(2), route(3)];
    const steps: readonly [generation: number, routes: Routes, end: 'commit' | 'discard' | 'later'][] = [
      [1, { a }, 'discard'],
      [2, { a, b }, 'commit'],
      [3, { c }, 'discard'],
      [4, { b, a }, 'later'],
      [5, { a, b, c }, 'commit'],
      [6, { c, a }, 'commit'],
    ];
    for (const [generation, routes, end] of steps) {
      assert.deepEqual(await link.prepare(generation, config(routes), 1000), { ok: true });
      assert.equal(JSON.stringify(prepared.at(-1)), JSON.stringify(config(routes)));
      if (end === 'discard') link.discard(generation);
      // A worker that came up late is told to commit the one before when the next has been put to it already.
      if (generation === 5) link.commit(4);
      if (end === 'commit') link.commit(generation);
    }
    const kinds = told.flatMap((message) => (message.kind === 'prepare' ? [message.config.kind] : []));
    assert.deepEqual(kinds, ['whole', 'whole', 'changes', 'changes', 'changes', 'changes']);
  });
});
