import { dirname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { nearest } from '../../lib/nearest.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { PolicyCatalog, PolicySurroundings } from './catalog.ts';
import { digest, type FileReader, MAX_SMALL_FILE_BYTES } from './files.ts';
import { isRecord, type Path } from './place.ts';
import type { Problem } from './problem.ts';
import { holdsReference, type Secrets } from './secrets.ts';

export interface PoliciesContext {
  readonly catalog: PolicyCatalog;
  readonly around: PolicySurroundings;
  readonly secrets: Secrets;
  readonly files: FileReader;
  readonly problems: Problem[];
}

/** Resolves lists of policies and has every use checked. Equal uses are checked once: thousands of routes often share them. */
export class PolicyLists {
  readonly #context: PoliciesContext;
  readonly #names: readonly string[];
  readonly #checked = new Map<string, Promise<readonly Problem[]>>();

  constructor(context: PoliciesContext) {
    this.#context = context;
    this.#names = context.catalog.names();
  }

  /** The list at `path`, as it was written; what is wrong with it becomes problems, and entries that cannot be used are left out. */
  async resolve(list: unknown, path: Path): Promise<readonly PolicyUse[]> {
    if (!Array.isArray(list) || list.length === 0) return [];
    // One after the other: thousands of lists at once would live in memory together, which costs more than it saves.
    const uses: PolicyUse[] = [];
    for (const [index, entry] of list.entries()) {
      const use = await this.#entry(entry, [...path, index]);
      if (use !== undefined) uses.push(use);
    }
    return uses;
  }

  async #entry(entry: unknown, path: Path): Promise<PolicyUse | undefined> {
    const { problems, secrets } = this.#context;
    if (!isRecord(entry)) return undefined;
    const keys = Object.keys(entry);
    const [name, ...others] = keys;
    if (name === undefined) {
      problems.push({ path, message: 'is empty: write the name of a policy and its options' });
      return undefined;
    }
    for (const other of others)
      problems.push({
        path: [...path, other],
        message: `an entry names one policy, and this one names ${name} already`,
        atKey: true,
      });
    if (others.length > 0) return undefined;
    const found = new Set<string>();
    const written = entry[name] ?? {};
    const options = holdsReference(written) ? await secrets.deep(written, [...path, name], found) : written;
    const use = isModulePath(name)
      ? await this.#moduleUse(name, options, path)
      : this.#builtinUse(name, options, path);
    if (use !== undefined) await this.#check(use, [...path, name], found);
    return use;
  }

  #builtinUse(name: string, options: unknown, path: Path): PolicyUse | undefined {
    if (this.#names.includes(name)) return { name, options };
    const suggestion = nearest(name, this.#names);
    const list =
      suggestion === undefined
        ? `; there are: ${this.#names.join(', ')}; a file of your own begins with ./`
        : '';
    this.#context.problems.push({
      path: [...path, name],
      message: `there is no policy ${JSON.stringify(name)}${list}`,
      suggestion,
      atKey: true,
    });
    return undefined;
  }

  async #moduleUse(name: string, options: unknown, path: Path): Promise<PolicyUse | undefined> {
    const { files, problems } = this.#context;
    const file = files.absolute(name);
    const read = await files.read(name, MAX_SMALL_FILE_BYTES);
    if (!read.ok) {
      problems.push({
        path: [...path, name],
        message: `the policy's file ${file} ${read.reason}`,
        atKey: true,
      });
      return undefined;
    }
    const texts = await this.#moduleTexts(file, read.text, new Map());
    return { name, module: `${pathToFileURL(file).href}?v=${digest(JSON.stringify([...texts]))}`, options };
  }

  /** The file's text and those of the files that it imports by a relative path, and they in turn: a change of any is a change of the policy. */
  async #moduleTexts(file: string, text: string, texts: Map<string, string>): Promise<Map<string, string>> {
    if (texts.size >= MAX_MODULE_FILES) return texts;
    texts.set(file, text);
    for (const match of text.matchAll(RELATIVE_IMPORT)) {
      const imported = resolve(dirname(file), match[1] as string);
      if (texts.has(imported)) continue;
      // One that is missing is told of when the policy is loaded; it is watched all the same.
      const read = await this.#context.files.read(imported, MAX_SMALL_FILE_BYTES);
      if (read.ok) await this.#moduleTexts(imported, read.text, texts);
    }
    return texts;
  }

  async #check(use: PolicyUse, path: Path, secrets: ReadonlySet<string>): Promise<void> {
    const key = JSON.stringify([use.name, use.module, use.options]);
    let checked = this.#checked.get(key);
    if (checked === undefined) {
      checked = this.#context.catalog.validate(use, this.#context.around);
      this.#checked.set(key, checked);
    }
    for (const problem of await checked) {
      this.#context.problems.push({
        ...problem,
        path: [...path, ...problem.path],
        message: without(problem.message, secrets),
        atKey: problem.atKey === true || problem.path.length === 0,
      });
    }
  }
}

/** Static and dynamic imports; what a comment or a text holds that looks like one does no harm. */
const RELATIVE_IMPORT = /\b(?:from|import)\s*\(?\s*['"](\.{1,2}\/[^'"\n]+)['"]/g;
const MAX_MODULE_FILES = 500;

/** A user's own policy is named by the path of its file. */
export function isModulePath(name: string): boolean {
  return name.startsWith('./') || name.startsWith('../') || name.startsWith('/');
}

/** A policy may quote an option in its message; a resolved secret must not stand there. */
function without(message: string, secrets: ReadonlySet<string>): string {
  let text = message;
  for (const secret of secrets) text = text.replaceAll(secret, '***');
  return text;
}
