import { stringify } from 'yaml';
import type { Path } from '../config/place.ts';

/** The collections that an import fills, in the order in which they are written. */
export const DRAFTED = [
  'listeners',
  'certificates',
  'providers',
  'sessions',
  'plans',
  'consumers',
  'services',
  'routes',
  'apis',
] as const;

export type Drafted = (typeof DRAFTED)[number];

/** Plain data, which may still be changed. */
export type Writable = Record<string, unknown>;

export interface DraftEntry {
  readonly name: string;
  value: Writable;
  /** What of the document it was made of. */
  readonly origin: Path;
  readonly comment: string;
}

/** A policy of every route. */
export interface DraftPolicy {
  readonly use: Writable;
  readonly origin: Path;
  readonly comment: string;
}

/** A secret of the document, which does not stand in the configuration. */
export interface DraftSecret {
  /** Name of the variable that the configuration asks for. */
  readonly name: string;
  /** Undefined: the document does not have it. */
  readonly value: string | undefined;
}

const MAX_NAME = 100;

/** A native configuration in the making. Names are those of the document, as far as they can be. */
export class Draft {
  readonly entries: Readonly<Record<Drafted, Map<string, DraftEntry>>> = {
    listeners: new Map(),
    certificates: new Map(),
    providers: new Map(),
    sessions: new Map(),
    plans: new Map(),
    consumers: new Map(),
    services: new Map(),
    routes: new Map(),
    apis: new Map(),
  };
  policies: DraftPolicy[] = [];
  readonly secrets = new Map<string, DraftSecret>();
  readonly #commentOf: (path: Path) => string;

  /** `commentOf` tells where in the document something stands. */
  constructor(commentOf: (path: Path) => string) {
    this.#commentOf = commentOf;
  }

  /** Adds something by that name, or one like it that is free; gives the name. */
  add(collection: Drafted, wanted: string, value: Writable, origin: Path): string {
    const entries = this.entries[collection];
    const name = freeName(
      collection === 'consumers' ? wanted.slice(0, 200) || 'nobody' : nameOf(wanted),
      (taken) => entries.has(taken),
    );
    entries.set(name, { name, value, origin, comment: this.#commentOf(origin) });
    return name;
  }

  addPolicy(use: Writable, origin: Path): void {
    this.policies.push({ use, origin, comment: this.#commentOf(origin) });
  }

  /** What stands in the configuration for a secret; `wanted` says whose it is. */
  secret(wanted: string, value: string | undefined): string {
    const base = wanted
      .toUpperCase()
      .replaceAll(/[^A-Z0-9]+/g, '_')
      .replaceAll(/^_|_$/g, '')
      .slice(0, MAX_NAME);
    const same = this.secrets.get(base);
    const name =
      same !== undefined && same.value === value
        ? base
        : freeName(base, (taken) => this.secrets.has(taken), '_');
    this.secrets.set(name, { name, value });
    return `env:${name}`;
  }

  /** As the configuration has it. */
  toObject(): Writable {
    const written: Writable = {};
    for (const collection of DRAFTED) {
      const entries = this.entries[collection];
      if (entries.size > 0)
        written[collection] = Object.fromEntries(Array.from(entries, ([name, { value }]) => [name, value]));
    }
    if (this.policies.length > 0) written['policies'] = this.policies.map(({ use }) => use);
    return written;
  }

  /** The configuration as YAML, with a comment at each entry that says where it came from. `head` is the first comment. */
  toYaml(head: readonly string[]): string {
    const sections = [head.map(commentLine).join('')];
    for (const collection of DRAFTED) {
      const entries = [...this.entries[collection].values()];
      if (entries.length > 0)
        sections.push(
          `${collection}:\n${entries.map(({ name, value, comment }) => block(comment, { [name]: value })).join('')}`,
        );
      // Before the routes, as they apply.
      if (collection === 'services' && this.policies.length > 0)
        sections.push(
          `policies:\n${this.policies.map(({ use, comment }) => block(comment, [use])).join('')}`,
        );
    }
    return (sections.length > 1 ? sections : [...sections, 'routes: {}\n']).join('\n');
  }
}

function block(comment: string, value: unknown): string {
  const text = stringify(value, {
    version: '1.2',
    schema: 'core',
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `${commentLine(comment)}${text}`.replaceAll(/^(?=.)/gm, '  ');
}

function commentLine(text: string): string {
  return `# ${text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')}\n`;
}

/** As names of a configuration are written. */
export function nameOf(wanted: string): string {
  const name = wanted
    .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9_]+/, '')
    .replace(/-+$/, '')
    .slice(0, MAX_NAME - 6);
  if (name === '') return 'unnamed';
  return /^\d+$/.test(name) ? `n${name}` : name;
}

function freeName(wanted: string, isTaken: (name: string) => boolean, joint = '-'): string {
  if (!isTaken(wanted)) return wanted;
  for (let number = 2; ; number++) {
    const name = `${wanted}${joint}${number}`;
    if (!isTaken(name)) return name;
  }
}
