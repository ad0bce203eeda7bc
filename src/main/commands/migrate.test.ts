import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { startManager } from '../../../test/support/manager.ts';
import { MIGRATIONS } from '../../control/store/migrations/all.ts';
import { runIn } from './run.support.ts';

const STICKY = { cookie: 'node', secret: 'x7Q-secret-token-of-a-service-9zK' };
const KEYS = ['the first key of these tests, hard to guess', 'the second key of these tests, as hard'];
const withKeys = (...keys: readonly (string | undefined)[]): string =>
  `store: { key: ${JSON.stringify(keys)} }\n`;

describe('portcullis migrate', () => {
  it('lists what is due and what was applied, and makes no store to do so', async () => {
    await using at = await startManager();
    const due = await runIn(at.directory, ['migrate', '--list']);
    assert.equal(due.code, 0, due.err);
    assert.deepEqual(
      due.out
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ +/, 2)),
      MIGRATIONS.map(({ name }) => [name, 'due']),
    );
    const dry = await runIn(at.directory, ['migrate', '--dry-run']);
    assert.equal(
      dry.out,
      `${MIGRATIONS.map(({ name }) => name).join('\n')}\nnothing was changed: a dry run\n`,
    );
    assert.equal(
      (await runIn(at.directory, ['migrate'])).out,
      'there is no store yet: the first change makes it\n',
    );
    assert.ok(!existsSync(join(at.directory, 'portcullis.db')));
    const change = { collection: 'services', name: 'a', value: { url: 'http://127.0.0.1:1' } } as const;
    await at.manager.change({ author: 'ann', changes: [change] });
    assert.match(
      (await runIn(at.directory, ['migrate', '--list'])).out,
      /^001-entities +\d{4}-\d\d-\d\dT[\d:]+Z  entities/,
    );
    assert.equal((await runIn(at.directory, ['migrate', '--dry-run'])).out, 'nothing to do\n');
  });

  it('encrypts with the first key, so that the others can go', async () => {
    await using at = await startManager({ config: withKeys(KEYS[0]) });
    const value = { url: 'http://127.0.0.1:1', sticky: STICKY };
    await at.manager.change({ author: 'ann', changes: [{ collection: 'services', name: 'a', value }] });
    writeFileSync(at.file, withKeys(KEYS[1], KEYS[0]));
    const rotated = await runIn(at.directory, ['migrate']);
    assert.equal(
      rotated.out,
      '2 values were encrypted with the first key\nthe store is up to date\n',
      rotated.err,
    );
    await using again = await startManager({ directory: at.directory, config: withKeys(KEYS[1]) });
    assert.deepEqual(again.manager.get('services', 'a')?.value, value);
    await assert.rejects(
      startManager({ directory: at.directory, config: withKeys(KEYS[0]) }),
      /store: the secrets of services\/a were encrypted with another key: see store\.key/,
    );
  });

  it('says where there is no store to be had', async () => {
    await using at = await startManager({ config: 'store: { enabled: false }\n' });
    assert.deepEqual(await runIn(at.directory, ['migrate']), {
      code: 1,
      out: '',
      err: 'portcullis migrate: store.enabled is false: there is nothing to migrate\n',
    });
  });
});
