import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { readText } from '../../lib/read-text.ts';
import type { Io } from '../command-line.ts';
import { UsageError } from './connect.ts';

const MAX_BYTES = 16 * 1024 * 1024;
const STANDARD_INPUT = '-';
const ENDINGS: ReadonlySet<string> = new Set(['.yaml', '.yml', '.json']);

export interface DocumentText {
  /** An absolute path; what the standard input is called, for that. */
  readonly file: string;
  readonly text: string;
}

/** A file, a pipe, or the standard input, which `-` is. Throws `UsageError` where it cannot be read. */
export async function readDocumentText(name: string, { cwd, input }: Io): Promise<DocumentText> {
  if (name === STANDARD_INPUT) {
    if (input === undefined) throw new UsageError('there is no standard input');
    return { file: 'standard input', text: await textOf(input, 'the standard input') };
  }
  const file = resolve(cwd, name);
  // Nobody else reads what a shell gives as <(command), so that it may be a pipe here.
  if ((await stat(file).catch(() => undefined))?.isFIFO() === true)
    return { file, text: await textOf(createReadStream(file), name) };
  const read = await readText(file, MAX_BYTES);
  if (!read.ok) throw new UsageError(`${name} ${read.reason}`);
  return { file, text: read.text };
}

/** What a name stands for: the files of a folder in the order of their names, else itself. */
export async function filesNamed(name: string, cwd: string): Promise<readonly string[]> {
  const path = resolve(cwd, name);
  if (name === STANDARD_INPUT || (await stat(path).catch(() => undefined))?.isDirectory() !== true)
    return [name];
  const files = (await readdir(path)).filter((file) => ENDINGS.has(extname(file).toLowerCase()));
  if (files.length === 0)
    throw new UsageError(`${name} holds no file that ends in ${[...ENDINGS].join(', ')}`);
  return files.sort().map((file) => join(name, file));
}

async function textOf(input: Readable, name: string): Promise<string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of input as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_BYTES) throw new UsageError(`${name} has more than ${MAX_BYTES / 1024 ** 2} MiB`);
  }
  return Buffer.concat(pieces).toString('utf8');
}
