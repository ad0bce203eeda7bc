import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LocalRecords } from '../../state/records/memory/local-records.ts';
import { RecordTable } from '../../state/records/memory/record-table.ts';
import { KeyRing } from '../sessions/key-ring.ts';
import { MemoryRecords } from '../sessions/memory-records.support.ts';
import { Begun } from './begun.ts';

const TTL_MS = 600_000;
const ADDRESS = '192.0.2.1';

class Play {
  now = 1_000_000;
  readonly records = new MemoryRecords(() => this.now);
  readonly begun = new Begun(this.records, new KeyRing([]), 'web');

  /** Begins so many, a millisecond apart, and tells their keys. */
  async begin(name: string, count: number, address = ADDRESS): Promise<readonly string[]> {
    const keys = Array.from({ length: count }, (_, i) => this.begun.keyOf(`${name}${i}`));
    for (const key of keys) {
      this.now++;
      assert.equal(await this.begun.begin(key, 'value', TTL_MS, this.begun.by(address)), true);
    }
    return keys;
  }

  /** How many of them are there, and whether these are the last. */
  left(keys: readonly string[]): number {
    const there = keys.filter((key) => this.records.kept.has(key));
    assert.deepEqual(there, keys.slice(keys.length - there.length));
    return there.length;
  }
}

describe('What anybody may begin', () => {
  it('is 500 at a time of one address, of which the oldest make room', async () => {
    const play = new Play();
    const [other, keys] = [await play.begin('other', 3, '192.0.2.2'), await play.begin('a', 620)];
    assert.deepEqual([play.left(keys), play.left(other)], [500, 3]);
  });

  it('is 500 at a time of one address when it is begun at once, too', async () => {
    const play = new Play();
    const by = play.begun.by(ADDRESS);
    const keys = Array.from({ length: 800 }, (_, i) => play.begun.keyOf(`a${i}`));
    await Promise.all(keys.map((key) => play.begun.begin(key, 'value', TTL_MS, by)));
    assert.equal(keys.filter((key) => play.records.kept.has(key)).length, 500);
  });

  const networks: readonly (readonly [what: string, one: string, other: string, isOne: boolean])[] = [
    ['two addresses of one IPv6 network', '2001:db8:1:2::1', '2001:db8:1:2:ffff::', true],
    ['two IPv6 networks', '2001:db8:1:2::1', '2001:db8:1:3::1', false],
    ['two IPv4 addresses', '192.0.2.1', '192.0.2.2', false],
  ];
  for (const [what, one, other, isOne] of networks)
    it(`counts for ${what} ${isOne ? 'together' : 'apart'}`, async () => {
      const play = new Play();
      const first = await play.begin('a', 300, one);
      await play.begin('b', 300, other);
      assert.equal(play.left(first), isOne ? 200 : 300);
    });

  it('does not count among all when it made room, so that one address never pushes out others', async () => {
    const play = new Play();
    const [other, keys] = [await play.begin('other', 3, '192.0.2.2'), await play.begin('a', 620)];
    const counted = [...play.records.sets]
      .filter(([set]) => set.startsWith('p:a:'))
      .flatMap(([, members]) => [...members.keys()]);
    assert.deepEqual(counted.toSorted(), [...other, ...keys.slice(120)].toSorted());
  });

  it('does not count when it has ended', async () => {
    const play = new Play();
    const [first, ...rest] = await play.begin('a', 500);
    for (const key of rest) {
      await play.records.take(key);
      await play.begun.end(key, play.begun.by(ADDRESS));
    }
    const more = await play.begin('b', 499);
    assert.deepEqual([play.left([first ?? '']), play.left(more)], [1, 499]);
    assert.ok(
      [...play.records.sets.values()].every((set) => ![...set.keys()].some((key) => rest.includes(key))),
    );
  });

  it('is 28,800 at a time of all addresses together', async () => {
    const play = new Play();
    for (let network = 0; network < 80; network++)
      await play.begin(`n${network}:`, 400, `2001:db8:0:${network.toString(16)}::1`);
    assert.ok(play.records.kept.size <= 28_800, `${play.records.kept.size}`);
    assert.ok(play.records.kept.size > 27_000, `${play.records.kept.size}`);
  });

  it('tells nobody who reads the store from where', async () => {
    const play = new Play();
    await play.begin('a', 1, '2001:db8:1:2::1');
    assert.ok(!play.records.dump.includes('2001'));
  });

  it('never takes the place of a session, however many addresses it comes from, and leaves room for new ones', async () => {
    const table = new RecordTable({ maxBytes: 1024 ** 2, nowMs: () => 1_000_000 });
    const records = new LocalRecords(table);
    const begun = new Begun(records, new KeyRing([]), 'web');
    const sessions = Array.from({ length: 300 }, (_, i) => `s:${i}`);
    for (const key of sessions.slice(0, 150)) table.create(key, 'x'.repeat(1000), TTL_MS);
    for (let i = 0; i < 5000; i++)
      await begun.begin(
        begun.keyOf(`f:${i}`),
        'x'.repeat(1000),
        TTL_MS,
        begun.by(`10.0.${i >> 8}.${i & 255}`),
      );
    for (const key of sessions.slice(150)) table.create(key, 'x'.repeat(1000), TTL_MS);
    assert.deepEqual(
      sessions.filter((key) => table.read(key) === undefined),
      [],
    );
    assert.equal(table.refused, 0);
    assert.notEqual(table.read(begun.keyOf('f:4999')), undefined);
    assert.equal(table.read(begun.keyOf('f:0')), undefined);
  });
});
