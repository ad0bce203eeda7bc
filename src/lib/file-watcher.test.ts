import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { FileWatcher, type WatchOptions } from './file-watcher.ts';

interface Stage {
  readonly directory: string;
  readonly watcher: FileWatcher;
  /** Resolves with the next change told. */
  next(): Promise<void>;
  /** Changes told so far. */
  told(): number;
}

function stage(t: TestContext, options: WatchOptions): Stage {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-watch-'));
  let told = 0;
  let waiting: (() => void) | undefined;
  const watcher = new FileWatcher(() => {
    told++;
    waiting?.();
  }, options);
  t.after(() => {
    watcher.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return {
    directory,
    watcher,
    told: () => told,
    next: () =>
      new Promise((resolve) => {
        waiting = resolve;
      }),
  };
}

/** The poll is too slow to be what notices. */
const BY_SIGN: WatchOptions = { debounceMs: 5, pollMs: 3_600_000, missingMs: 3_600_000 };

describe('a watched file', () => {
  it('is told of when it is written in place', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next } = stage(t, BY_SIGN);
    const file = join(directory, 'portcullis.yaml');
    writeFileSync(file, 'a');
    watcher.watch([file]);
    const changed = next();
    writeFileSync(file, 'ab');
    await changed;
  });

  it('is told of each time that an editor renames a new one over it', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next } = stage(t, BY_SIGN);
    const file = join(directory, 'portcullis.yaml');
    writeFileSync(file, 'a');
    watcher.watch([file]);
    for (const text of ['first', 'second']) {
      const changed = next();
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file);
      await changed;
    }
  });

  it('is not told of while it is gone for a moment, and once when it is back', {
    timeout: 10_000,
  }, async (t) => {
    const { directory, watcher, next, told } = stage(t, BY_SIGN);
    const file = join(directory, 'portcullis.yaml');
    const other = join(directory, 'other.yaml');
    writeFileSync(file, 'a');
    watcher.watch([file, other]);
    unlinkSync(file);
    const changed = next();
    writeFileSync(file, 'b');
    writeFileSync(other, 'c');
    await changed;
    assert.equal(told(), 1);
  });

  it('is told of when it stays away', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next } = stage(t, { ...BY_SIGN, missingMs: 20 });
    const file = join(directory, 'portcullis.yaml');
    writeFileSync(file, 'a');
    watcher.watch([file]);
    const changed = next();
    unlinkSync(file);
    await changed;
  });

  it('is told of when the link that leads to it is swapped, as Kubernetes does with a ConfigMap', {
    timeout: 10_000,
  }, async (t) => {
    const { directory, watcher, next } = stage(t, BY_SIGN);
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'portcullis.yaml'), version);
    }
    symlinkSync('v1', join(directory, '..data'));
    symlinkSync(join('..data', 'portcullis.yaml'), join(directory, 'portcullis.yaml'));
    watcher.watch([join(directory, 'portcullis.yaml')]);
    const changed = next();
    symlinkSync('v2', join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    await changed;
  });

  it('is noticed without any sign by the poll', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next } = stage(t, { debounceMs: 3_600_000, pollMs: 5, missingMs: 0 });
    const file = join(directory, 'portcullis.yaml');
    watcher.watch([file]);
    const changed = next();
    writeFileSync(file, 'a');
    await changed;
  });

  it('may stand in a directory that is made later', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next } = stage(t, { debounceMs: 5, pollMs: 5, missingMs: 0 });
    const file = join(directory, 'conf.d', 'portcullis.yaml');
    watcher.watch([file]);
    const changed = next();
    mkdirSync(join(directory, 'conf.d'));
    writeFileSync(file, 'a');
    await changed;
  });
});

describe('a directory with watched files', () => {
  it('may see other files change without a word', { timeout: 10_000 }, async (t) => {
    const { directory, watcher, next, told } = stage(t, BY_SIGN);
    const file = join(directory, 'portcullis.yaml');
    writeFileSync(file, 'a');
    watcher.watch([file]);
    writeFileSync(join(directory, 'notes.txt'), 'x');
    const changed = next();
    writeFileSync(file, 'ab');
    await changed;
    assert.equal(told(), 1);
  });
});
