import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { FakeTimers } from '../lib/fake-timers.support.ts';
import { MemoryStorage } from '../upstream/discovery/registry/memory-storage.support.ts';
import { Registry } from '../upstream/discovery/registry/registry.ts';
import { serviceSchema } from '../upstream/schema.ts';
import { Upstreams } from './upstreams.ts';

suite('the log tells of targets that come', () => {
  const table: [count: number, added: string][] = [
    [1, 'http://h10'],
    [3, 'http://h10, http://h11, http://h12'],
    [
      12,
      'http://h10, http://h11, http://h12, http://h13, http://h14, http://h15, http://h16, http://h17, http://h18, http://h19 and 2 more',
    ],
  ];
  for (const [count, added] of table) {
    test(`${count} at once`, async (t) => {
      const timers = new FakeTimers();
      const registry = new Registry([], { timers, storage: new MemoryStorage(), saveFailed() {} });
      const lines: unknown[][] = [];
      const upstreams = new Upstreams({
        registry,
        directory: '/',
        env: {},
        log: (...line) => lines.push(line),
        publish() {},
        ejected() {},
      });
      t.after(() => upstreams.close());
      const orders = serviceSchema.parse({ discovery: { registry: {} } });
      upstreams.control.commit(await upstreams.control.prepare({ orders }));
      for (let i = 0; i < count; i++)
        await registry.register({ service: 'orders', url: `http://h${10 + i}` });
      timers.advance(1000);
      assert.deepEqual(lines, [
        [
          'info',
          `service orders has ${count} ${count === 1 ? 'target' : 'targets'} now`,
          { added, removed: '' },
        ],
      ]);
    });
  }
});
