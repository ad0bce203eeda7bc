import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { nearest } from '../lib/nearest.ts';

/** What a command may touch of the world outside; tests give it another one. */
export interface Io {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whether `out` and `err` are terminals. */
  readonly terminal: boolean;
  readonly errTerminal: boolean;
  /** Whether what goes to a terminal may have colours. */
  readonly color: boolean;
  /** The standard input; undefined: there is none. */
  readonly input?: Readable | undefined;
  /** Asks for a secret, or reads it from the standard input; undefined when none is given. */
  readonly secret: () => Promise<string | undefined>;
  /** Asks for a yes or a no; undefined where nobody could answer. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined;
}

export interface Flag {
  readonly short?: string;
  /** Name of the value, such as `file`; a flag without one is on or off. */
  readonly value?: string;
  readonly repeatable?: boolean;
  readonly description: string;
}

export interface Argument {
  readonly name: string;
  readonly required?: boolean;
  /** The only values allowed. */
  readonly choices?: readonly string[];
  readonly description: string;
}

/** A command as data: help, completion and the reading of arguments come from it. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Further lines of its help. */
  readonly details?: string;
  readonly arguments: readonly Argument[];
  readonly flags: Readonly<Record<string, Flag>>;
  readonly examples: readonly string[];
  /** Resolves with the exit code. */
  run(given: Given, io: Io): Promise<number>;
}

/** 0 done, 1 it failed or found errors, 2 the command line itself is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** The arguments and flags that a command was called with. */
export class Given {
  readonly args: readonly string[];
  readonly #flags: ReadonlyMap<string, readonly string[]>;

  constructor(args: readonly string[], flags: ReadonlyMap<string, readonly string[]>) {
    this.args = args;
    this.#flags = flags;
  }

  has(flag: string): boolean {
    return this.#flags.has(flag);
  }

  /** Names of all that are given. */
  get flags(): readonly string[] {
    return [...this.#flags.keys()];
  }

  value(flag: string): string | undefined {
    return this.#flags.get(flag)?.[0];
  }

  values(flag: string): readonly string[] {
    return this.#flags.get(flag) ?? [];
  }
}

export const HELP_FLAG: Flag = { short: 'h', description: 'Show this help' };

/** Reads the arguments of one command; returns a sentence that says what is wrong with them otherwise. */
export function readArguments(command: Command, argv: readonly string[]): Given | string {
  const flags: Readonly<Record<string, Flag>> = { ...command.flags, help: HELP_FLAG };
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, flag]) => [
      name,
      {
        type: flag.value === undefined ? ('boolean' as const) : ('string' as const),
        multiple: true,
        ...(flag.short === undefined ? {} : { short: flag.short }),
      },
    ]),
  );
  // Not strict: its errors could not say what was meant.
  const { tokens } = parseArgs({
    args: [...argv],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const args: string[] = [];
  const given = new Map<string, string[]>();
  for (const token of tokens) {
    if (token.kind === 'positional') args.push(token.value);
    if (token.kind !== 'option') continue;
    const flag = Object.hasOwn(flags, token.name) ? flags[token.name] : undefined;
    if (flag === undefined)
      return `unknown flag ${token.rawName}${didYouMean(token.name, Object.keys(flags), '--')}`;
    const values = given.get(token.name) ?? [];
    if (values.length > 0 && flag.repeatable !== true) return `${token.rawName} is given twice`;
    if (flag.value === undefined) {
      if (token.value !== undefined) return `${token.rawName} takes no value`;
      values.push('');
    } else {
      const { value } = token;
      // A dash alone is the standard input.
      const swallowed = value !== undefined && !token.inlineValue && value.startsWith('-') && value !== '-';
      if (value === undefined || value === '' || swallowed)
        return `${token.rawName} needs a value: <${flag.value}>`;
      values.push(value);
    }
    given.set(token.name, values);
  }
  if (given.has('help')) return new Given(args, given);
  return wrongArguments(command, args) ?? new Given(args, given);
}

function wrongArguments(command: Command, args: readonly string[]): string | undefined {
  const expected = command.arguments;
  if (args.length > expected.length) return `unexpected argument ${JSON.stringify(args[expected.length])}`;
  for (const [index, argument] of expected.entries()) {
    const value = args[index];
    if (value === undefined) {
      if (argument.required === true) return `<${argument.name}> is missing`;
      continue;
    }
    if (argument.choices !== undefined && !argument.choices.includes(value)) {
      const among = argument.choices.join(', ');
      return `${JSON.stringify(value)} is not a ${argument.name}: ${among}${didYouMean(value, argument.choices)}`;
    }
  }
  return undefined;
}

/** ` (did you mean serve?)`, or nothing where no candidate is near. */
export function didYouMean(word: string, candidates: Iterable<string>, prefix = ''): string {
  const near = nearest(word, candidates);
  return near === undefined ? '' : ` (did you mean ${prefix}${near}?)`;
}
