import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FileLocked, withFileLock } from '../../lib/file-lock.ts';
import { Contexts } from './contexts.ts';

describe('The file of contexts', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'portcullis-contexts-'));
    file = join(folder, 'contexts.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const open = () => Contexts.open({ PORTCULLIS_CONTEXTS: file });
  const stored = () => JSON.parse(readFileSync(file, 'utf8')) as unknown;

  it('keeps what every one of many commands at once changes', async () => {
    const opened = await Promise.all(Array.from({ length: 20 }, open));
    await opened[0]?.put('gone', { url: 'https://gone.example.com:9900' });
    await Promise.all(
      opened.map((contexts, i) =>
        i === 0
          ? contexts.remove('gone')
          : contexts.put(`c${i}`, { url: `https://c${i}.example.com:9900`, token: `t${i}` }),
      ),
    );
    const all = await open();
    assert.deepEqual(all.names.toSorted(), Array.from({ length: 19 }, (_, i) => `c${i + 1}`).toSorted());
    assert.deepEqual(all.get('c7'), { url: 'https://c7.example.com:9900', token: 't7' });
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['contexts.json']);
  });

  it('has a use of what another command added beside what it added itself', async () => {
    const [one, other] = [await open(), await open()];
    await one.put('a', { url: 'https://a.example.com:9900' });
    await other.put('b', { url: 'https://b.example.com:9900' });
    await one.use('a');
    assert.deepEqual(stored(), {
      current: 'a',
      contexts: {
        a: { url: 'https://a.example.com:9900' },
        b: { url: 'https://b.example.com:9900' },
      },
    });
  });

  it('forgets the token of one without making it the current one', async () => {
    const contexts = await open();
    await contexts.put('a', { url: 'https://a.example.com:9900', token: 'secret', ca: 'PEM' });
    await contexts.put('b', { url: 'https://b.example.com:9900' });
    await contexts.forgetToken('a');
    assert.deepEqual(stored(), {
      current: 'b',
      contexts: {
        a: { url: 'https://a.example.com:9900', ca: 'PEM' },
        b: { url: 'https://b.example.com:9900' },
      },
    });
  });

  it('is changed although a command died while it changed it', async () => {
    writeFileSync(`${file}.lock`, 'of somebody who died');
    utimesSync(`${file}.lock`, 0, 0);
    await (await open()).put('a', { url: 'https://a.example.com:9900' });
    assert.deepEqual(readdirSync(folder), ['contexts.json']);
  });

  it('is left as it is by a change of what is no file of contexts any more', async () => {
    const contexts = await open();
    writeFileSync(file, '{"contexts": 1}');
    await assert.rejects(contexts.put('a', { url: 'https://a.example.com:9900' }), {
      message: `${file} is not a file of contexts`,
    });
    assert.deepEqual(stored(), { contexts: 1 });
    assert.deepEqual(readdirSync(folder), ['contexts.json']);
  });
});

describe('A lock file', () => {
  it('that another process holds is waited for, and then told of', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-lock-'));
    const file = join(folder, 'lock');
    try {
      await withFileLock(file, 0, async (isHeld) => {
        assert.equal(await isHeld(), true);
        await assert.rejects(
          withFileLock(file, 0, async () => {}),
          (error) => {
            assert.ok(error instanceof FileLocked);
            assert.equal(error.message, `${file} is held by another process: try again, or delete it`);
            return true;
          },
        );
        writeFileSync(file, 'of another');
        assert.equal(await isHeld(), false);
      });
      // It is not one's own any more, and not taken away.
      assert.equal(readFileSync(file, 'utf8'), 'of another');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
