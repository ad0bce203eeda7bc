import { extname } from 'node:path';
import { isScalar, parseAllDocuments } from 'yaml';
import { formatErrors } from '../../control/config/format.ts';
import type { Path } from '../../control/config/place.ts';
import type { ConfigError } from '../../control/config/problem.ts';
import { type ConfigSource, jsonSource, locateProblems, yamlSource } from '../../control/config/source.ts';
import { FILE_PARTS } from '../../control/store/entity.ts';
import { isRecord } from '../../lib/is-record.ts';
import type { Io } from '../command-line.ts';
import { InputFailure, UsageError } from './connect.ts';
import { type DocumentText, filesNamed, readDocumentText } from './document-files.ts';
import type { Written } from './written-place.ts';

export type Document = Readonly<Record<string, unknown>>;

/** A map with its places. */
interface DocumentSource extends ConfigSource {
  readonly value: Document;
}

/**
 * What somebody wrote for one entity, in YAML or, where the name ends in .json, in JSON. Throws `InputFailure` with the places of what
 * cannot be read.
 */
export async function readEntity(
  name: string,
  collection: string,
  entity: string,
  io: Io,
): Promise<Written<Document>> {
  return entityOf(await readDocumentText(name, io), collection, entity, io);
}

export function entityOf(text: DocumentText, collection: string, entity: string, io: Io): Written<Document> {
  const source = sourceOf(text, io);
  // As it would stand in a configuration: so it is known where its secrets are.
  const whole: ConfigSource = {
    file: source.file,
    value: { [collection]: { [entity]: source.value } },
    locate: (path) => source.locate(path.slice(2)),
  };
  return {
    value: source.value,
    place: (members) => ({ source: whole, path: [collection, entity, ...members] }),
  };
}

/**
 * The files as one: each may be a folder, and hold several documents. What is of the process and not of the store is left out, with a
 * warning. Throws `InputFailure` where two say something of the same.
 */
export async function readDocuments(names: readonly string[], io: Io): Promise<Written<Document>> {
  if (names.length === 0) throw new UsageError('say which files: -f gateway.yaml');
  const files = (await Promise.all(names.map((name) => filesNamed(name, io.cwd)))).flat();
  const whole = new Whole(io);
  for (const file of files)
    for (const source of sourcesOf(await readDocumentText(file, io), io)) whole.add(source);
  return whole;
}

class Whole implements Written<Document> {
  readonly value: Record<string, unknown> = {};
  readonly #maps = new Map<string, Map<string, DocumentSource>>();
  /** Where the entries of the list of policies are from. */
  readonly #listed: { readonly source: DocumentSource; readonly index: number }[] = [];
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
  }

  add(source: DocumentSource): void {
    const left: string[] = [];
    for (const [collection, entries] of Object.entries(source.value)) {
      if ((FILE_PARTS as readonly string[]).includes(collection)) left.push(collection);
      else if (isRecord(entries)) this.#addMap(source, collection, entries);
      else if (Array.isArray(entries) && collection === 'policies') this.#addList(source, entries);
      else this.#refuse(source, [collection], 'expected a map of entities by name');
    }
    const told = left.filter((part) => part !== '$schema');
    if (told.length === 0) return;
    const warning = 'is of the process and stands in its own file: it is left out here';
    const problems = told.map((part) => ({ path: [part], message: warning, severity: 'warning' as const }));
    this.#io.err(`${shown(locateProblems(source, problems), this.#io)}\n`);
  }

  place(members: Path): { readonly source: ConfigSource; readonly path: Path } | undefined {
    const [collection, name, ...rest] = members;
    if (collection === undefined || name === undefined) return undefined;
    if (collection === 'policies' && this.#listed.length > 0) {
      // The gateway names the entries of a list: p01-cors.
      const listed = this.#listed[Number(/^p(\d+)-/.exec(String(name))?.[1]) - 1];
      return listed && { source: listed.source, path: ['policies', listed.index, ...rest] };
    }
    const source = this.#maps.get(String(collection))?.get(String(name));
    return source && { source, path: members };
  }

  #addMap(source: DocumentSource, collection: string, entries: Document): void {
    const known = this.value[collection] ?? {};
    if (!isRecord(known)) this.#refuse(source, [collection], 'is a list in another file');
    const sources = this.#maps.get(collection) ?? new Map<string, DocumentSource>();
    this.#maps.set(collection, sources);
    for (const name of Object.keys(entries)) {
      if (sources.has(name)) this.#refuse(source, [collection, name], 'is in another file too');
      sources.set(name, source);
    }
    this.value[collection] = { ...known, ...entries };
  }

  #addList(source: DocumentSource, entries: readonly unknown[]): void {
    const known = this.value['policies'] ?? [];
    if (!Array.isArray(known)) this.#refuse(source, ['policies'], 'is a map in another file');
    this.value['policies'] = [...(known as unknown[]), ...entries];
    this.#listed.push(...entries.map((_, index) => ({ source, index })));
  }

  #refuse(source: DocumentSource, path: Path, message: string): never {
    throw new InputFailure(
      `they cannot be taken\n${shown(locateProblems(source, [{ path, message }]), this.#io)}`,
    );
  }
}

/** Every document of a text; the lines of each are those of the text. */
function sourcesOf({ file, text }: DocumentText, io: Io): readonly DocumentSource[] {
  if (isJson(file) || !/^(?:---|\.\.\.)(?:\s|$)/m.test(text)) return [sourceOf({ file, text }, io)];
  const documents = parseAllDocuments(text, { version: '1.2', schema: 'core', prettyErrors: false });
  if (documents.length < 2 || !Array.isArray(documents)) return [sourceOf({ file, text }, io)];
  return documents
    .filter(({ contents, errors }) => !isEmpty(contents) || errors.length > 0)
    .map(({ range: [start, , end] }) =>
      sourceOf({ file, text: text.slice(0, start).replaceAll(/[^\n]/g, ' ') + text.slice(start, end) }, io),
    );
}

function isEmpty(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

function sourceOf({ file, text }: DocumentText, io: Io): DocumentSource {
  const read = isJson(file) ? jsonSource(file, text) : yamlSource(file, text);
  if (!read.ok) throw new InputFailure(`it cannot be read\n${shown(read.errors, io)}`);
  const { source } = read;
  if (!isRecord(source.value)) throw new InputFailure(`${file} holds no map`);
  return { ...source, value: source.value };
}

function isJson(file: string): boolean {
  return extname(file).toLowerCase() === '.json';
}

function shown(errors: readonly ConfigError[], { cwd, errTerminal, color }: Io): string {
  return formatErrors(errors, { cwd, color: errTerminal && color });
}
