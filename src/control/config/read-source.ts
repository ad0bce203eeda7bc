import { extname } from 'node:path';
import { type FileReader, MAX_FILE_BYTES } from './files.ts';
import { withListedPolicies } from './listed-policies.ts';
import type { LoadCache } from './load-cache.ts';
import { jsonSource, type SourceResult, yamlSource } from './source.ts';
import { typescriptSource } from './typescript.ts';

export interface ReadOptions {
  /** What a configuration in TypeScript sees; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** How long a configuration in TypeScript may take; default 10,000. */
  readonly evaluateTimeoutMs?: number | undefined;
  /** The configuration itself, in the language of the file's name, instead of what the file holds; the file need not exist. */
  readonly text?: string | undefined;
}

/** Reads the file of a configuration in the language of its name. `path` is absolute. */
export async function readSource(
  path: string,
  files: FileReader,
  cache: LoadCache,
  options: ReadOptions,
): Promise<SourceResult> {
  const read =
    options.text === undefined
      ? await files.read(path, MAX_FILE_BYTES)
      : { ok: true as const, text: options.text };
  if (!read.ok) return refused(path, `the configuration ${read.reason}`);
  switch (extname(path).toLowerCase()) {
    case '.json':
      return fromText(path, read.text, cache, jsonSource);
    case '.yaml':
    case '.yml':
      return fromText(path, read.text, cache, yamlSource);
    case '.ts':
    case '.mts':
    case '.js':
    case '.mjs':
      return listed(
        await typescriptSource(path, read.text, {
          timeoutMs: options.evaluateTimeoutMs ?? 10_000,
          env: options.env ?? process.env,
        }),
      );
    default:
      return refused(path, 'a configuration ends in .yaml, .yml, .json, .ts, .mts, .js or .mjs');
  }
}

/** A text says all that there is to say; a configuration in TypeScript is evaluated by every load, since it may ask for anything. */
function fromText(
  path: string,
  text: string,
  cache: LoadCache,
  read: (path: string, text: string) => SourceResult,
): SourceResult {
  const known = cache.sourceOf(path, text);
  if (known !== undefined) return { ok: true, source: known };
  const result = listed(read(path, text));
  if (result.ok) cache.keepSource(text, result.source);
  return result;
}

function refused(file: string, message: string): SourceResult {
  return {
    ok: false,
    errors: [{ severity: 'error', file, line: 1, column: 1, path: '', text: '', message }],
  };
}

function listed(result: SourceResult): SourceResult {
  return result.ok ? { ...result, source: withListedPolicies(result.source) } : result;
}
