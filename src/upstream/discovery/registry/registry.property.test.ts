import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FakeTimers } from '../../../lib/fake-timers.support.ts';
import { MemoryStorage } from './memory-storage.support.ts';
import { Registry } from './registry.ts';

/** What a registry is to do, in its simplest form: no bounds, no file, no sweep. */
class Model {
  nowMs = 0;
  readonly targets = new Map<string, { weight: number; ttlMs: number; state: string; expiresAtMs: number }>();

  register(key: string, weight: number, ttlMs: number): void {
    const state = this.targets.get(key)?.state ?? 'active';
    this.targets.set(key, { weight, ttlMs, state, expiresAtMs: this.nowMs + ttlMs });
  }

  heartbeat(key: string): boolean {
    const target = this.targets.get(key);
    if (target !== undefined) target.expiresAtMs = this.nowMs + target.ttlMs;
    return target !== undefined;
  }

  setState(key: string, state: string): boolean {
    const target = this.targets.get(key);
    if (target !== undefined) target.state = state;
    return target !== undefined;
  }

  advance(ms: number): void {
    this.nowMs += ms;
    for (const [key, { expiresAtMs }] of this.targets)
      if (expiresAtMs <= this.nowMs) this.targets.delete(key);
  }

  restart(): void {
    for (const target of this.targets.values()) target.expiresAtMs = this.nowMs + target.ttlMs;
  }

  list(): unknown[] {
    return [...this.targets]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { weight, ttlMs, state, expiresAtMs }]) => {
        const [service = '', url = ''] = key.split(' ');
        return { service, url, weight, ttlMs, state, expiresInMs: expiresAtMs - this.nowMs };
      });
  }
}

const key = fc.record({
  service: fc.constantFrom('a', 'b'),
  url: fc.constantFrom('http://x', 'http://y', 'http://z'),
});
const operation = fc.oneof(
  fc.record({
    kind: fc.constant('register' as const),
    key,
    weight: fc.nat(3),
    seconds: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('heartbeat' as const), key }),
  fc.record({ kind: fc.constant('deregister' as const), key }),
  fc.record({
    kind: fc.constant('setState' as const),
    key,
    state: fc.constantFrom('active' as const, 'inactive' as const),
  }),
  fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(4000) }),
  fc.record({ kind: fc.constant('restart' as const) }),
);

test('after any operations, moves of the clock and restarts, a registry lists what its model lists', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
      const timers = new FakeTimers();
      const storage = new MemoryStorage();
      const open = () =>
        new Registry(storage.kept, { timers, storage, saveFailed: (cause) => assert.fail(cause) });
      const model = new Model();
      let registry = open();
      for (const one of operations) {
        const name = 'key' in one ? `${one.key.service} ${one.key.url}` : '';
        switch (one.kind) {
          case 'register': {
            const { ok } = await registry.register({
              ...one.key,
              weight: one.weight,
              ttl: `${one.seconds}s`,
            });
            assert.ok(ok);
            model.register(name, one.weight, one.seconds * 1000);
            break;
          }
          case 'heartbeat':
            assert.equal(registry.heartbeat(one.key).ok, model.heartbeat(name));
            break;
          case 'deregister':
            assert.equal((await registry.deregister(one.key)).ok, model.targets.delete(name));
            break;
          case 'setState':
            assert.equal(
              (await registry.setState({ ...one.key, state: one.state })).ok,
              model.setState(name, one.state),
            );
            break;
          case 'advance':
            timers.advance(one.ms);
            model.advance(one.ms);
            break;
          case 'restart':
            await registry.close();
            registry = open();
            model.restart();
            break;
        }
        assert.deepEqual(registry.list(), model.list());
      }
      await registry.close();
      assert.deepEqual(timers.waiting, []);
    }),
    { numRuns: 300 },
  );
});
