import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';
import { formatErrors } from '../config/format.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { type ImportOptions, type ImportResult, importDocument } from './import-document.ts';

const directory = mkdtempSync(join(tmpdir(), 'portcullis-import-'));
// As long as this module: several test files may share it.
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

type Data = Readonly<Record<string, unknown>>;

export interface Imported {
  readonly result: Extract<ImportResult, { ok: true }>;
  /** What the YAML holds. */
  readonly written: Readonly<Record<string, Data | undefined>>;
  readonly config: LoadedConfig;
  /** `kind line:column path: message` */
  readonly report: readonly string[];
}

/** A hash that costs nothing; of no password. */
const HASH = '$scrypt$ln=17,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g';

/** Imports a document, and loads what comes of it with every variable set: an error there fails the test. */
export async function imported(text: string, options: Partial<ImportOptions> = {}): Promise<Imported> {
  const file = join(directory, options.file ?? 'document.yaml');
  writeFileSync(file, text);
  const output = join(directory, 'portcullis.yaml');
  const result = await importDocument({ text, output, hashPassword: async () => HASH, ...options, file });
  assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
  const env = Object.fromEntries(
    result.secrets.map(({ name, value }) => [name, value ?? 'a-secret-that-the-document-does-not-have']),
  );
  const loaded = await loadConfig(output, { text: result.yaml, env });
  assert.ok(loaded.ok, loaded.ok ? '' : `${formatErrors(loaded.errors)}\n${result.yaml}`);
  return {
    result,
    written: parse(result.yaml) as Imported['written'],
    config: loaded.config,
    report: result.findings.map(
      ({ kind, line, column, path, message }) => `${kind} ${line}:${column} ${path}: ${message}`,
    ),
  };
}

/** What is wrong with a document that cannot be imported, as `line:column message`. */
export async function refusal(text: string, options: Partial<ImportOptions> = {}): Promise<string[]> {
  const result = await importDocument({
    text,
    output: join(directory, 'x.yaml'),
    file: 'document.yaml',
    ...options,
  });
  assert.ok(!result.ok, 'it was imported');
  return result.errors.map(({ line, column, message }) => `${line}:${column} ${message}`);
}
