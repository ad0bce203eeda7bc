import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { Changes } from '../../../test/support/changes.ts';
import type { EntityStore } from '../store/entity-store.ts';
import type { StoreSettings } from '../store/schema.ts';
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

it('A storm of announcements has the store asked once more, and not once for each', async (t) => {
  const events = new Changes();
  let announce = (): void => {};
  const answers: ((revision: number) => void)[] = [];
  const database = {
    listen: (onNews: () => void) => {
      announce = onNews;
      return { close() {} };
    },
  };
  const store = {
    database,
    newest: () =>
      new Promise<number>((resolve) => {
        answers.push(resolve);
        events.tell();
      }),
  } as unknown as EntityStore;
  const follower = new StoreFollower({
    connection: {
      existing: async () => store,
      sealer: () => assert.fail(),
      settings: { pollMs: 3_600_000 } as StoreSettings,
    },
    log: () => {},
  });
  t.after(() => follower.close());
  let news = 0;
  follower.follow(
    async () => {
      news++;
      follower.offer(news);
    },
    () => events.tell(),
  );
  await events.until(() => answers.length === 1, 'the first look');
  for (let i = 0; i < 1000; i++) announce();
  answers[0]?.(1);
  await events.until(() => answers.length === 2, 'the look after it');
  const over = events.until(() => answers.length > 2, 'no more', undefined, 100);
  answers[1]?.(1);
  await assert.rejects(over);
  assert.deepEqual([answers.length, news], [2, 1]);
});
