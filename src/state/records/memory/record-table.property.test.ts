import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { RecordTable } from './record-table.ts';

interface Timed {
  readonly endsAtMs: number;
}

/** What a table is: maps, every entry of which is looked at each time. */
class Model {
  nowMs = 1_000_000;
  readonly records = new Map<string, Timed & { value: string; version: number; fence: number }>();
  readonly sets = new Map<string, Map<string, Timed>>();
  readonly leases = new Map<string, Timed & { holder: string; fence: number }>();

  alive<Entry extends Timed>(
    entries: ReadonlyMap<string, Entry> | undefined,
    key: string,
  ): Entry | undefined {
    const entry = entries?.get(key);
    return entry !== undefined && entry.endsAtMs > this.nowMs ? entry : undefined;
  }
}

type Step = (table: RecordTable, model: Model) => void;

const key = fc.constantFrom('a', 'b', 'c');
const holder = fc.constantFrom('one', 'two');
const ttl = fc.integer({ min: 1, max: 100 });
const value = fc.string({ maxLength: 20 });

const create = fc.tuple(key, value, ttl).map(
  ([name, text, ms]): Step =>
    (table, model) => {
      const created = table.create(name, text, ms);
      assert.equal(created, model.alive(model.records, name) === undefined);
      if (!created) return;
      const { version } = table.read(name) ?? assert.fail();
      assert.ok(version > (model.records.get(name)?.version ?? 0));
      const fence = model.alive(model.leases, name)?.fence ?? 0;
      model.records.set(name, { value: text, version, fence, endsAtMs: model.nowMs + ms });
    },
);

const replace = fc.tuple(key, value, ttl, fc.boolean(), fc.constantFrom('none', 'last', 'late')).map(
  ([name, text, ms, isRight, which]): Step =>
    (table, model) => {
      const known = model.alive(model.records, name);
      const version = (known?.version ?? 5) - (isRight ? 0 : 1);
      const last = known?.fence ?? 0;
      const fence = which === 'none' ? undefined : which === 'last' ? last : last - 1;
      const replaced = table.replace(name, text, ms, version, fence);
      if (known === undefined || !isRight || which === 'late') {
        assert.equal(replaced, undefined);
        return;
      }
      assert.ok(replaced !== undefined && replaced > known.version);
      model.records.set(name, { ...known, value: text, version: replaced, endsAtMs: model.nowMs + ms });
    },
);

const touch = fc.tuple(key, ttl).map(
  ([name, ms]): Step =>
    (table, model) => {
      const known = model.alive(model.records, name);
      assert.equal(table.touch(name, ms), known !== undefined);
      if (known !== undefined) model.records.set(name, { ...known, endsAtMs: model.nowMs + ms });
    },
);

const take = key.map(
  (name): Step =>
    (table, model) => {
      assert.equal(table.take(name), model.alive(model.records, name)?.value);
      model.records.delete(name);
    },
);

const remove = fc.array(key, { maxLength: 3 }).map(
  (names): Step =>
    (table, model) => {
      table.remove(names);
      for (const name of names) {
        model.records.delete(name);
        model.leases.delete(name);
      }
    },
);

const addMember = fc.tuple(key, holder, ttl).map(
  ([set, member, ms]): Step =>
    (table, model) => {
      table.addMember(set, member, ms);
      const members = model.sets.get(set) ?? new Map();
      model.sets.set(set, members.set(member, { endsAtMs: model.nowMs + ms }));
    },
);

const removeMember = fc.tuple(key, holder).map(
  ([set, member]): Step =>
    (table, model) => {
      table.removeMember(set, member);
      model.sets.get(set)?.delete(member);
    },
);

const acquire = fc.tuple(key, holder, ttl).map(
  ([name, who, ms]): Step =>
    (table, model) => {
      const lease = model.alive(model.leases, name);
      const granted = table.acquire(name, who, ms);
      if (lease !== undefined && lease.holder !== who) {
        assert.equal(granted, undefined);
        return;
      }
      assert.ok(granted !== undefined);
      if (lease !== undefined) assert.equal(granted.fence, lease.fence);
      else assert.ok(granted.fence > (model.leases.get(name)?.fence ?? 0));
      model.leases.set(name, { holder: who, fence: granted.fence, endsAtMs: model.nowMs + ms });
      const record = model.alive(model.records, name);
      if (record !== undefined) record.fence = granted.fence;
    },
);

const renew = fc.tuple(key, holder, ttl).map(
  ([name, who, ms]): Step =>
    (table, model) => {
      const lease = model.alive(model.leases, name);
      assert.equal(table.renew(name, who, ms), lease?.holder === who);
      if (lease?.holder === who) model.leases.set(name, { ...lease, endsAtMs: model.nowMs + ms });
    },
);

const release = fc.tuple(key, holder).map(
  ([name, who]): Step =>
    (table, model) => {
      table.release(name, who);
      if (model.alive(model.leases, name)?.holder === who) model.leases.delete(name);
    },
);

const wait = fc.integer({ min: 1, max: 60 }).map(
  (ms): Step =>
    (_, model) => {
      model.nowMs += ms;
    },
);

const expire = fc.constant<Step>((table) => void table.expire(2));

/** Everything that can be read. */
function compare(table: RecordTable, model: Model): void {
  for (const name of ['a', 'b', 'c']) {
    const record = model.alive(model.records, name);
    assert.deepEqual(
      table.read(name),
      record === undefined ? undefined : { value: record.value, version: record.version },
    );
    const members = model.sets.get(name);
    const living = ['one', 'two'].filter((member) => model.alive(members, member) !== undefined);
    assert.deepEqual([...table.members(name)].sort(), living);
  }
}

it('A table of records does what maps would do that are looked through each time', () => {
  const steps = [
    create,
    replace,
    touch,
    take,
    remove,
    addMember,
    removeMember,
    acquire,
    renew,
    release,
    wait,
    expire,
  ];
  fc.assert(
    fc.property(fc.array(fc.oneof(...steps), { maxLength: 60 }), (story) => {
      const model = new Model();
      const table = new RecordTable({ maxBytes: 1_000_000, nowMs: () => model.nowMs });
      for (const step of story) {
        step(table, model);
        compare(table, model);
      }
      model.nowMs += 1000;
      while (table.expire());
      assert.equal(table.size, 0);
      assert.equal(table.bytes, 0);
    }),
    { numRuns: 500 },
  );
});
