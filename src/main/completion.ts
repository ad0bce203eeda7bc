import { type Command, HELP_FLAG } from './command-line.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A script that completes commands, flags and the values that are known; file names elsewhere. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return zsh(commands);
    case 'fish':
      return fish(commands);
  }
}

function flagWords(command: Command): string[] {
  return Object.entries({ ...command.flags, help: HELP_FLAG }).flatMap(([name, flag]) => [
    `--${name}`,
    ...(flag.short === undefined ? [] : [`-${flag.short}`]),
  ]);
}

function choices(command: Command): readonly string[] {
  return command.arguments[0]?.choices ?? [];
}

function bash(commands: readonly Command[]): string {
  const cases = commands.map(
    (command) => `    ${command.name}) words="${[...flagWords(command), ...choices(command)].join(' ')}" ;;`,
  );
  return `# portcullis completion for bash: source <(portcullis completion bash)
_portcullis() {
  local current="\${COMP_WORDS[COMP_CWORD]}" words
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...commands.map(({ name }) => name), '--help', '--version'].join(' ')}" -- "$current"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases.join('\n')}
    *) words="" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  case "$current" in
    -*) ;;
    *) COMPREPLY+=($(compgen -f -- "$current")) ;;
  esac
}
complete -o filenames -F _portcullis portcullis
`;
}

/** Within single quotes, and without the characters that _arguments and _describe read. */
function zshText(text: string): string {
  return text.replaceAll(/[[\]:\\]/g, (character) => `\\${character}`).replaceAll("'", `'\\''`);
}

function zsh(commands: readonly Command[]): string {
  const names = commands.map(({ name, summary }) => `    '${name}:${zshText(summary)}'`);
  const cases = commands.map((command) => {
    const specs = Object.entries({ ...command.flags, help: HELP_FLAG }).map(([name, flag]) => {
      const forms = flag.short === undefined ? `'--${name}` : `{-${flag.short},--${name}}'`;
      const repeat = flag.repeatable === true ? `'*'` : '';
      const value =
        flag.value === undefined ? '' : `:${flag.value}:${flag.value === 'file' ? '_files' : ' '}`;
      return `${repeat}${forms}[${zshText(flag.description)}]${value}'`;
    });
    const argument = command.arguments[0];
    if (argument !== undefined) {
      const values = argument.choices === undefined ? '_files' : `(${argument.choices.join(' ')})`;
      specs.push(`'1:${argument.name}:${values}'`);
    }
    return `    ${command.name}) _arguments ${specs.join(' ')} ;;`;
  });
  return `#compdef portcullis
# portcullis completion for zsh: portcullis completion zsh > "\${fpath[1]}/_portcullis"
_portcullis() {
  local -a commands
  commands=(
${names.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command="\${words[2]}"
  shift words
  (( CURRENT-- ))
  case "$command" in
${cases.join('\n')}
  esac
}
if [ "$funcstack[1]" = _portcullis ]; then
  _portcullis "$@"
else
  compdef _portcullis portcullis
fi
`;
}

function fishText(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function fish(commands: readonly Command[]): string {
  const lines = [
    '# portcullis completion for fish: portcullis completion fish > ~/.config/fish/completions/portcullis.fish',
  ];
  for (const command of commands) {
    lines.push(
      `complete -c portcullis -n __fish_use_subcommand -f -a ${command.name} -d ${fishText(command.summary)}`,
    );
    const when = `-n '__fish_seen_subcommand_from ${command.name}'`;
    for (const [name, flag] of Object.entries({ ...command.flags, help: HELP_FLAG })) {
      const short = flag.short === undefined ? '' : ` -s ${flag.short}`;
      const value = flag.value === undefined ? '' : ' -r';
      lines.push(
        `complete -c portcullis ${when}${short} -l ${name}${value} -d ${fishText(flag.description)}`,
      );
    }
    if (choices(command).length > 0) {
      lines.push(`complete -c portcullis ${when} -f -a ${fishText(choices(command).join(' '))}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
