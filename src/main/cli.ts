import { messageOf } from '../lib/message-of.ts';
import { type Command, didYouMean, EXIT, type Io, readArguments } from './command-line.ts';
import { commandHelp, programHelp, usage } from './help.ts';
import { readSecret } from './secret-input.ts';
import { VERSION } from './version.ts';

/** Every command by its name, in the order of the help. Only the one that runs is loaded: a start would pay for all. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand,
  dev: async () => (await import('./commands/dev.ts')).devCommand,
  check: async () => (await import('./commands/check.ts')).checkCommand,
  explain: async () => (await import('./commands/explain.ts')).explainCommand,
  get: async () => (await import('./commands/get.ts')).getCommand,
  create: async () => (await import('./commands/create.ts')).createCommand,
  edit: async () => (await import('./commands/edit.ts')).editCommand,
  delete: async () => (await import('./commands/delete.ts')).deleteCommand,
  apply: async () => (await import('./commands/apply.ts')).applyCommand,
  export: async () => (await import('./commands/export.ts')).exportCommand,
  audit: async () => (await import('./commands/audit.ts')).auditCommand,
  rollback: async () => (await import('./commands/rollback.ts')).rollbackCommand,
  status: async () => (await import('./commands/status.ts')).statusCommand,
  context: async () => (await import('./commands/context.ts')).contextCommand,
  login: async () => (await import('./commands/login.ts')).loginCommand,
  logout: async () => (await import('./commands/login.ts')).logoutCommand,
  diff: async () => (await import('./commands/diff.ts')).diffCommand,
  init: async () => (await import('./commands/init.ts')).initCommand,
  import: async () => (await import('./commands/import.ts')).importCommand,
  migrate: async () => (await import('./commands/migrate.ts')).migrateCommand,
  hash: async () => (await import('./commands/hash.ts')).hashCommand,
  schema: async () => (await import('./commands/schema.ts')).schemaCommand,
  completion: async () => (await import('./commands/completion.ts')).completionCommand(allCommands),
};

export function allCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(COMMANDS).map((load) => load()));
}

async function commandNamed(name: string): Promise<Command | undefined> {
  return Object.hasOwn(COMMANDS, name) ? COMMANDS[name]?.() : undefined;
}

/** Runs a command line, without the program's own name; resolves with the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(programHelp(await allCommands()));
    return EXIT.usage;
  }
  if (first === '--version' || first === '-v') {
    io.out(`portcullis ${VERSION}\n`);
    return EXIT.ok;
  }
  if (first === '--help' || first === '-h' || first === 'help') return help(rest[0], io);
  const command = await commandNamed(first);
  if (command === undefined) return unknown(first, io);
  const given = readArguments(command, rest);
  if (typeof given === 'string') {
    io.err(`portcullis ${command.name}: ${given}\nUsage: ${usage(command)}\n`);
    return EXIT.usage;
  }
  if (given.has('help')) {
    io.out(commandHelp(command));
    return EXIT.ok;
  }
  return command.run(given, io);
}

async function help(name: string | undefined, io: Io): Promise<number> {
  if (name === undefined) {
    io.out(programHelp(await allCommands()));
    return EXIT.ok;
  }
  const command = await commandNamed(name);
  if (command === undefined) return unknown(name, io);
  io.out(commandHelp(command));
  return EXIT.ok;
}

function unknown(word: string, io: Io): number {
  const what = word.startsWith('-') ? 'flag' : 'command';
  const names = what === 'flag' ? ['--help', '--version'] : Object.keys(COMMANDS);
  io.err(
    `portcullis: unknown ${what} ${word}${didYouMean(word, names)}\nRun portcullis --help for the commands.\n`,
  );
  return EXIT.usage;
}

/**
 * Runs the process's own command line, and ends the process: what a user's own policy left running must not keep it
 * alive.
 */
export async function runProcess(): Promise<void> {
  const io: Io = {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    input: process.stdin,
    cwd: process.cwd(),
    env: process.env,
    terminal: process.stdout.isTTY,
    errTerminal: process.stderr.isTTY,
    // See no-color.org: any value but an empty one.
    color: (process.env['NO_COLOR'] ?? '') === '' && (process.stdout.isTTY || process.stderr.isTTY),
    secret: () => readSecret(process.stdin, process.stderr),
    confirm: process.stdin.isTTY && process.stderr.isTTY ? askYesNo : undefined,
  };
  let code: number;
  try {
    code = await main(process.argv.slice(2), io);
  } catch (error) {
    io.err(`portcullis: ${messageOf(error)}\n`);
    code = EXIT.failed;
  }
  // A pipe may still hold what was written.
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}

/** On the terminal; anything but yes is no. */
async function askYesNo(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(`${question} [y/N] `)).trim());
  } finally {
    terminal.close();
  }
}
