import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { it } from 'node:test';
import { formatErrors } from './format.ts';
import { loadConfig } from './load.ts';

export interface ErrorCase {
  readonly title: string;
  /** By name; the first one is loaded. */
  readonly files: Readonly<Record<string, string | Uint8Array>>;
  /** What a user sees; `<dir>` stands for the directory of the files. */
  readonly errors: string;
}

/** A test for each case. */
export function checkErrors(cases: readonly ErrorCase[]): void {
  for (const { title, files, errors } of cases) {
    void it(title, async () => assert.equal(`${await shown(files)}\n`, errors));
  }
}

async function shown(files: ErrorCase['files']): Promise<string> {
  const home = mkdtempSync(join(tmpdir(), 'portcullis-errors-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(home, name)), { recursive: true });
      writeFileSync(join(home, name), text);
    }
    const [name] = Object.keys(files);
    const result = await loadConfig(join(home, name as string), {
      env: { EMPTY: '', LINES: 'two\nlines', SHORT: 'fifteen letters', PLAIN_REDIS: 'redis://a:1/0' },
      evaluateTimeoutMs: 60_000,
    });
    const problems = result.ok ? result.warnings : [...result.errors, ...result.warnings];
    return formatErrors(problems, { cwd: home }).replaceAll(home, '<dir>');
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
