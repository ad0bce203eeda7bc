import { messageOf } from '../lib/message-of.ts';
import { type Command, didYouMean, EXIT, type Io, readArguments } from './command-line.ts';
import { applyCommand } from './commands/apply.ts';
import { checkCommand } from './commands/check.ts';
import { completionCommand } from './commands/completion.ts';
import { contextCommand } from './commands/context.ts';
import { createCommand } from './commands/create.ts';
import { deleteCommand } from './commands/delete.ts';
import { devCommand } from './commands/dev.ts';
import { diffCommand } from './commands/diff.ts';
import { editCommand } from './commands/edit.ts';
import { explainCommand } from './commands/explain.ts';
import { exportCommand } from './commands/export.ts';
import { getCommand } from './commands/get.ts';
import { hashCommand } from './commands/hash.ts';
import { importCommand } from './commands/import.ts';
import { initCommand } from './commands/init.ts';
import { rollbackCommand } from './commands/rollback.ts';
import { schemaCommand } from './commands/schema.ts';
import { serveCommand } from './commands/serve.ts';
import { statusCommand } from './commands/status.ts';
import { commandHelp, programHelp, usage } from './help.ts';
import { readSecret } from './secret-input.ts';
import { VERSION } from './version.ts';

/** Every command, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  serveCommand,
  devCommand,
  checkCommand,
  explainCommand,
  getCommand,
  createCommand,
  editCommand,
  deleteCommand,
  applyCommand,
  exportCommand,
  rollbackCommand,
  statusCommand,
  contextCommand,
  diffCommand,
  initCommand,
  importCommand,
  hashCommand,
  schemaCommand,
  completionCommand(() => COMMANDS),
];

/** Runs a command line, without the program's own name; resolves with the exit code. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const [first, ...rest] = argv;
  if (first === undefined) {
    io.err(programHelp(COMMANDS));
    return EXIT.usage;
  }
  if (first === '--version' || first === '-v') {
    io.out(`portcullis ${VERSION}\n`);
    return EXIT.ok;
  }
  if (first === '--help' || first === '-h' || first === 'help') return help(rest[0], io);
  const command = COMMANDS.find(({ name }) => name === first);
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

function help(name: string | undefined, io: Io): number {
  if (name === undefined) {
    io.out(programHelp(COMMANDS));
    return EXIT.ok;
  }
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) return unknown(name, io);
  io.out(commandHelp(command));
  return EXIT.ok;
}

function unknown(word: string, io: Io): number {
  const what = word.startsWith('-') ? 'flag' : 'command';
  const names = what === 'flag' ? ['--help', '--version'] : COMMANDS.map(({ name }) => name);
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
