import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seededRandom } from '../../../test/support/seeded-random.ts';
import { Calendar } from '../../lib/calendar.ts';
import { newCharges, PERS, type Period, type QuotaRecord } from './quota.ts';
import { QuotaTable, type Taken } from './quota-table.ts';

const DAY_MS = 86_400_000;
const FIRST: Period = { startMs: 100 * DAY_MS, endMs: 101 * DAY_MS };
const NEXT: Period = { startMs: FIRST.endMs, endMs: FIRST.endMs + DAY_MS };

/** Several workers on one table. */
function tables(consumers: number, workers = 1): QuotaTable[] {
  const shared = QuotaTable.allocate(consumers);
  return Array.from({ length: workers }, (_, i) => new QuotaTable(shared, i + 1));
}

/** Takes one of so many a day. */
function take(table: QuotaTable, consumer: string, limit: number, period: Period = FIRST): Taken {
  const charges = newCharges();
  Object.assign(charges[0] as object, { limit, period });
  return table.take('gold', consumer, charges, period.startMs);
}

function records(table: QuotaTable): QuotaRecord[] {
  const found = Array.from({ length: table.slots }, (_, slot) => table.read(slot, (record) => record));
  return found.filter((record) => record !== undefined);
}

describe('The table of quotas', () => {
  it('counts for all workers together, by plan and consumer', () => {
    const [one, other] = tables(100, 2) as [QuotaTable, QuotaTable];
    assert.deepEqual(
      [take(one, 'a', 2), take(other, 'a', 2), take(one, 'a', 2), take(other, 'b', 2)],
      ['taken', 'taken', 'refused', 'taken'],
    );
    assert.deepEqual(
      records(one).map(({ plan, consumer, counts }) => [plan, consumer, counts[0]]),
      [
        ['gold', 'a', { period: FIRST, used: 2 }],
        ['gold', 'b', { period: FIRST, used: 1 }],
      ].toSorted((a, b) =>
        records(one)[0]?.consumer === a[1] ? -1 : records(one)[0]?.consumer === b[1] ? 1 : 0,
      ),
    );
  });

  it('begins anew with a period, which nobody whose clock is late goes back from', () => {
    const [table] = tables(100) as [QuotaTable];
    take(table, 'a', 1);
    assert.deepEqual(
      [take(table, 'a', 1), take(table, 'a', 1, NEXT), take(table, 'a', 1, FIRST), take(table, 'a', 1, NEXT)],
      ['refused', 'taken', 'refused', 'refused'],
    );
  });

  it('counts on in a period that has begun where a changed time zone has it begin elsewhere', () => {
    const [table] = tables(100) as [QuotaTable];
    take(table, 'a', 1);
    const shifted = { startMs: FIRST.startMs + 3_600_000, endMs: FIRST.endMs + 3_600_000 };
    assert.equal(take(table, 'a', 1, shifted), 'refused');
  });

  it('takes of both periods or of none', () => {
    const [table] = tables(100) as [QuotaTable];
    const charges = newCharges();
    for (const [i, limit] of [5, 2].entries()) Object.assign(charges[i] as object, { limit, period: FIRST });
    const verdicts = Array.from({ length: 3 }, () => table.take('gold', 'a', charges, FIRST.startMs));
    assert.deepEqual(verdicts, ['taken', 'taken', 'refused']);
    assert.deepEqual(
      charges.map(({ used, admitted }) => [used, admitted]),
      [
        [2, true],
        [2, false],
      ],
    );
  });

  it('gets back what was taken of a period that still runs, and of no other', () => {
    const [table] = tables(100) as [QuotaTable];
    const charges = newCharges();
    Object.assign(charges[0] as object, { limit: 2, period: FIRST });
    table.take('gold', 'a', charges, FIRST.startMs);
    table.giveBack('gold', 'a', charges);
    assert.equal(charges[0]?.used, 0);
    assert.deepEqual([take(table, 'a', 1), take(table, 'a', 1)], ['taken', 'refused']);
    take(table, 'a', 1, NEXT);
    table.giveBack('gold', 'a', charges);
    assert.equal(take(table, 'a', 1, NEXT), 'refused');
    table.giveBack('gold', 'nobody', charges);
    assert.equal(records(table).length, 1);
  });

  it('hashes by a key of its own, so that nobody can fill the places of another by the names of consumers', () => {
    const shards = Array.from({ length: 2 }, () => {
      const [table] = tables(2000) as [QuotaTable];
      for (let i = 0; i < 50; i++) take(table, `consumer ${i}`, 1);
      return records(table).map(({ consumer }) => consumer);
    });
    assert.equal(new Set(shards[0]).size, 50);
    assert.notDeepEqual(shards[0], shards[1]);
  });

  it('gives a place to somebody else when all its periods are over, and not before', () => {
    const [one, other] = tables(1, 2) as [QuotaTable, QuotaTable];
    const names = Array.from({ length: one.slots + 50 }, (_, i) => `consumer ${i}`);
    const first = names.map((name) => take(one, name, 1));
    assert.ok(first.includes('full'));
    assert.equal(first.filter((taken) => taken === 'taken').length, records(one).length);
    names.forEach((name, i) => assert.equal(take(other, name, 1), first[i] === 'full' ? 'full' : 'refused'));
    const later = names.toReversed().map((name) => take(one, name, 1, NEXT));
    assert.ok(later.includes('taken'));
    // The other worker remembers where it found them before.
    names
      .toReversed()
      .forEach((name, i) =>
        assert.equal(take(other, name, 1, NEXT), later[i] === 'full' ? 'full' : 'refused'),
      );
  });

  it('knows consumers of any name, however long', () => {
    const [table] = tables(1000) as [QuotaTable];
    const names = [
      'é',
      '\0',
      'a\0b',
      '\ud800',
      'x'.repeat(90),
      'x'.repeat(91),
      '人'.repeat(31),
      '人'.repeat(200),
    ];
    for (const name of names)
      assert.deepEqual([take(table, name, 1), take(table, name, 1)], ['taken', 'refused']);
    assert.equal(records(table).length, names.length);
    const [restored] = tables(1000) as [QuotaTable];
    for (const record of records(table)) restored.restore(record, FIRST.startMs);
    for (const name of names) assert.equal(take(restored, name, 1), 'refused');
  });

  it('holds again what is restored, and forgets what is reset', () => {
    const [before] = tables(100) as [QuotaTable];
    take(before, 'a', 2);
    take(before, 'a', 2);
    const [after] = tables(100) as [QuotaTable];
    for (const record of records(before)) assert.ok(after.restore(record, FIRST.startMs));
    assert.equal(take(after, 'a', 2), 'refused');
    for (let slot = 0; slot < after.slots; slot++) after.read(slot, () => after.reset(slot, 0));
    assert.equal(take(after, 'a', 2), 'taken');
  });

  it('never lets more through than the limit in a period, whatever comes in whichever worker', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = seededRandom(seed);
      const workers = tables(50, 3);
      const calendars = PERS.map((per) => new Calendar(per, 'Europe/Zurich'));
      const limits = [1 + Math.floor(random() * 20), 1 + Math.floor(random() * 60)];
      const admitted = new Map<string, number>();
      let nowMs = Date.parse('2026-03-20T12:00:00Z');
      for (let i = 0; i < 3000; i++) {
        nowMs += random() < 0.01 ? random() * 3 * DAY_MS : random() * 60_000;
        // Workers of other machines may be late; those of one never are by more than this.
        const clockMs = nowMs - random() * 5000;
        const consumer = `c${Math.floor(random() * 4)}`;
        const charges = newCharges();
        for (const [k, charge] of charges.entries()) {
          charge.limit = limits[k] as number;
          charge.period = (calendars[k] as Calendar).at(clockMs);
        }
        const table = workers[Math.floor(random() * workers.length)] as QuotaTable;
        const taken = table.take('gold', consumer, charges, clockMs);
        const counts = charges.map(({ period }, k) => `${consumer} ${k} ${period.startMs}`);
        const isFull = counts.some((key, k) => (admitted.get(key) ?? 0) >= (limits[k] as number));
        assert.equal(taken, isFull ? 'refused' : 'taken', `seed ${seed}, request ${i}`);
        if (taken === 'taken') for (const key of counts) admitted.set(key, (admitted.get(key) ?? 0) + 1);
      }
    }
  });
});
