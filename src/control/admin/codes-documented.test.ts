import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'node:fs/promises';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';

const SOURCES = fileURLToPath(new URL('.', import.meta.url));
const PAGES = ['admin-api.md', 'rights.md'].map((page) =>
  readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8'),
);

/** How the code of a problem is written: where it is answered, and in tables of codes with their statuses. */
const CODE =
  /(?:problem|refused|malformed)\(\s*(?:\d{3},\s*)?'([a-z_]+)'|^\s+([a-z]+(?:_[a-z]+)+): \d{3},$|code === '[a-z_]+' \? '([a-z_]+)'/gm;

it('Every code that the admin port can answer is documented', async () => {
  const codes = new Set<string>();
  for await (const file of glob('**/*.ts', { cwd: SOURCES })) {
    if (/\.(?:test|support)\.ts$/.test(file)) continue;
    for (const match of readFileSync(`${SOURCES}/${file}`, 'utf8').matchAll(CODE))
      codes.add(match.slice(1).find((code) => code !== undefined) ?? '');
  }
  // One of each way to write it: else what follows proves nothing.
  for (const known of [
    'revision_outdated',
    'unauthenticated',
    'json_malformed',
    'quota_unknown',
    'account_unknown',
  ])
    assert.ok(codes.has(known), known);
  assert.deepEqual(
    [...codes].filter((code) => !PAGES.some((page) => page.includes(`\`${code}\``))),
    [],
  );
});
