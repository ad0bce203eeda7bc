import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { openSqlite } from './sqlite.ts';

for (const [what, statement] of [
  ['being opened', 'begin exclusive'],
  ['a change', 'begin immediate'],
] as const) {
  it(`while another process has the file, ${what} waits, and everything else on the thread goes on`, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'portcullis-sqlite-'));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, 'store.db');
    const other = new DatabaseSync(file);
    const makeTable = async () => {
      await using store = { at: await openSqlite(file), [Symbol.asyncDispose]: () => store.at.close() };
      await store.at.writing((transaction) =>
        transaction.schema.createTable('made').ifNotExists().addColumn('it', 'text').execute(),
      );
    };
    if (statement === 'begin immediate') await makeTable();
    other.exec(statement);
    let isMade = false;
    const made = makeTable().then(() => {
      isMade = true;
    });
    const started = performance.now();
    let longestMs = 0;
    for (let last = started; last - started < 100; ) {
      await setImmediate();
      longestMs = Math.max(longestMs, performance.now() - last);
      last = performance.now();
    }
    assert.equal(isMade, false);
    assert.ok(longestMs < 500, `nothing else went on for ${Math.round(longestMs)} ms`);
    other.exec('commit');
    await made;
    other.close();
  });
}
