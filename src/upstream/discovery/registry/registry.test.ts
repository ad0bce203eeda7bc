import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { turns } from '../../../../test/support/changes.ts';
import { FakeTimers } from '../../../lib/fake-timers.support.ts';
import { RecordingObserver } from '../recording-observer.support.ts';
import { MemoryStorage } from './memory-storage.support.ts';
import type { Registration } from './registration.ts';
import { Registry, type RegistryResult } from './registry.ts';
import { RegistrySource } from './source.ts';

function stage(t: TestContext, kept: readonly Registration[] = []) {
  const timers = new FakeTimers();
  const storage = new MemoryStorage();
  const failures: string[] = [];
  const registry = new Registry(kept, { timers, storage, saveFailed: (cause) => failures.push(cause) });
  t.after(() => registry.close());
  return { timers, storage, failures, registry };
}

const A = { service: 'orders', url: 'http://10.0.0.1:80' };

/** Which targets there are, and for how long. */
const shown = (registry: Registry) =>
  registry.list().map(({ service, url, state, expiresInMs }) => `${service} ${url} ${state} ${expiresInMs}`);

const codeOf = (result: RegistryResult) => (result.ok ? 'ok' : result.code);

suite('a target that registers', () => {
  test('is there at once, with every default filled in, and written', async (t) => {
    const { registry, storage } = stage(t);
    const result = await registry.register({ ...A, tags: ['b', 'a', 'b'], zone: 'eu-1' });
    const kept = {
      service: 'orders',
      url: 'http://10.0.0.1',
      weight: 1,
      zone: 'eu-1',
      tags: ['a', 'b'],
      ttlMs: 30_000,
      state: 'active',
    };
    assert.deepEqual(result, { ok: true, target: { ...kept, expiresInMs: 30_000 } });
    assert.deepEqual(registry.list(), [{ ...kept, expiresInMs: 30_000 }]);
    assert.deepEqual(storage.kept, [kept]);
  });

  test('again renews itself, changes what it says anew, and is written only then', async (t) => {
    const { registry, timers, storage } = stage(t);
    await registry.register({ ...A, ttl: '10s' });
    timers.advance(4000);
    await registry.register({ service: 'orders', url: 'http://10.0.0.1/', ttl: '10s' });
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 active 10000']);
    assert.equal(storage.writes, 1);
    await registry.register({ ...A, ttl: '20s', weight: 7 });
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 active 20000']);
    assert.equal(storage.kept[0]?.weight, 7);
  });

  test('again stays inactive when somebody drains it', async (t) => {
    const { registry } = stage(t);
    await registry.register(A);
    await registry.setState({ ...A, state: 'inactive' });
    await registry.register({ ...A, weight: 5 });
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 inactive 30000']);
  });

  const refused: [title: string, input: unknown, message: RegExp][] = [
    ['nothing', undefined, /^Invalid input: expected object/],
    ['an address with a path', { ...A, url: 'http://a/b' }, /^url: is not the address of a service/],
    [
      'an address with user information',
      { ...A, url: 'http://u:p@a' },
      /^url: has a user name or a password in it/,
    ],
    ['an address that is too long', { ...A, url: `http://${'a'.repeat(600)}` }, /^url: is not the address/],
    ['a service that is no name', { ...A, service: '../x' }, /^service: is not the name of a service$/],
    ['a weight below 0', { ...A, weight: -1 }, /^weight: /],
    ['a weight above 1000', { ...A, weight: 1001 }, /^weight: /],
    ['a TTL below a second', { ...A, ttl: '999ms' }, /^ttl: is not from 1s to 24h$/],
    ['a TTL above a day', { ...A, ttl: '25h' }, /^ttl: is not from 1s to 24h$/],
    ['too many tags', { ...A, tags: Array.from({ length: 65 }, (_, i) => `t${i}`) }, /^tags: /],
    ['a tag that is too long', { ...A, tags: ['x'.repeat(129)] }, /^tags\.0: must be 1 to 128/],
    ['a zone with a line end', { ...A, zone: 'a\nb' }, /^zone: must be 1 to 128/],
    ['an unknown key', { ...A, wieght: 1 }, /^Unrecognized key: "wieght"$/],
  ];
  for (const [title, input, message] of refused) {
    test(`is refused with ${title}`, async (t) => {
      const { registry, storage } = stage(t);
      const result = await registry.register(input);
      assert.equal(codeOf(result), 'registration_invalid');
      assert.match(result.ok ? '' : result.message, message);
      assert.deepEqual(registry.list(), []);
      assert.equal(storage.writes, 0);
    });
  }

  test('is refused when there are 10,000, until one of them expires', async (t) => {
    const kept = Array.from({ length: 10_000 }, (_, i) => ({
      service: `s${i % 10}`,
      url: `http://a${i}`,
      weight: 1,
      ttlMs: i === 7 ? 1500 : 60_000,
      state: 'active' as const,
    }));
    const { registry, timers } = stage(t, kept);
    assert.equal(codeOf(await registry.register(A)), 'registry_full');
    assert.equal(
      codeOf(await registry.register({ service: 's1', url: 'http://a1' })),
      'ok',
      'who is there may renew',
    );
    // Between two sweeps: whoever needs the room finds it.
    timers.advance(1500);
    assert.equal(codeOf(await registry.register(A)), 'ok');
    assert.equal(codeOf(await registry.register({ ...A, url: 'http://b' })), 'registry_full');
  });
});

