import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { replaceFile } from './replace-file.ts';

async function folder(t: TestContext): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'portcullis-file-'));
  t.after(() => rm(made, { recursive: true }));
  return made;
}

describe('A file that is replaced', () => {
  it('has the new content, is the owner’s alone, and leaves nothing beside it', async (t) => {
    const at = await folder(t);
    const path = join(at, 'file.json');
    await replaceFile(path, 'first');
    await replaceFile(path, 'second');
    assert.equal(await readFile(path, 'utf8'), 'second');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(at), ['file.json']);
  });

  it('is whole, whichever of many who do it at one time was the last', async (t) => {
    const at = await folder(t);
    const path = join(at, 'file.json');
    const contents = Array.from({ length: 20 }, (_, i) => String(i).repeat(100_000 + i));
    await Promise.all(contents.map((content) => replaceFile(path, content)));
    assert.ok(contents.includes(await readFile(path, 'utf8')));
    assert.deepEqual(await readdir(at), ['file.json']);
  });

  it('is what it was where that fails, and nothing is left beside it', async (t) => {
    const at = await folder(t);
    const path = join(at, 'taken');
    await mkdir(join(path, 'by a directory'), { recursive: true });
    await assert.rejects(replaceFile(path, 'text'), /EISDIR|ENOTEMPTY|EEXIST/);
    assert.deepEqual(await readdir(at), ['taken']);
  });
});
