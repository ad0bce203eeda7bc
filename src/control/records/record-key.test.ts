import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { keyFrom } from './record-key.ts';

/** One of them alone might find the other done. */
const ROUNDS = 100;

/** Begins each round when the other does, and gives what it found in each. */
const SOURCE = `
  import { parentPort, workerData } from 'node:worker_threads';
  const { keyFrom } = await import(${JSON.stringify(new URL('record-key.ts', import.meta.url).href)});
  const { paths, begun } = workerData;
  parentPort.postMessage(paths.map((path, round) => {
    Atomics.add(begun, round, 1);
    while (Atomics.load(begun, round) < 2);
    return keyFrom(path, true);
  }));
`;

it('of two that make a key in one moment both get the same, and one of them has made it', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-key-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const names = Array.from({ length: ROUNDS }, (_, round) => `${round}.key`);
  const paths = names.map((name) => join(directory, name));
  const begun = new Int32Array(new SharedArrayBuffer(4 * ROUNDS));
  const workers = [0, 1].map(
    () =>
      new Worker(new URL(`data:text/javascript,${encodeURIComponent(SOURCE)}`), {
        workerData: { paths, begun },
      }),
  );
  t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
  const found = await Promise.all(workers.map((worker) => once(worker, 'message')));
  const [one, other] = found.map(([message]) => message as ReturnType<typeof keyFrom>[]);
  for (const [round, path] of paths.entries()) {
    const key = readFileSync(path, 'utf8').trim();
    assert.deepEqual([one?.[round]?.key, other?.[round]?.key], [key, key]);
    assert.notEqual(one?.[round]?.isNew, other?.[round]?.isNew);
    assert.deepEqual(keyFrom(path, false), { key, isNew: false });
    assert.equal(statSync(path).mode & 0o777, 0o600);
  }
  assert.deepEqual(readdirSync(directory).toSorted(), names.toSorted());
});
