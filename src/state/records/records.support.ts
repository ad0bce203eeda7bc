import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type Records, RecordsUnavailable } from './records.ts';

/** An implementation as the suite plays with it. */
export interface PlayedRecords {
  readonly records: Records;
  /** Another worker or node that shares them; the same where there is but one. */
  readonly others: Records;
  /** How long the tests' short lifetimes are. */
  readonly shortMs: number;
  /** Resolves when so much time has passed for the records. */
  readonly pass: (ms: number) => Promise<void>;
}

/** A name that no other test has. */
export function newKey(): string {
  return `test:${randomBytes(12).toString('base64url').replaceAll('-', '.')}`;
}

/** Resolves when the listener of `records` was told of the key. */
export async function told(records: Records, key: string | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const end = records.onChange((changed) => {
    if (changed === key) resolve();
  });
  await promise;
  end();
}

const LONG_MS = 600_000;

/** What every implementation does; `played` gives the one that was opened for the suite. */
export function recordsSuite(played: () => PlayedRecords): void {
  void it('reads what was created, in every worker', async () => {
    const { records, others } = played();
    const key = newKey();
    assert.equal(await records.read(key), undefined);
    assert.equal(await records.create(key, 'value', LONG_MS), true);
    for (const one of [records, others]) assert.equal((await one.read(key))?.value, 'value');
    assert.equal(await others.create(key, 'another', LONG_MS), false);
    assert.equal((await records.read(key))?.value, 'value');
  });

  void it('keeps values as they are', async () => {
    const { records, others } = played();
    for (const value of ['', '\0\r\n"\\', 'ünïcödé 😀', 'x'.repeat(262_144)]) {
      const key = newKey();
      await records.create(key, value, LONG_MS);
      assert.equal((await others.read(key))?.value, value);
      assert.equal(await others.take(key), value);
    }
  });

  void it('replaces the version that was read, and no other', async () => {
    const { records, others } = played();
    const key = newKey();
    assert.equal(await records.replace(key, 'new', LONG_MS, 1), undefined);
    await records.create(key, 'one', LONG_MS);
    const { version } = (await records.read(key)) ?? assert.fail();
    const second = (await records.replace(key, 'two', LONG_MS, version)) ?? assert.fail();
    assert.ok(second > version);
    assert.deepEqual(await others.read(key), { value: 'two', version: second });
    assert.equal(await others.replace(key, 'late', LONG_MS, version), undefined);
    assert.deepEqual(await others.read(key), { value: 'two', version: second });
  });

  void it('lets exactly one of a hundred replace a version', async () => {
    const { records, others } = played();
    const key = newKey();
    await records.create(key, 'start', LONG_MS);
    const { version } = (await records.read(key)) ?? assert.fail();
    const versions = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        (i % 2 === 0 ? records : others).replace(key, `by ${i}`, LONG_MS, version),
      ),
    );
    const winner = versions.findIndex((one) => one !== undefined);
    assert.equal(versions.filter((one) => one !== undefined).length, 1);
    assert.deepEqual(await records.read(key), { value: `by ${winner}`, version: versions[winner] });
  });

  void it('lets exactly one of a hundred create, take and acquire', async () => {
    const { records, others } = played();
    const key = newKey();
    const hundred = <Outcome>(act: (one: Records, i: number) => Promise<Outcome>): Promise<Outcome[]> =>
      Promise.all(Array.from({ length: 100 }, (_, i) => act(i % 2 === 0 ? records : others, i)));
    const created = await hundred((one, i) => one.create(key, `${i}`, LONG_MS));
    assert.equal(created.filter(Boolean).length, 1);
    const leases = await hundred((one, i) => one.acquire(key, `holder${i}`, LONG_MS));
    assert.equal(leases.filter((lease) => lease !== undefined).length, 1);
    const taken = await hundred((one) => one.take(key));
    assert.deepEqual(
      taken.filter((value) => value !== undefined),
      [`${created.indexOf(true)}`],
    );
  });

  void it('does not give a version again to a record of the same name', async () => {
    const { records } = played();
    const key = newKey();
    await records.create(key, 'first', LONG_MS);
    const before = (await records.read(key)) ?? assert.fail();
    await records.take(key);
    await records.create(key, 'second', LONG_MS);
    assert.ok(((await records.read(key)) ?? assert.fail()).version > before.version);
    assert.equal(await records.replace(key, 'late', LONG_MS, before.version), undefined);
  });

  void it('forgets a record when its lifetime is over, unless it was touched', async () => {
    const { records, others, shortMs, pass } = played();
    const [short, touched, replaced] = [newKey(), newKey(), newKey()];
    for (const key of [short, touched, replaced]) await records.create(key, 'value', shortMs);
    assert.equal(await others.touch(touched, LONG_MS), true);
    const { version } = (await records.read(replaced)) ?? assert.fail();
    assert.notEqual(await records.replace(replaced, 'value', LONG_MS, version), undefined);
    await pass(2 * shortMs);
    assert.equal(await records.read(short), undefined);
    assert.equal(await records.touch(short, LONG_MS), false);
    assert.equal(await records.take(short), undefined);
    assert.equal(await records.create(short, 'again', LONG_MS), true);
    for (const key of [touched, replaced]) assert.equal((await others.read(key))?.value, 'value');
  });

  void it('removes records and leases for everybody before it resolves', async () => {
    const { records, others } = played();
    const keys = [newKey(), newKey(), newKey()];
    for (const key of keys) await records.create(key, 'value', LONG_MS);
    await records.acquire(keys[0] as string, 'holder', LONG_MS);
    const heard = Promise.all(keys.map((key) => told(others, key)));
    await records.remove([...keys, newKey()]);
    for (const key of keys) assert.equal(await others.read(key), undefined);
    assert.equal(await others.renew(keys[0] as string, 'holder', LONG_MS), false);
    await heard;
    await records.remove([]);
  });

  void it('keeps sets whose members end one by one', async () => {
    const { records, others, shortMs, pass } = played();
    const set = newKey();
    assert.deepEqual(await records.members(set), []);
    const counts = [
      await records.addMember(set, 'b', 2 * shortMs),
      await records.addMember(set, 'a', shortMs),
      await others.addMember(set, 'c', LONG_MS),
      await others.addMember(set, 'b', 2 * LONG_MS),
    ];
    assert.deepEqual(counts, [1, 2, 3, 3]);
    // Those first that end first.
    assert.deepEqual(await records.members(set), ['a', 'c', 'b']);
    await pass(2 * shortMs);
    assert.deepEqual(await records.members(set), ['c', 'b']);
    assert.equal(await records.addMember(set, 'c', LONG_MS), 2);
    await records.removeMember(set, 'b');
    await records.removeMember(set, 'none');
    assert.deepEqual(await others.members(set), ['c']);
  });

  void it('takes 1,000 members into a set and refuses one more', async () => {
    const { records } = played();
    const set = newKey();
    await Promise.all(Array.from({ length: 1000 }, (_, i) => records.addMember(set, `m${i}`, LONG_MS)));
    await assert.rejects(records.addMember(set, 'more', LONG_MS), RecordsUnavailable);
    await records.addMember(set, 'm7', LONG_MS);
    assert.equal((await records.members(set)).length, 1000);
    await records.removeMember(set, 'm7');
    await records.addMember(set, 'more', LONG_MS);
  });

  void it('leases to one at a time, until it is released or over', async () => {
    const { records, others, shortMs, pass } = played();
    const key = newKey();
    const first = (await records.acquire(key, 'one', LONG_MS)) ?? assert.fail();
    assert.equal(await others.acquire(key, 'two', LONG_MS), undefined);
    assert.deepEqual(await records.acquire(key, 'one', LONG_MS), first);
    assert.equal(await others.renew(key, 'two', LONG_MS), false);
    await others.release(key, 'two');
    assert.equal(await others.acquire(key, 'two', LONG_MS), undefined);
    const released = told(others, key);
    await records.release(key, 'one');
    await released;
    const second = (await others.acquire(key, 'two', shortMs)) ?? assert.fail();
    assert.ok(second.fence > first.fence);
    assert.equal(await others.renew(key, 'two', shortMs), true);
    await pass(2 * shortMs);
    assert.equal(await others.renew(key, 'two', LONG_MS), false);
    const third = (await records.acquire(key, 'three', LONG_MS)) ?? assert.fail();
    assert.ok(third.fence > second.fence);
  });

  void it('keeps a lease that is renewed', async () => {
    const { records, others, shortMs, pass } = played();
    const key = newKey();
    await records.acquire(key, 'one', shortMs);
    assert.equal(await records.renew(key, 'one', LONG_MS), true);
    await pass(2 * shortMs);
    assert.equal(await others.acquire(key, 'two', LONG_MS), undefined);
  });

  void it('refuses what a late holder writes, whatever version it read', async () => {
    const { records, others, shortMs, pass } = played();
    const key = newKey();
    await records.create(key, 'start', LONG_MS);
    const late = (await records.acquire(key, 'late', shortMs)) ?? assert.fail();
    await pass(2 * shortMs);
    const young = (await others.acquire(key, 'young', LONG_MS)) ?? assert.fail();
    const { version } = (await records.read(key)) ?? assert.fail();
    assert.equal(await records.replace(key, 'stale', LONG_MS, version, late.fence), undefined);
    await others.release(key, 'young');
    assert.equal(await records.replace(key, 'stale', LONG_MS, version, late.fence), undefined);
    assert.notEqual(await others.replace(key, 'fresh', LONG_MS, version, young.fence), undefined);
    assert.equal((await records.read(key))?.value, 'fresh');
  });

  void it('knows the lease that was there before its record', async () => {
    const { records, others, shortMs, pass } = played();
    const key = newKey();
    const late = (await records.acquire(key, 'late', shortMs)) ?? assert.fail();
    await pass(2 * shortMs);
    await others.acquire(key, 'young', LONG_MS);
    await records.create(key, 'value', LONG_MS);
    const { version } = (await records.read(key)) ?? assert.fail();
    assert.equal(await records.replace(key, 'stale', LONG_MS, version, late.fence), undefined);
  });

  void it('tells everybody of what is written, taken and replaced, until they do not listen any more', async () => {
    const { records, others } = played();
    const key = newKey();
    const heard: (string | undefined)[] = [];
    const end = others.onChange((changed) => heard.push(changed));
    const act = async (write: () => Promise<unknown>): Promise<void> => {
      const both = Promise.all([told(records, key), told(others, key)]);
      await write();
      await both;
    };
    await act(() => records.create(key, 'value', LONG_MS));
    const { version } = (await records.read(key)) ?? assert.fail();
    await act(() => records.replace(key, 'value', LONG_MS, version));
    await act(() => records.take(key));
    end();
    const { length } = heard;
    assert.ok(length >= 3);
    await act(() => records.create(key, 'value', LONG_MS));
    assert.equal(heard.length, length);
    assert.equal(records.isLive, true);
    assert.equal(others.isLive, true);
  });

  for (const [what, act] of [
    ['a name with a space', (records) => records.create('a b', '', LONG_MS)],
    ['a name without letters', (records) => records.create('', '', LONG_MS)],
    ['a name that is too long', (records) => records.acquire('x'.repeat(201), 'holder', LONG_MS)],
    ['a set with braces', (records) => records.addMember('{x}', 'member', LONG_MS)],
    ['a member with a line feed', (records) => records.addMember('set', 'a\nb', LONG_MS)],
    ['a holder without letters', (records) => records.acquire('key', '', LONG_MS)],
    ['a value that is too long', (records) => records.create('long', 'x'.repeat(262_145), LONG_MS)],
    ['a lifetime that is no number', (records) => records.create('never', '', Number.NaN)],
    ['a lifetime without an end', (records) => records.touch('never', Number.POSITIVE_INFINITY)],
  ] as [string, (records: Records) => Promise<unknown>][])
    void it(`refuses ${what}`, async () => {
      await assert.rejects(act(played().records), { name: 'RangeError' });
    });

  void it('takes a lifetime that is over as one that ends at once', async () => {
    const { records, pass } = played();
    const key = newKey();
    await records.create(key, 'value', -5);
    await pass(10);
    assert.equal(await records.read(key), undefined);
  });
}

/** Time that cannot be moved. Redis ends a key by its own clock, a moment later than asked. */
export const REAL_TIME = {
  shortMs: 60,
  pass: async (ms: number): Promise<void> => {
    await setTimeout(ms + 20);
  },
};