suite('a registered target', () => {
  test('goes when its TTL is over, and is then unknown', async (t) => {
    const { registry, timers, storage } = stage(t);
    await registry.register({ ...A, ttl: '1500ms' });
    timers.advance(1499);
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 active 1']);
    timers.advance(1);
    assert.deepEqual(shown(registry), []);
    assert.equal(codeOf(registry.heartbeat(A)), 'target_unknown');
    timers.advance(500);
    await registry.close();
    assert.deepEqual(storage.kept, []);
  });

  test('stays by its heartbeats, which are not written', async (t) => {
    const { registry, timers, storage } = stage(t);
    await registry.register({ ...A, ttl: '2s' });
    for (let i = 0; i < 10; i++) {
      timers.advance(1500);
      assert.equal(codeOf(registry.heartbeat(A)), 'ok');
    }
    assert.equal(storage.writes, 1);
  });

  test('is inactive and active as it is told, and is not renewed by that', async (t) => {
    const { registry, timers, storage } = stage(t);
    await registry.register({ ...A, ttl: '10s' });
    timers.advance(4000);
    assert.equal(codeOf(await registry.setState({ ...A, state: 'inactive' })), 'ok');
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 inactive 6000']);
    assert.equal(storage.kept[0]?.state, 'inactive');
    assert.equal(codeOf(await registry.setState({ ...A, state: 'inactive' })), 'ok');
    assert.equal(storage.writes, 2);
    await registry.setState({ ...A, state: 'active' });
    assert.deepEqual(shown(registry), ['orders http://10.0.0.1 active 6000']);
  });

  test('that deregisters is gone, and is not there to deregister again', async (t) => {
    const { registry, storage } = stage(t);
    await registry.register(A);
    assert.equal(codeOf(await registry.deregister(A)), 'ok');
    assert.deepEqual(storage.kept, []);
    assert.equal(codeOf(await registry.deregister(A)), 'target_unknown');
    assert.equal(codeOf(await registry.setState({ ...A, state: 'inactive' })), 'target_unknown');
  });

  test('is known by its service and address together', async (t) => {
    const { registry } = stage(t);
    await registry.register(A);
    for (const key of [
      { ...A, service: 'other' },
      { ...A, url: 'http://10.0.0.1:81' },
      { ...A, service: '__proto__' },
    ])
      assert.equal(codeOf(registry.heartbeat(key)), 'target_unknown');
    assert.equal(codeOf(registry.heartbeat({ service: 'orders', url: 'http://10.0.0.1/' })), 'ok');
  });

  test('that an earlier process kept has its whole TTL before it, because nobody heard its heartbeats', (t) => {
    const kept = { service: 'orders', url: 'http://a', weight: 1, ttlMs: 5000, state: 'inactive' as const };
    const { registry } = stage(t, [kept]);
    assert.deepEqual(shown(registry), ['orders http://a inactive 5000']);
  });

  test('that an earlier process kept is not written again before something changes', async (t) => {
    const kept: Registration = { ...A, weight: 1, ttlMs: 30_000, state: 'active' };
    const { registry, timers, storage } = stage(t, [kept]);
    timers.advance(5000);
    await registry.close();
    assert.equal(storage.writes, 0);
  });
});

