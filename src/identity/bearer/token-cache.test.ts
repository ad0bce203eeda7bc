import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type CachedToken, TokenCache } from './token-cache.ts';

interface Named extends CachedToken {
  readonly name: string;
}

function cached(name: string, more: Partial<CachedToken> = {}): Named {
  return { name, expiresAtMs: 1000, bytes: 1, used: false, ...more };
}

describe('What is known of tokens', () => {
  it('is found by the whole text alone', () => {
    const cache = new TokenCache<Named>({ maxTokens: 10, maxBytes: 100 });
    const end = 'e'.repeat(48);
    cache.put(`one${end}`, cached('one'));
    assert.equal(cache.get(`one${end}`, 0)?.name, 'one');
    for (const other of [`two${end}`, end, `e${end}`, `one${end}e`, 'one', ''])
      assert.equal(cache.get(other, 0), undefined);
  });

  it('is gone when it is over, or what it was known by is withdrawn', () => {
    const cache = new TokenCache<Named>({ maxTokens: 10, maxBytes: 100 });
    const key = { withdrawn: false };
    cache.put('a', cached('a'));
    cache.put('b', cached('b', { key }));
    assert.deepEqual([cache.get('a', 999)?.name, cache.get('b', 999)?.name], ['a', 'b']);
    key.withdrawn = true;
    assert.deepEqual([cache.get('a', 1000), cache.get('b', 0)], [undefined, undefined]);
    assert.deepEqual([cache.size, cache.bytes], [0, 0]);
  });

  it('of tokens that are asked for outlasts that of others', () => {
    const cache = new TokenCache<Named>({ maxTokens: 3, maxBytes: 100 });
    for (const name of ['a', 'b', 'c']) cache.put(name, cached(name));
    cache.get('a', 0);
    cache.put('d', cached('d'));
    assert.deepEqual(
      ['a', 'b', 'c', 'd'].map((name) => cache.get(name, 0)?.name),
      ['a', undefined, 'c', 'd'],
    );
  });

  it('that is too large is not kept, nor is any where none is to be', () => {
    const cache = new TokenCache<Named>({ maxTokens: 3, maxBytes: 10 });
    cache.put('a', cached('a'));
    cache.put('a', cached('a', { bytes: 11 }));
    assert.deepEqual([cache.get('a', 0), cache.bytes], [undefined, 0]);
    const none = new TokenCache<Named>({ maxTokens: 0, maxBytes: 10 });
    none.put('a', cached('a'));
    assert.equal(none.size, 0);
  });

  it('never takes more than it may, whatever comes', () => {
    const step = fc.record({
      name: fc.integer({ min: 0, max: 40 }),
      bytes: fc.integer({ min: 1, max: 60 }),
      ask: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const cache = new TokenCache<Named>({ maxTokens: 12, maxBytes: 200 });
        const kept = new Map<string, number>();
        for (const { name, bytes, ask } of steps) {
          const token = String(name);
          if (ask) cache.get(token, 0);
          else {
            cache.put(token, cached(token, { bytes }));
            kept.set(token, bytes);
          }
          assert.ok(cache.size <= 12 && cache.bytes <= 200);
          const found = [...kept].filter(([other]) => cache.get(other, 0) !== undefined);
          assert.equal(
            cache.bytes,
            found.reduce((sum, [, size]) => sum + size, 0),
          );
        }
      }),
    );
  });
});
