import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { FakeTimers } from '../../../lib/fake-timers.support.ts';
import type { Registration } from './registration.ts';
import { Registry } from './registry.ts';
import { RegistryFile } from './registry-file.ts';

function stage(t: TestContext): { directory: string; path: string; file: RegistryFile } {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-registry-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, 'data', 'registry.json');
  return { directory, path, file: new RegistryFile(path) };
}

const one: Registration = {
  url: 'http://a',
  weight: 2,
  zone: 'z',
  tags: ['x'],
  service: 'orders',
  ttlMs: 5000,
  state: 'inactive',
};

suite('the registry’s file', () => {
  test('that is not there is an empty registry', async (t) => {
    assert.deepEqual(await stage(t).file.read(), { ok: true, registrations: [] });
  });

  test('gives back what was written, for its owner only, and leaves nothing else behind', async (t) => {
    const { path, file } = stage(t);
    assert.equal(await file.write([one]), undefined);
    assert.equal(await file.write([one, { ...one, url: 'http://b' }]), undefined);
    assert.deepEqual(await file.read(), { ok: true, registrations: [one, { ...one, url: 'http://b' }] });
    assert.deepEqual(readdirSync(join(path, '..')), ['registry.json']);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('stays as it was when the next one cannot be written', async (t) => {
    const { path, file } = stage(t);
    await file.write([one]);
    const directory = join(path, '..');
    renameSync(directory, `${directory}.away`);
    writeFileSync(directory, 'what is no directory');
    assert.match((await file.write([])) ?? '', /EEXIST|ENOTDIR/);
    rmSync(directory);
    renameSync(`${directory}.away`, directory);
    assert.deepEqual(await file.read(), { ok: true, registrations: [one] });
  });

  test('brings a registry through a restart', async (t) => {
    const { file } = stage(t);
    const options = {
      timers: new FakeTimers(),
      storage: file,
      saveFailed: (cause: string) => assert.fail(cause),
    };
    const before = new Registry([], options);
    await before.register({ service: 'orders', url: 'http://a:80', ttl: '5s' });
    await before.register({ service: 'orders', url: 'http://b:80', ttl: '5s' });
    await before.deregister({ service: 'orders', url: 'http://b' });
    await before.close();
    const kept = await file.read();
    assert.ok(kept.ok);
    const after = new Registry(kept.registrations, options);
    assert.deepEqual(after.list(), before.list());
    await after.close();
  });
});

suite('a file that is no registry is moved aside, and the registry begins empty', () => {
  const kept = { ...one, url: 'http://a' };
  const table: [title: string, text: string | Buffer, cause: RegExp][] = [
    ['cut off', '{"version":1,"targets":[{"serv', /registry\.json is not JSON$/],
    ['empty', '', /registry\.json is not JSON$/],
    ['not of text', Buffer.from([0xff, 0xfe, 0x00]), /registry\.json is not UTF-8 text$/],
    ['of another version', '{"version":2,"targets":[]}', /is no registry: version: /],
    [
      'with a target that nobody could register',
      JSON.stringify({ version: 1, targets: [{ ...kept, url: 'http://a/b' }] }),
      /is no registry: targets\.0\.url: /,
    ],
    [
      'with more targets than there may be',
      JSON.stringify({ version: 1, targets: Array.from({ length: 10_001 }, () => kept) }),
      /is no registry: targets: /,
    ],
  ];
  for (const [title, text, cause] of table) {
    test(title, async (t) => {
      const { path, file } = stage(t);
      mkdirSync(join(path, '..'));
      writeFileSync(path, text);
      const read = await file.read(1234);
      assert.ok(read.ok);
      assert.deepEqual(read.registrations, []);
      assert.match(read.refused?.cause ?? '', cause);
      assert.equal(read.refused?.keptAs, `${path}.refused-1234`);
      assert.deepEqual(readFileSync(`${path}.refused-1234`), Buffer.from(text));
      assert.equal(existsSync(path), false);
    });
  }

  test('but not one that cannot be read: to begin empty would write over it', async (t) => {
    const { path, file } = stage(t);
    mkdirSync(path, { recursive: true });
    assert.deepEqual(await file.read(), { ok: false, cause: `${path} is a directory` });
    assert.ok(existsSync(path));
  });
});
