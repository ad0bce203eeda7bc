import { isRecord } from '../../lib/is-record.ts';
import type { Path } from '../config/place.ts';
import type { Findings } from './findings.ts';

/** A map of a document, of which it is known what was read: what was not is told as lost. `null` is as good as nothing. */
export class Entry {
  readonly path: Path;
  readonly findings: Findings;
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #read = new Set<string>();

  constructor(value: Readonly<Record<string, unknown>>, path: Path, findings: Findings) {
    this.#value = value;
    this.path = path;
    this.findings = findings;
  }

  get keys(): string[] {
    return Object.keys(this.#value);
  }

  at(key: string | number): Path {
    return [...this.path, key];
  }

  has(key: string): boolean {
    return this.#get(key) !== undefined;
  }

  raw(key: string): unknown {
    this.#read.add(key);
    return this.#get(key);
  }

  text(key: string): string | undefined {
    const value = this.raw(key);
    if (value === undefined || typeof value === 'string') return value;
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return this.#wrong(this.at(key), 'is no text');
  }

  number(key: string): number | undefined {
    const value = this.raw(key);
    return value === undefined || typeof value === 'number'
      ? value
      : this.#wrong(this.at(key), 'is no number');
  }

  flag(key: string): boolean | undefined {
    const value = this.raw(key);
    return value === undefined || typeof value === 'boolean'
      ? value
      : this.#wrong(this.at(key), 'is neither true nor false');
  }

  /** A list of texts; one text alone is a list of one. Undefined where there is none. */
  texts(key: string): string[] | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    if (!Array.isArray(value))
      return typeof value === 'string' ? [value] : this.#wrong(this.at(key), 'is no list');
    return value.flatMap((each: unknown, index) => {
      if (typeof each === 'string' || typeof each === 'number') return [String(each)];
      this.#wrong([...this.at(key), index], 'is no text');
      return [];
    });
  }

  /** The maps of a list; none where there is no list. */
  entries(key: string): Entry[] {
    const value = this.raw(key);
    if (value === undefined) return [];
    if (!Array.isArray(value)) return this.#wrong(this.at(key), 'is no list') ?? [];
    return value.flatMap((each: unknown, index) => {
      const path = [...this.at(key), index];
      if (isRecord(each)) return [new Entry(each, path, this.findings)];
      this.#wrong(path, 'is no map');
      return [];
    });
  }

  entry(key: string): Entry | undefined {
    const value = this.raw(key);
    if (value === undefined) return undefined;
    return isRecord(value)
      ? new Entry(value, this.at(key), this.findings)
      : this.#wrong(this.at(key), 'is no map');
  }

  /** The same, empty where there is none. */
  entryOrEmpty(key: string): Entry {
    return this.entry(key) ?? new Entry({}, this.at(key), this.findings);
  }

  /** The same with what another says where this one says nothing. */
  over(defaults: Entry): Entry {
    return new Entry(filledUp(this.#value, defaults.#value), this.path, this.findings);
  }

  /** Says nothing of these. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  lost(key: string, message: string, suggestion?: string): void {
    this.#read.add(key);
    this.findings.lost(this.at(key), message, suggestion);
  }

  /** Tells what was not read, to be called last; `what` is what it is a part of. */
  rest(what: string): void {
    for (const key of this.keys)
      if (!this.#read.has(key) && this.#get(key) !== undefined && !isEmpty(this.#get(key)))
        this.findings.lost(this.at(key), `${JSON.stringify(key)} of ${what} is not carried over`);
  }

  #get(key: string): unknown {
    const value = Object.hasOwn(this.#value, key) ? this.#value[key] : undefined;
    return value === null ? undefined : value;
  }

  #wrong(path: Path, message: string): undefined {
    this.findings.lost(path, `${message}, and is left out`);
  }
}

function filledUp(
  value: Readonly<Record<string, unknown>>,
  defaults: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const filled: Record<string, unknown> = { ...defaults, ...value };
  for (const [key, inner] of Object.entries(defaults)) {
    const own = Object.hasOwn(value, key) ? value[key] : undefined;
    if (own === undefined || own === null) filled[key] = inner;
    else if (isRecord(own) && isRecord(inner)) filled[key] = filledUp(own, inner);
  }
  return filled;
}

function isEmpty(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isRecord(value) && Object.keys(value).length === 0;
}
