import { dirname, extname, isAbsolute, relative, resolve, sep } from 'node:path';
import { isRecord } from '../../lib/is-record.ts';
import { nameOfStep } from '../../lib/json-pointer.ts';
import { type FileReader, MAX_FILE_BYTES } from '../config/files.ts';
import { type Path, valueAt } from '../config/place.ts';
import type { ConfigError, Problem } from '../config/problem.ts';
import { type ConfigSource, type FilePlace, jsonSource, yamlSource } from '../config/source.ts';

/** A value in one of the files of an OpenAPI description. */
export interface Node {
  readonly value: unknown;
  /** Absolute. */
  readonly file: string;
  readonly path: Path;
}

/** One operation of a path, with what the path has for all of its operations. */
export interface Operation {
  /** As the document writes it. */
  readonly path: string;
  readonly pathItem: Node;
  readonly node: Node;
}

/** The value of a key, or of a place in a list. */
export function child(node: Node, ...steps: readonly (string | number)[]): Node {
  return { value: valueAt(node.value, steps), file: node.file, path: [...node.path, ...steps] };
}

/** What a map holds, in its order; nothing for what is no map. */
export function children(node: Node): [name: string, child: Node][] {
  return isRecord(node.value) ? Object.keys(node.value).map((name) => [name, child(node, name)]) : [];
}

/** The places of a list; nothing for what is none. */
export function itemsOf(node: Node): Node[] {
  return Array.isArray(node.value) ? node.value.map((_, index) => child(node, index)) : [];
}

/** The files that the OpenAPI description of one API is made of, and what is wrong in them. */
export class Documents {
  /** Of files that could not be read as data. */
  readonly errors: ConfigError[] = [];
  /** Something is wrong that no warning does for. */
  broken = false;
  readonly #api: string;
  readonly #files: FileReader;
  readonly #problems: Problem[];
  /** Folders that references may lead to, with all below them: that of the document and that of the configuration. */
  readonly #folders: string[];
  readonly #told = new Set<string>();
  /** undefined for what could not be read. */
  readonly #sources = new Map<string, ConfigSource | undefined>();

  constructor(api: string, files: FileReader, problems: Problem[]) {
    this.#api = api;
    this.#files = files;
    this.#problems = problems;
    this.#folders = [files.absolute('.')];
  }

  /** The document itself, which the configuration names. */
  openRoot(name: string): Promise<Node | undefined> {
    this.#folders.push(dirname(this.#files.absolute(name)));
    return this.open(name, ['apis', this.#api, 'openapi']);
  }

  /** The whole of a file, of which something is wrong at `from` when it cannot be read: that is then told. */
  async open(name: string, from: Path): Promise<Node | undefined> {
    const file = this.#files.absolute(name);
    if (!this.#sources.has(file)) {
      this.#sources.set(file, undefined);
      const read = await this.#files.read(file, MAX_FILE_BYTES);
      if (!read.ok) {
        this.broken = true;
        this.#problems.push({ path: from, message: `the file ${file} ${read.reason}` });
        return undefined;
      }
      const result = (extname(file).toLowerCase() === '.json' ? jsonSource : yamlSource)(file, read.text);
      if (result.ok) this.#sources.set(file, result.source);
      else this.errors.push(...result.errors);
    }
    const source = this.#sources.get(file);
    return source && { value: source.value, file, path: [] };
  }

  /**
   * What a node stands for: itself, or what its `$ref` leads to, in this file or one beside it. Says what is wrong with a reference, and
   * then gives undefined.
   */
  async follow(node: Node): Promise<Node | undefined> {
    let at = node;
    const seen = new Set<unknown>();
    while (isRecord(at.value) && typeof at.value['$ref'] === 'string') {
      if (seen.has(at.value)) return this.wrong(child(node, '$ref'), 'leads to itself');
      seen.add(at.value);
      const next = await this.target(child(at, '$ref'));
      if (next === undefined) return undefined;
      at = next;
    }
    return at;
  }

  /** What one reference leads to. */
  async target(reference: Node): Promise<Node | undefined> {
    const [name = '', pointer = ''] = String(reference.value).split('#', 2);
    if (/^[a-z][a-z0-9+.-]*:/i.test(name))
      return this.wrong(reference, 'leads out of here: write the path of a file beside this one');
    const file = name === '' ? reference.file : resolve(dirname(reference.file), decoded(name));
    // Who writes documents need not be who may read all files of this machine; and errors quote them.
    if (!this.#folders.some((folder) => isBelow(folder, file)))
      return this.wrong(
        reference,
        'leads out of here: a file must be in the folder of the document or of the configuration, or below it',
      );
    const root = await this.open(file, this.placed(reference));
    if (root === undefined) return undefined;
    if (pointer !== '' && !pointer.startsWith('/'))
      return this.wrong(
        reference,
        'leads nowhere: write # and the way to a value, such as #/components/schemas/Pet',
      );
    let at = root;
    for (const step of pointer.split('/').slice(1)) {
      const key = nameOfStep(decoded(step));
      at = child(at, Array.isArray(at.value) ? Number(key) : key);
      if (at.value === undefined)
        return this.wrong(reference, `leads nowhere: there is no ${JSON.stringify(key)} ${this.#where(at)}`);
    }
    return at;
  }

  #where({ file, path }: Node): string {
    const parent = path.slice(0, -1);
    return parent.length === 0 ? `in ${this.#name(file)}` : `at /${parent.join('/')} of ${this.#name(file)}`;
  }

  /** Tells that something is wrong, once however often it is come upon. */
  wrong(node: Node, message: string, more: Partial<Problem> = {}): undefined {
    if (more.severity !== 'warning') this.broken = true;
    const problem = { path: this.placed(node), message, ...more };
    const key = JSON.stringify(problem);
    if (!this.#told.has(key)) this.#problems.push(problem);
    this.#told.add(key);
    return undefined;
  }

  /** The way to a node as problems of the configuration have it; `locate` knows it. */
  placed({ file, path }: Node): Path {
    return ['apis', this.#api, 'openapi', this.#name(file), ...path];
  }

  /** Where in which file `placed` is; undefined for the path of something else. */
  locate([, , , name, ...path]: Path): FilePlace | undefined {
    for (const [file, source] of this.#sources) if (this.#name(file) === name) return source?.locate(path);
    return undefined;
  }

  #name(file: string): string {
    return relative(this.#files.absolute('.'), file);
  }
}

function isBelow(folder: string, file: string): boolean {
  const way = relative(folder, file);
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/** Percent-encoding is undone, as far as it is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
