import { isRecord } from '../../lib/is-record.ts';
import { nearest } from '../../lib/nearest.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { PolicyCatalog, PolicySurroundings } from './catalog.ts';
import type { FileReader } from './files.ts';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';
import { holdsReference, type Secrets } from './secrets.ts';
import { userModule } from './user-module.ts';

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
    const found = await userModule(name, files);
    if ('module' in found) return { name, module: found.module, options };
    problems.push({
      path: [...path, name],
      message: `the policy's file ${found.file} ${found.reason}`,
      atKey: true,
    });
    return undefined;
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
