import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { Changes } from '../../../test/support/changes.ts';
import { EMPTY_STATE } from '../store/state.ts';
import { StoreConnection } from '../store/store-connection.ts';
import { StoreFollower } from './store-follower.ts';

it('A snapshot that cannot be written is told of once, and written as soon as it can be', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-follower-'));
  t.after(() => rm(directory, { recursive: true }));
  const snapshotFile = join(directory, 'not there yet', 'snapshot.json');
  const log: string[] = [];
  const events = new Changes();
  const note = (level: string, message: string): void => {
    log.push(`${level}: ${message}`);
    events.tell();
  };
  const connection = new StoreConnection({
    settings: {
      enabled: true,
      place: { kind: 'postgres', url: 'postgresql://127.0.0.1:1/none', schema: 'none', timeoutMs: 100 },
      keys: [],
      pollMs: 10,
      snapshotFile,
      revisions: 10,
    },
    log: note,
  });
  const follower = new StoreFollower({ connection, log: note });
  t.after(() => follower.close());
  let polls = 0;
  follower.keep({ ...EMPTY_STATE, revision: 7 });
  follower.follow(
    async () => {},
    () => {
      polls++;
      events.tell();
    },
  );
  await events.until(() => polls >= 3, 'the third look at the store');
  await mkdir(dirname(snapshotFile));
  await events.until(() => log.at(-1)?.startsWith('info:') === true, 'a snapshot');
  assert.ok(existsSync(snapshotFile));
  const told = log.filter((line) => line.includes('snapshot'));
  assert.equal(told.length, 2);
  assert.match(told[0] ?? '', /^warn: the snapshot .* cannot be written: ENOENT/);
  assert.equal(told[1], 'info: the snapshot of the store can be written again');
});
