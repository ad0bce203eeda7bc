import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import type { EntityValue, StoreState } from '../store/entity.ts';
import { Sealer } from '../store/sealer.ts';
import { EMPTY_STATE, stateAfter } from '../store/state.ts';
import { Snapshot } from './snapshot.ts';

const KEY = 'the key of these tests, which nobody guesses';
const SECRET: EntityValue = {
  url: 'http://127.0.0.1:1',
  sticky: { secret: 'x7Q-secret-of-a-service-9zK-long' },
};

function state(number: number, value: EntityValue = SECRET): StoreState {
  const changes = [{ collection: 'services', name: 'a', before: undefined, after: value } as const];
  return stateAfter(EMPTY_STATE, { number, atMs: 1, author: 'ann', message: undefined }, changes);
}

async function place(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-snapshot-'));
  t.after(() => rm(directory, { recursive: true }));
  return join(directory, 'snapshot.json');
}

const snapshot = (file: string, key = KEY) => new Snapshot(file, new Sealer([key]));

describe('The snapshot of the store', () => {
  it('holds the newest of what was written, also where others of its name write at one time', async (t) => {
    const file = await place(t);
    const [one, two] = [snapshot(file), snapshot(file)];
    const all = [1, 2, 3, 4, 5].flatMap((number) => [one.write(state(number)), two.write(state(number))]);
    await Promise.all(all);
    assert.deepEqual(await snapshot(file).read(), state(5));
  });

  it('writes the newest also where the one before could not be written', async (t) => {
    const file = await place(t);
    const kept = new Snapshot(file, new Sealer([]));
    // There is no key for the secret of the first.
    await Promise.all([kept.write(state(1)), kept.write(state(2, { url: 'http://127.0.0.1:1' }))]);
    assert.equal((await kept.read())?.revision, 2);
  });

  it('says so where it cannot be written', async (t) => {
    const file = join(await place(t), 'below a file that is none');
    await assert.rejects(snapshot(file).write(state(1)), {
      message: new RegExp(`^the snapshot ${file} cannot be written: ENOENT`),
    });
  });

  for (const [what, key, change, message] of [
    [
      'of another key',
      'another key of these tests, as hard to guess',
      (text: string) => text,
      /^the secrets of services\/a were encrypted with another key: see store\.key$/,
    ],
    [
      'whose secrets were changed',
      KEY,
      (text: string) => text.replace(/(secrets":"[0-9a-f]+\.)..../, '$1AAAA'),
      /^the secrets of services\/a were changed by somebody else, or by the disk$/,
    ],
    ['that is torn', KEY, (text: string) => text.slice(0, -10), /^the snapshot .* is damaged$/],
    [
      'with a value that is no JSON',
      KEY,
      (text: string) => text.replace('"value":"{', '"value":"'),
      /^the snapshot .* is damaged$/,
    ],
    ['with too little in it', KEY, () => '{"version":1}', /^the snapshot .* is damaged$/],
  ] as const) {
    it(`is refused where it is one ${what}`, async (t) => {
      const file = await place(t);
      await snapshot(file).write(state(1));
      await writeFile(file, change(await readFile(file, 'utf8')));
      await assert.rejects(snapshot(file, key).read(), { message });
    });
  }
});
