import { extname, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { formatErrors } from '../../control/config/format.ts';
import { jsonSource, yamlSource } from '../../control/config/source.ts';
import { isRecord } from '../../lib/is-record.ts';
import { readText } from '../../lib/read-text.ts';
import type { Io } from '../command-line.ts';
import { UsageError } from './connect.ts';

export type Document = Readonly<Record<string, unknown>>;

const MAX_BYTES = 16 * 1024 * 1024;
const STANDARD_INPUT = '-';

/**
 * The map that stands in a file, in YAML or, where its name ends in .json, in JSON; `-` is the standard input. Throws `UsageError` with the
 * places of what cannot be read.
 */
export async function readDocument(name: string, io: Io): Promise<Document> {
  if (name === STANDARD_INPUT) return documentOf('standard input', await textOf(io.input), io);
  const file = resolve(io.cwd, name);
  const read = await readText(file, MAX_BYTES);
  if (!read.ok) throw new UsageError(`${name} ${read.reason}`);
  return documentOf(file, read.text, io);
}

/** The map in a text that is called `name`. */
export function documentOf(name: string, text: string, { cwd, errTerminal, color }: Io): Document {
  const read = extname(name).toLowerCase() === '.json' ? jsonSource(name, text) : yamlSource(name, text);
  if (!read.ok)
    throw new UsageError(
      `it cannot be read\n${formatErrors(read.errors, { cwd, color: errTerminal && color })}`,
    );
  const { value } = read.source;
  if (!isRecord(value)) throw new UsageError(`${name} holds no map`);
  return value;
}

async function textOf(input: Readable | undefined): Promise<string> {
  if (input === undefined) throw new UsageError('there is no standard input');
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of input as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BYTES)
      throw new UsageError(`the standard input has more than ${MAX_BYTES / 1024 ** 2} MiB`);
  }
  return Buffer.concat(pieces).toString('utf8');
}

/** The files as one; throws `UsageError` where two say something of the same. */
export async function readDocuments(files: readonly string[], io: Io): Promise<Document> {
  if (files.length === 0) throw new UsageError('say which files: -f gateway.yaml');
  const whole: Record<string, Record<string, unknown>> = {};
  for (const file of files) {
    for (const [collection, entries] of Object.entries(await readDocument(file, io))) {
      if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
        throw new UsageError(`${file}: ${collection} is no map of names`);
      const known = (whole[collection] ??= {});
      for (const [name, value] of Object.entries(entries)) {
        if (Object.hasOwn(known, name))
          throw new UsageError(`${file}: ${collection}.${name} is in another file too`);
        known[name] = value;
      }
    }
  }
  return whole;
}
