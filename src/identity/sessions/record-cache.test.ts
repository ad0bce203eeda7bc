import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MemoryRecords } from './memory-records.support.ts';
import { type Cached, RecordCache } from './record-cache.ts';

it('A cache of records calls stale what it forgets: whoever holds that is told of no change of it any more', async () => {
  const records = new MemoryRecords();
  const cache = new RecordCache<string>(records, 10);
  const loaded: (Cached<string> | undefined)[] = [];
  for (let i = 0; i < 30; i++) {
    await records.create(`a${i}`, `value ${i}`, 600_000);
    loaded.push(await cache.load(`a${i}`, (text) => text));
  }
  for (const [i, cached] of loaded.entries()) {
    assert.equal(cached?.value, `value ${i}`);
    assert.equal(cached.isStale, cache.known(`a${i}`) === undefined, `a${i}`);
  }
  assert.ok(cache.size <= 10 && cache.known('a29') !== undefined);
  await records.remove(['a29']);
  assert.equal(loaded[29]?.isStale, true);
  cache.close();
  assert.ok(loaded.every((cached) => cached?.isStale));
});
