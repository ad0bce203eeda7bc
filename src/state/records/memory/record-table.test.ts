import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PASSING, RecordsUnavailable } from '../records.ts';
import { RecordTable } from './record-table.ts';

const LONG_MS = 600_000;
const MB = 1024 ** 2;

function tableOf(maxBytes: number) {
  const clock = { nowMs: Date.UTC(2026, 0, 1) };
  return { clock, table: new RecordTable({ maxBytes, nowMs: () => clock.nowMs }) };
}

/** As many records of a thousand octets as there is room for. */
function fill(table: RecordTable, ttlMs: number, name: string): number {
  for (let i = 0; ; i++) {
    try {
      table.create(`${name}${i}`, 'x'.repeat(1000), ttlMs);
    } catch (error) {
      assert.ok(error instanceof RecordsUnavailable);
      return i;
    }
  }
}

describe('A table of records', () => {
  it('refuses new records when it is full, and goes on with those that it has', () => {
    const { table } = tableOf(MB);
    const count = fill(table, LONG_MS, 'a');
    assert.ok(count > 600 && count < 800, `${count}`);
    assert.equal(table.refused, 1);
    assert.throws(() => table.addMember('set', 'm'.repeat(150), LONG_MS), RecordsUnavailable);
    for (let i = 0; i < count; i++) assert.ok(table.read(`a${i}`));
    const { version } = table.read('a0') ?? assert.fail();
    assert.ok(table.replace('a0', 'y'.repeat(50_000), LONG_MS, version));
    assert.ok(table.acquire('a1', 'holder', LONG_MS));
    assert.ok(table.bytes <= MB);
  });

  it('never takes more than it may, however records grow', () => {
    const { table } = tableOf(MB);
    const count = fill(table, LONG_MS, 'a');
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const { version } = table.read(`a${i}`) ?? assert.fail();
      try {
        table.replace(`a${i}`, 'y'.repeat(10_000), LONG_MS, version);
      } catch (error) {
        assert.ok(error instanceof RecordsUnavailable);
        refused++;
      }
      assert.ok(table.bytes <= MB);
    }
    assert.ok(refused > 0);
    for (let i = 0; i < count; i++) assert.ok(table.read(`a${i}`));
  });

  it('makes room of what has ended, and of nothing else', () => {
    const { table, clock } = tableOf(MB);
    table.create('stays', 'value', LONG_MS);
    const first = fill(table, 1000, 'a');
    clock.nowMs += 1000;
    assert.equal(fill(table, LONG_MS, 'b'), first);
    assert.ok(table.read('stays'));
    assert.equal(table.read('a0'), undefined);
  });

  it('gives what anybody may begin a quarter of its room, where the oldest go first and everybody is told', () => {
    const { table } = tableOf(MB);
    const told = new Set<string>();
    table.onChange = (keys) => keys.forEach((key) => told.add(key));
    table.create('stays', 'value', LONG_MS);
    for (let i = 0; i < 1000; i++) table.create(`${PASSING}${i}`, 'x'.repeat(1000), LONG_MS);
    const there = Array.from({ length: 1000 }, (_, i) => i).filter((i) => table.read(`${PASSING}${i}`));
    assert.ok(table.bytes < MB / 4 + 1000 && there.length > 190, `${there.length} in ${table.bytes}`);
    assert.equal(there[0], 1000 - there.length);
    assert.ok(table.read('stays'));
    told.clear();
    table.addMember(`${PASSING}set`, 'member', LONG_MS);
    table.create(`${PASSING}1000`, 'x'.repeat(1000), LONG_MS);
    assert.deepEqual(told, new Set([`${PASSING}${there[0]}`, `${PASSING}1000`]));
  });

  it('makes room for all else of what anybody may begin', () => {
    const count = fill(tableOf(MB).table, LONG_MS, 'a');
    const { table } = tableOf(MB);
    for (let i = 0; i < 200; i++) table.create(`${PASSING}${i}`, 'x'.repeat(1000), LONG_MS);
    assert.equal(fill(table, LONG_MS, 'a'), count);
    assert.throws(() => table.create(`${PASSING}more`, 'x'.repeat(1000), LONG_MS), RecordsUnavailable);
  });

  it('does not write what made room for itself', () => {
    const { table } = tableOf(MB);
    table.create(`${PASSING}a`, 'short', LONG_MS);
    const { version } = table.read(`${PASSING}a`) ?? assert.fail();
    fill(table, LONG_MS, 'b');
    const { version: other } = table.read('b0') ?? assert.fail();
    table.replace('b0', 'y'.repeat(100_000), LONG_MS, other);
    assert.equal(table.replace(`${PASSING}a`, 'z'.repeat(100_000), LONG_MS, version), undefined);
    assert.equal(table.read(`${PASSING}a`), undefined);
  });

  it('gives back what it counted', () => {
    const { table, clock } = tableOf(MB);
    for (let i = 0; i < 100; i++) {
      table.create(`a${i}`, 'x'.repeat(i), i % 3 === 0 ? 1000 : LONG_MS);
      table.addMember(`set${i % 7}`, `m${i}`, i % 2 === 0 ? 1000 : LONG_MS);
      table.acquire(`a${i}`, 'holder', 1000);
      table.create(`${PASSING}a${i}`, 'x'.repeat(i), 1000);
      table.addMember(`${PASSING}set`, `m${i}`, 1000);
    }
    clock.nowMs += 1000;
    while (table.expire(10));
    table.remove(Array.from({ length: 100 }, (_, i) => `a${i}`));
    for (let i = 0; i < 100; i++) table.removeMember(`set${i % 7}`, `m${i}`);
    assert.equal(table.bytes, 0);
    assert.equal(table.size, 0);
  });

  it('gives versions and fences above those of its clock’s past, also when the clock goes back', () => {
    const { table, clock } = tableOf(MB);
    const first = table.acquire('a', 'one', 10) ?? assert.fail();
    clock.nowMs -= 3_600_000;
    table.release('a', 'one');
    const second = table.acquire('a', 'two', 10) ?? assert.fail();
    assert.ok(second.fence > first.fence);
  });
});
