import { type FileReader, MAX_SMALL_FILE_BYTES } from './files.ts';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';

const REFERENCE = /^(env|file):(.+)$/s;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

export interface SecretsOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: FileReader;
  readonly problems: Problem[];
}

/** Replaces `env:NAME` and `file:path` by what they stand for. A failure is a problem that names the source, never the value. */
export class Secrets {
  /** Every text that a reference stood for. */
  readonly resolved = new Set<string>();
  readonly #options: SecretsOptions;

  constructor(options: SecretsOptions) {
    this.#options = options;
  }

  /** The text itself where it is no reference; undefined where the reference leads nowhere, which is then a problem. */
  async text(value: string, path: Path): Promise<string | undefined> {
    const match = REFERENCE.exec(value);
    if (!match) return value;
    const target = match[2] as string;
    const text = match[1] === 'env' ? this.#fromEnv(target, path) : await this.#fromFile(target, path);
    if (text !== undefined) this.resolved.add(text);
    return text;
  }

  /** Plain data with every reference in it replaced, however deep, but for those that lead nowhere. `found` gets what they stood for. */
  async deep(value: unknown, path: Path, found: Set<string>): Promise<unknown> {
    if (!holdsReference(value)) return value;
    if (typeof value === 'string') {
      const text = await this.text(value, path);
      if (text === undefined) return value;
      found.add(text);
      return text;
    }
    if (Array.isArray(value))
      return Promise.all(value.map((entry, index) => this.deep(entry, [...path, index], found)));
    const entries = Object.entries(value as Record<string, unknown>).map(
      async ([key, entry]) => [key, await this.deep(entry, [...path, key], found)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }

  #fromEnv(name: string, path: Path): string | undefined {
    const fail = (message: string): undefined => void this.#options.problems.push({ path, message });
    if (!ENV_NAME.test(name)) return fail('what follows env: is not the name of an environment variable');
    const value = this.#options.env[name];
    // `process.env` inherits from Object: `toString` is there, but no text.
    if (typeof value !== 'string') return fail(`the environment variable ${name} is not set`);
    return value === '' ? fail(`the environment variable ${name} is empty`) : value;
  }

  async #fromFile(target: string, path: Path): Promise<string | undefined> {
    const { files, problems } = this.#options;
    const read = await files.read(target, MAX_SMALL_FILE_BYTES);
    if (!read.ok) {
      problems.push({ path, message: `the file ${files.absolute(target)} ${read.reason}` });
      return undefined;
    }
    // Editors and `echo` end a file with a line end, which is no part of a token.
    const text = read.text.replace(/\r?\n$/, '');
    if (text !== '') return text;
    problems.push({ path, message: `the file ${files.absolute(target)} is empty` });
    return undefined;
  }
}

/** Whether a reference stands anywhere in plain data. */
export function holdsReference(value: unknown): boolean {
  if (typeof value === 'string') {
    if (value.startsWith('file:')) return value.length > 5;
    return value.startsWith('env:') && ENV_NAME.test(value.slice(4));
  }
  if (Array.isArray(value)) return value.some(holdsReference);
  return typeof value === 'object' && value !== null && Object.values(value).some(holdsReference);
}
