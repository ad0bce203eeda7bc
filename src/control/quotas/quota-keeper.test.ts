import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Workspace } from '../../../test/support/cli.ts';
import { newCharges, type Period } from '../../state/quota/quota.ts';
import { QuotaTable } from '../../state/quota/quota-table.ts';
import { QuotaFile } from './quota-file.ts';
import { QuotaKeeper } from './quota-keeper.ts';

const DAY_MS = 86_400_000;
const TODAY: Period = { startMs: 100 * DAY_MS, endMs: 101 * DAY_MS };

/** What one process has: a table, and who keeps it. */
function start(path: string, nowMs = TODAY.startMs) {
  const table = new QuotaTable(QuotaTable.allocate(20), 0);
  const logged: string[] = [];
  const log = (_level: string, message: string) => logged.push(message);
  const keeper = new QuotaKeeper({ table, path, log, nowMs: () => nowMs });
  keeper.start();
  const take = (consumer: string, period = TODAY) => {
    const charges = newCharges();
    Object.assign(charges[0] as object, { limit: 1000, period });
    table.take('gold', consumer, charges, nowMs);
    return charges[0]?.used;
  };
  return { keeper, take, logged };
}

describe('The keeper of quotas', () => {
  it('counts on where the process before ended', () => {
    using files = new Workspace();
    const before = start(files.path('quotas.db'));
    for (let i = 0; i < 3; i++) before.take('alice');
    before.take('bob');
    before.keeper.close();
    const after = start(files.path('quotas.db'));
    assert.deepEqual([after.take('alice'), after.take('bob'), after.take('carol')], [4, 2, 1]);
    after.keeper.close();
  });

  it('has its file alone, until its process is dead; then what was flushed is there', async () => {
    using files = new Workspace();
    const path = files.path('quotas.db');
    const script = fileURLToPath(new URL('quota-holder.support.ts', import.meta.url));
    const times = [TODAY.startMs, TODAY.endMs].map(String);
    const other = spawn(process.execPath, [script, path, ...times], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      await once(other.stdout, 'data');
      assert.throws(() => start(path), {
        message: `the quotas in ${path} are in use by another gateway: give each a file of its own, or let them count in Redis`,
      });
    } finally {
      const gone = once(other, 'exit');
      other.kill('SIGKILL');
      await gone;
    }
    const after = start(path);
    assert.equal(after.take('alice'), 2);
    assert.throws(() => start(path), /in use by another gateway/);
    after.keeper.close();
    start(path).keeper.close();
  });

  it('forgets periods that are over', () => {
    using files = new Workspace();
    const before = start(files.path('quotas.db'));
    before.take('alice');
    before.keeper.close();
    const after = start(files.path('quotas.db'), TODAY.endMs);
    after.keeper.close();
    const database = new DatabaseSync(files.path('quotas.db'));
    assert.deepEqual(database.prepare("SELECT * FROM quotas WHERE per = 'day'").all(), []);
    database.close();
  });

  it('does not begin with a file that is none, which it leaves alone', () => {
    using files = new Workspace();
    writeFileSync(files.path('quotas.db'), 'not a database, and long enough to be looked at'.repeat(100));
    assert.throws(() => start(files.path('quotas.db')), /quotas\.db cannot be read: file is not a database/);
  });

  it('tells once that nothing can be written, and writes all when it can again', ({ mock }) => {
    using files = new Workspace();
    const path = files.path('quotas.db');
    const running = start(path);
    const write = mock.method(QuotaFile.prototype, 'write', () => {
      throw new Error('database or disk is full');
    });
    running.take('alice');
    running.keeper.flush();
    running.keeper.flush();
    assert.equal(running.logged.length, 1);
    assert.match(running.logged[0] ?? '', /cannot be written to .*: database or disk is full/);
    write.mock.restore();
    running.keeper.close();
    const after = start(path);
    assert.equal(after.take('alice'), 2);
    after.keeper.close();
  });
});
