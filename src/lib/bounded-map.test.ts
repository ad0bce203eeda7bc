import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { BoundedMap } from './bounded-map.ts';

describe('A bounded map', () => {
  it('never holds more than it may, always the youngest half, and nothing that was not put there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20 }),
        fc.array(fc.tuple(fc.constantFrom('set', 'get', 'delete'), fc.nat(30)), { maxLength: 200 }),
        (entries, steps) => {
          const map = new BoundedMap<number, string>(entries);
          const model = new Map<number, string>();
          let at = 0;
          for (const [what, key] of steps) {
            if (what === 'set') {
              model.delete(key);
              model.set(key, `${key} ${++at}`);
              map.set(key, `${key} ${at}`);
            } else if (what === 'delete') {
              model.delete(key);
              map.delete(key);
            } else {
              const found = map.get(key);
              if (found !== undefined) assert.equal(found, model.get(key));
            }
            assert.ok(map.size <= entries);
          }
          const half = Math.floor(entries / 2);
          const youngest = [...model].slice(-half);
          for (const [key, value] of youngest.toReversed().slice(0, 1)) assert.equal(map.get(key), value);
        },
      ),
    );
  });

  it('tells of what it lets go of, once, and not of what was deleted or replaced', () => {
    const forgotten: string[] = [];
    const map = new BoundedMap<string, string>(4, (value) => forgotten.push(value));
    for (const value of ['a', 'b', 'c', 'd']) map.set(value, value);
    map.set('a', 'another a');
    map.delete('c');
    assert.deepEqual(forgotten, ['b']);
    assert.deepEqual([...map.values()], ['d', 'another a']);
    for (const value of ['e', 'f']) map.set(value, value);
    assert.deepEqual(forgotten, ['b', 'd', 'another a'].slice(0, forgotten.length));
    map.clear();
    assert.deepEqual([map.size, [...map.values()]], [0, []]);
  });

  it('keeps what is asked for', () => {
    const map = new BoundedMap<string, number>(4);
    map.set('kept', 1);
    for (let i = 0; i < 20; i++) {
      map.set(`other ${i}`, i);
      assert.equal(map.get('kept'), 1);
    }
    assert.equal(map.get('other 0'), undefined);
  });
});
