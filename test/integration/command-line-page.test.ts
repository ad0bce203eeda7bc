import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { RunningCli, Workspace } from '../support/cli.ts';
import { exampleName, fencesOf } from '../support/markdown.ts';

const fences = fencesOf(
  readFileSync(fileURLToPath(new URL('../../docs/command-line.md', import.meta.url)), 'utf8'),
);

describe('docs/command-line.md', () => {
  it('shows what portcullis explain prints for its example', { timeout: 30_000 }, async () => {
    const example = fences.find((fence) => exampleName(fence) === 'shop.yaml');
    const shown = fences.find(({ text }) => text.startsWith('GET https://api.example.com/users/7\n'));
    using files = new Workspace({ 'shop.yaml': example?.text ?? '' });
    await using cli = new RunningCli(
      ['explain', 'GET https://api.example.com/users/7', '-c', 'shop.yaml'],
      files.directory,
    );
    assert.deepEqual(await cli.exited, { code: 0, signal: null });
    assert.equal(cli.stdout.trimEnd(), shown?.text.trimEnd());
  });
});
