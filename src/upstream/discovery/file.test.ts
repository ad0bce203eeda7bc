import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { FileSource } from './file.ts';
import { RecordingObserver } from './recording-observer.support.ts';

function stage(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-targets-'));
  const file = join(directory, 'targets.yaml');
  const observer = new RecordingObserver();
  // The poll is too slow to be what notices.
  const source = new FileSource(file, observer, { debounceMs: 5, pollMs: 3_600_000, missingMs: 20 });
  t.after(() => {
    source.close();
    rmSync(directory, { recursive: true, force: true });
  });
  return { directory, file, observer, source };
}

const listOf = (...hosts: string[]) => hosts.map((host) => `- url: http://${host}:1\n`).join('');

suite('a file of targets', { timeout: 10_000 }, () => {
  test('is told of at first and when it is written in place', async (t) => {
    const { file, observer, source } = stage(t);
    writeFileSync(file, listOf('b', 'a'));
    source.start();
    assert.deepEqual(await observer.urls(), ['http://a:1', 'http://b:1']);
    writeFileSync(file, listOf('c'));
    assert.deepEqual(await observer.urls(), ['http://c:1']);
  });

  test('is told of when another one is renamed over it', async (t) => {
    const { file, observer, source } = stage(t);
    writeFileSync(file, listOf('a'));
    source.start();
    await observer.list();
    for (const host of ['b', 'c']) {
      writeFileSync(`${file}.new`, listOf(host));
      renameSync(`${file}.new`, file);
      assert.deepEqual(await observer.urls(), [`http://${host}:1`]);
    }
  });

  test('is told of when the link that leads to it is swapped, as Kubernetes does with a ConfigMap', async (t) => {
    const { directory, file, observer, source } = stage(t);
    for (const version of ['v1', 'v2']) {
      mkdirSync(join(directory, version));
      writeFileSync(join(directory, version, 'targets.yaml'), listOf(version));
    }
    symlinkSync('v1', join(directory, '..data'));
    symlinkSync(join('..data', 'targets.yaml'), file);
    source.start();
    assert.deepEqual(await observer.urls(), ['http://v1:1']);
    symlinkSync('v2', join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    assert.deepEqual(await observer.urls(), ['http://v2:1']);
  });

  test('that becomes broken is told of once with its line; its targets stay until it is whole again', async (t) => {
    const { file, observer, source } = stage(t);
    writeFileSync(file, listOf('a'));
    source.start();
    await observer.list();
    writeFileSync(file, `${listOf('a')}- url: http://b:1/path\n`);
    assert.match(await observer.failure(), /targets\.yaml: line 2: url: is not the address of a service/);
    writeFileSync(file, listOf('a'));
    assert.deepEqual(await observer.urls(), ['http://a:1']);
  });

  test('that is not there yet is a failure until it comes', async (t) => {
    const { file, observer, source } = stage(t);
    source.start();
    assert.equal(await observer.failure(), `${file} does not exist`);
    writeFileSync(file, listOf('a'));
    assert.deepEqual(await observer.urls(), ['http://a:1']);
  });

  test('that is taken away and stays away is a failure', async (t) => {
    const { file, observer, source } = stage(t);
    writeFileSync(file, listOf('a'));
    source.start();
    await observer.list();
    unlinkSync(file);
    assert.equal(await observer.failure(), `${file} does not exist`);
  });

  test('that is too large or no file is a failure', async (t) => {
    const large = stage(t);
    writeFileSync(large.file, ' '.repeat(8 * 1024 * 1024 + 1));
    large.source.start();
    assert.equal(await large.observer.failure(), `${large.file} is larger than 8 MiB`);
    const directory = stage(t);
    mkdirSync(directory.file);
    directory.source.start();
    assert.equal(await directory.observer.failure(), `${directory.file} is a directory`);
  });

  test('whose source is closed is not told of any more', async (t) => {
    const { file, observer, source } = stage(t);
    writeFileSync(file, listOf('a'));
    source.start();
    source.close();
    source.close();
    const other = new RecordingObserver();
    const witness = new FileSource(file, other, { debounceMs: 5 });
    witness.start();
    assert.deepEqual(await other.urls(), ['http://a:1']);
    witness.close();
    assert.deepEqual(observer.left, []);
  });
});
