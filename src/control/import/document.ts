import { extname } from 'node:path';
import { isRecord } from '../../lib/is-record.ts';
import type { ConfigError } from '../config/problem.ts';
import { type ConfigSource, jsonSource, type SourceResult, yamlSource } from '../config/source.ts';

/** A document to import is larger than that by mistake or on purpose. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

export type ReadDocument =
  | { readonly ok: true; readonly source: ConfigSource; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Reads JSON or YAML as a configuration is read: repeated keys, cycles, alias bombs and deep nesting are errors. Never throws. */
export function readDocument(file: string, text: string): ReadDocument {
  if (Buffer.byteLength(text) > MAX_DOCUMENT_BYTES) return refused(file, 'is larger than 16 MiB');
  const isJson = extname(file).toLowerCase() === '.json' || /^\s*\{\s*"/.test(text.slice(0, 1000));
  let read: SourceResult;
  try {
    read = (isJson ? jsonSource : yamlSource)(file, text);
  } catch (error) {
    // The parser of YAML goes as deep as the text does.
    if (error instanceof RangeError) return refused(file, 'is nested too deep');
    throw error;
  }
  if (!read.ok) return read;
  const { source } = read;
  return isRecord(source.value)
    ? { ok: true, source, value: source.value }
    : refused(file, 'is not a map of names to values');
}

function refused(file: string, reason: string): ReadDocument {
  const message = `the document ${reason}`;
  return {
    ok: false,
    errors: [{ severity: 'error', file, line: 1, column: 1, path: '', text: '', message }],
  };
}
