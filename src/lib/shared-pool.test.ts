import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedPool } from './shared-pool.ts';

describe('A shared pool', () => {
  it('makes one thing per key, and closes it with its last holder', () => {
    const pool = new SharedPool();
    const closed: string[] = [];
    const open = (key: string, name: string) =>
      pool.open(key, () => ({ name, close: () => closed.push(name) }));
    const [first, second, other] = [open('a', 'one'), open('a', 'two'), open('b', 'three')];
    assert.deepEqual([first.value.name, second.value.name, other.value.name], ['one', 'one', 'three']);
    first.close();
    first.close();
    assert.deepEqual(closed, []);
    second.close();
    assert.deepEqual(closed, ['one']);
    assert.equal(open('a', 'four').value.name, 'four');
    other.close();
    assert.deepEqual(closed, ['one', 'three']);
  });
});
