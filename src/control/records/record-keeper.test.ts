import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { RecordTable } from '../../state/records/memory/record-table.ts';
import { RecordFile } from './record-file.ts';
import { RecordKeeper } from './record-keeper.ts';

const LONG_MS = 600_000;
const KEY = 'a key that is long enough for anybody';

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-records-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return join(directory, 'records.db');
}

interface Playing {
  readonly key?: string;
  readonly withoutKey?: boolean;
  readonly nowMs?: number;
  readonly open?: (path: string) => RecordFile;
}

/** A gateway's table with its file, as one process has it. */
function start(path: string, options: Playing = {}) {
  const { nowMs = Date.UTC(2026, 0, 1), key = KEY, withoutKey = false, open } = options;
  const clock = { nowMs };
  const logged: string[] = [];
  const table = new RecordTable({ maxBytes: 16 * 1024 ** 2, nowMs: () => clock.nowMs });
  const keeper = new RecordKeeper({
    table,
    path,
    key: withoutKey ? undefined : key,
    ...(open === undefined ? {} : { open }),
    log: (level, message) => logged.push(`${level}: ${message}`),
  });
  keeper.start();
  return { clock, table, keeper, logged };
}

describe('The file of records', () => {
  it('gives back what was there before a restart, with its versions and lifetimes', async (t) => {
    const path = await place(t);
    const before = start(path);
    before.table.create('session:a', 'value', LONG_MS);
    before.table.create('session:gone', 'value', LONG_MS);
    before.table.create('session:short', 'value', 1000);
    before.table.addMember('user:u', 'session:a', LONG_MS);
    before.table.addMember('user:u', 'session:gone', LONG_MS);
    before.table.take('session:gone');
    before.table.removeMember('user:u', 'session:gone');
    before.table.acquire('session:a', 'holder', LONG_MS);
    const read = before.table.read('session:a') ?? assert.fail();
    before.keeper.close();

    const after = start(path, { nowMs: before.clock.nowMs + 2000 });
    assert.deepEqual(after.table.read('session:a'), read);
    assert.equal(after.table.read('session:gone'), undefined);
    assert.equal(after.table.read('session:short'), undefined);
    assert.deepEqual(after.table.members('user:u'), ['session:a']);
    assert.ok(after.table.acquire('session:a', 'another', LONG_MS));
    after.clock.nowMs += LONG_MS;
    assert.equal(after.table.read('session:a'), undefined);
    after.keeper.close();
    const last = start(path, { nowMs: after.clock.nowMs });
    assert.equal(last.table.size, 0);
    last.keeper.close();
    assert.deepEqual([...before.logged, ...after.logged, ...last.logged], []);
  });

  it('lets fences and versions grow over a restart, also when the clock went back', async (t) => {
    const path = await place(t);
    const before = start(path);
    before.table.create('a', 'value', LONG_MS);
    const { fence } = before.table.acquire('lease', 'one', LONG_MS) ?? assert.fail();
    before.keeper.close();
    const after = start(path, { nowMs: before.clock.nowMs - 3_600_000 });
    const later = after.table.acquire('lease', 'two', LONG_MS) ?? assert.fail();
    assert.ok(later.fence > fence);
    const { version } = after.table.read('a') ?? assert.fail();
    assert.ok((after.table.replace('a', 'new', LONG_MS, version) ?? 0) > version);
    after.keeper.close();
  });

  it('tells whoever reads the disk neither names nor contents, and is the owner’s alone', async (t) => {
    const path = await place(t);
    const { table, keeper } = start(path);
    table.create('session:name-in-sight', 'value-in-sight', LONG_MS);
    table.addMember('user:name-in-sight', 'member-in-sight', LONG_MS);
    keeper.flush();
    const directory = join(path, '..');
    const files = await readdir(directory);
    assert.ok(files.includes('records.db'));
    for (const file of files) {
      const content = await readFile(join(directory, file), 'latin1');
      assert.doesNotMatch(content, /in-sight|session|user:|"value"/, file);
      assert.equal((await stat(join(directory, file))).mode & 0o077, 0, file);
    }
    keeper.close();
  });

  it('refuses to start with another key, and leaves the file as it is', async (t) => {
    const path = await place(t);
    const before = start(path);
    before.table.create('a', 'value', LONG_MS);
    before.keeper.close();
    assert.throws(() => start(path, { key: 'another key that is long enough for it' }), {
      message: `the records in ${path} cannot be used: it was written with another key: see state.memory.recordsKey`,
    });
    const after = start(path);
    assert.equal(after.table.read('a')?.value, 'value');
    after.keeper.close();
  });

  it('makes a key beside it where none is given, says so once, and does not make another', async (t) => {
    const path = await place(t);
    const before = start(path, { withoutKey: true });
    assert.equal(before.logged.length, 1);
    assert.match(
      before.logged[0] ?? '',
      /^warn: .*records\.db is encrypted with a new key in .*records\.db\.key/,
    );
    assert.equal((await stat(`${path}.key`)).mode & 0o777, 0o600);
    before.table.create('a', 'value', LONG_MS);
    before.keeper.close();
    const after = start(path, { withoutKey: true });
    assert.equal(after.table.read('a')?.value, 'value');
    assert.deepEqual(after.logged, []);
    after.keeper.close();
    await rm(`${path}.key`);
    assert.throws(() => start(path, { withoutKey: true }), {
      message: `the records in ${path} cannot be used: its key is gone: ${path}.key does not exist`,
    });
    await writeFile(`${path}.key`, 'short\n');
    assert.throws(() => start(path, { withoutKey: true }), /does not hold a key/);
  });

  it('is not used by two processes', async (t) => {
    const path = await place(t);
    const { keeper } = start(path);
    const source = `
      import { RecordFile } from ${JSON.stringify(new URL('record-file.ts', import.meta.url).href)};
      try { new RecordFile(${JSON.stringify(path)}); console.log('opened'); } catch (error) { console.log(error.message); }`;
    const other = spawn(process.execPath, ['--input-type=module', '--eval', source], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    other.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(other, 'close');
    assert.equal(said, 'another process uses it\n');
    keeper.close();
    start(path).keeper.close();
  });

  it('holds after a process was killed what it had flushed, whole', async (t) => {
    const path = await place(t);
    const { table, keeper } = start(path);
    for (let i = 0; i < 500; i++) table.create(`a${i}`, 'x'.repeat(500), LONG_MS);
    keeper.flush();
    // What a process that is killed leaves: the file and its log, not closed.
    const copy = await place(t);
    for (const end of ['', '-wal']) await cp(`${path}${end}`, `${copy}${end}`);
    // The last page of the log is torn.
    const { size } = await stat(`${copy}-wal`);
    await truncate(`${copy}-wal`, size - 1000);
    keeper.close();
    const after = start(copy);
    for (const [i] of Array.from({ length: 400 }).entries()) {
      const value = after.table.read(`a${i}`)?.value;
      assert.ok(value === undefined || value === 'x'.repeat(500));
    }
    assert.ok(after.table.read('a0'));
    after.keeper.close();
  });

  it('refuses to start where a record was changed or put in another’s place', async (t) => {
    const path = await place(t);
    const before = start(path);
    for (let i = 0; i < 3; i++) before.table.create(`a${i}`, 'value', LONG_MS);
    before.keeper.close();
    const database = new DatabaseSync(path);
    const rows = database.prepare('SELECT id, box FROM records').all();
    const box = rows[0]?.['box'] as Uint8Array;
    database.prepare('UPDATE records SET box = ? WHERE id = ?').run(box, rows[1]?.['id'] as Uint8Array);
    database.close();
    assert.throws(
      () => start(path),
      /cannot be used: (1 of its records were changed|it was written with another key)/,
    );
  });

  it('writes what changes by itself, many at a time', async (t) => {
    const path = await place(t);
    const { table, keeper } = start(path);
    for (let i = 0; i < 1000; i++) table.create(`a${i}`, 'value', LONG_MS);
    // Written when a copy has them: the file itself is locked.
    const copy = await place(t);
    for (;;) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      for (const end of ['', '-wal']) await cp(`${path}${end}`, `${copy}${end}`);
      const other = start(copy);
      const { size } = other.table;
      other.keeper.close();
      for (const end of ['', '-wal']) await rm(`${copy}${end}`, { force: true });
      if (size === 1000) break;
    }
    keeper.close();
  });

  it('goes on without the disk, says so once, and writes when it can again', async (t) => {
    const path = await place(t);
    let failing = false;
    class FullDisk extends RecordFile {
      override write(...operands: Parameters<RecordFile['write']>): void {
        if (failing) throw new Error('the disk is full');
        super.write(...operands);
      }
    }
    const { table, keeper, logged } = start(path, { open: (at) => new FullDisk(at) });
    failing = true;
    table.create('a', 'value', LONG_MS);
    keeper.flush();
    keeper.flush();
    assert.deepEqual(logged, [`error: records cannot be written to ${path}: the disk is full`]);
    assert.equal(table.read('a')?.value, 'value');
    failing = false;
    keeper.close();
    const after = start(path);
    assert.equal(after.table.read('a')?.value, 'value');
    after.keeper.close();
  });
});
