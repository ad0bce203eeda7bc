import { type Command, type Flag, HELP_FLAG } from './command-line.ts';

const PROGRAM = 'portcullis';

/** Help of the whole program. */
export function programHelp(commands: readonly Command[]): string {
  return [
    `${PROGRAM}: a self-hosted API gateway and API manager`,
    '',
    `Usage: ${PROGRAM} <command> [flags]`,
    '',
    'Commands:',
    ...table(commands.map((command) => [command.name, command.summary])),
    '',
    'Flags:',
    ...table([
      ['-h, --help', 'Show this help, or that of a command'],
      ['-v, --version', 'Show the version'],
    ]),
    '',
    'Exit codes: 0 done, 1 failed, 2 the command line is wrong.',
    '',
  ].join('\n');
}

/** Help of one command. */
export function commandHelp(command: Command): string {
  const lines = [command.summary, '', `Usage: ${usage(command)}`];
  if (command.details !== undefined) lines.push('', command.details);
  if (command.arguments.length > 0) {
    const rows = command.arguments.map(({ name, description, choices }): [string, string] => [
      `<${name}>`,
      choices === undefined ? description : `${description}: ${choices.join(', ')}`,
    ]);
    lines.push('', 'Arguments:', ...table(rows));
  }
  const flags = Object.entries({ ...command.flags, help: HELP_FLAG });
  lines.push('', 'Flags:', ...table(flags.map(([name, flag]) => [flagForm(name, flag), flag.description])));
  if (command.examples.length > 0)
    lines.push('', 'Examples:', ...command.examples.map((line) => `  ${line}`));
  return `${lines.join('\n')}\n`;
}

/** `portcullis check [file] [flags]` */
export function usage(command: Command): string {
  const args = command.arguments.map(({ name, required }) => (required === true ? `<${name}>` : `[${name}]`));
  return [PROGRAM, command.name, ...args, '[flags]'].join(' ');
}

function flagForm(name: string, flag: Flag): string {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `;
  return `${short}--${name}${flag.value === undefined ? '' : ` <${flag.value}>`}${flag.repeatable === true ? ' ...' : ''}`;
}

function table(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