suite('a call about a target is refused', () => {
  const table: [title: string, input: unknown, message: RegExp][] = [
    ['without anything', null, /^Invalid input: expected object/],
    ['without an address', { service: 'orders', state: 'active' }, /^url: |^Unrecognized key/],
    ['with an address that is none', { service: 'orders', url: 'a' }, /^url: is not the address/],
    ['with an unknown key', { ...A, weight: 1 }, /^Unrecognized key: "weight"|^state: /],
  ];
  for (const [title, input, message] of table) {
    test(title, async (t) => {
      const { registry } = stage(t);
      await registry.register(A);
      const results = [
        registry.heartbeat(input),
        await registry.deregister(input),
        await registry.setState(input),
      ];
      for (const result of results) {
        assert.equal(codeOf(result), 'registration_invalid');
        assert.match(result.ok ? '' : result.message, message);
      }
    });
  }

  test('with a state that there is not', async (t) => {
    const { registry } = stage(t);
    await registry.register(A);
    assert.equal(codeOf(await registry.setState({ ...A, state: 'gone' })), 'registration_invalid');
  });
});

suite('a registry whose storage', () => {
  test('fails says so to who changed it and once to who watches over it, keeps what it has, and tries again', async (t) => {
    const { registry, timers, storage, failures } = stage(t);
    storage.failure = 'ENOSPC';
    assert.equal(codeOf(await registry.register(A)), 'registry_not_saved');
    assert.equal(codeOf(await registry.register(A)), 'registry_not_saved', 'said again: it is not saved yet');
    assert.equal(registry.list().length, 1);
    assert.deepEqual(failures, ['ENOSPC']);
    storage.failure = undefined;
    timers.advance(1000);
    await turns();
    assert.equal(storage.kept.length, 1);
  });

  test('is slow writes all changes of the meantime at once', async (t) => {
    const { registry, storage } = stage(t);
    const gate = Promise.withResolvers<void>();
    storage.gate = gate.promise;
    const all = Array.from({ length: 50 }, async (_, i) => registry.register({ ...A, url: `http://a${i}` }));
    gate.resolve();
    assert.ok((await Promise.all(all)).every(({ ok }) => ok));
    assert.equal(storage.kept.length, 50);
    assert.ok(storage.writes <= 2, `${storage.writes} writes`);
  });
});

suite('a source of the registry', () => {
  function source(t: TestContext, registry: Registry, tags: readonly string[] = []) {
    const observer = new RecordingObserver();
    const made = new RegistrySource({ tags: [...tags] }, 'orders', registry, observer);
    t.after(() => made.close());
    return { observer, made };
  }

  test('tells the targets of its service as they come, change, drain and go', async (t) => {
    const { registry, timers } = stage(t);
    const { observer, made } = source(t, registry);
    made.start();
    assert.deepEqual(await observer.list(), []);
    await registry.register({ ...A, ttl: '10s', zone: 'z', tags: ['x'] });
    await registry.register({ service: 'other', url: 'http://b' });
    timers.advance(50);
    const target = { url: 'http://10.0.0.1', weight: 1, zone: 'z', tags: ['x'] };
    assert.deepEqual(await observer.list(), [target]);
    await registry.setState({ ...A, state: 'inactive' });
    timers.advance(50);
    assert.deepEqual(await observer.list(), [{ ...target, draining: true }]);
    registry.heartbeat(A);
    timers.advance(11_000);
    assert.deepEqual(await observer.list(), []);
    assert.deepEqual(observer.left, []);
  });

  test('tells many changes in a short time as one', async (t) => {
    const { registry, timers } = stage(t);
    const { observer, made } = source(t, registry);
    made.start();
    await observer.list();
    for (let i = 0; i < 20; i++) await registry.register({ ...A, url: `http://a${i}` });
    timers.advance(50);
    assert.equal((await observer.list()).length, 20);
    assert.deepEqual(observer.left, []);
  });

  test('tells only the targets that have all of its tags', async (t) => {
    const { registry } = stage(t);
    await registry.register({ ...A, url: 'http://a', tags: ['x', 'y', 'z'] });
    await registry.register({ ...A, url: 'http://b', tags: ['x'] });
    await registry.register({ ...A, url: 'http://c' });
    const { observer, made } = source(t, registry, ['y', 'x']);
    made.start();
    assert.deepEqual(await observer.urls(), ['http://a']);
  });

  test('that is closed hears nothing more', async (t) => {
    const { registry, timers } = stage(t);
    const { observer, made } = source(t, registry);
    made.start();
    await observer.list();
    made.close();
    await registry.register(A);
    timers.advance(1000);
    assert.deepEqual(observer.left, []);
  });
});

test('a registry that is closed leaves nothing behind', async (t) => {
  const { registry, timers } = stage(t);
  await registry.register(A);
  await registry.close();
  assert.deepEqual(timers.waiting, []);
});
