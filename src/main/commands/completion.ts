import { type Command, EXIT } from '../command-line.ts';
import { completionScript, SHELLS, type Shell } from '../completion.ts';

/** The command completes all commands, itself too, so it asks for them when it runs. */
export function completionCommand(commands: () => Promise<readonly Command[]>): Command {
  return {
    name: 'completion',
    summary: 'Print a completion script for a shell',
    arguments: [{ name: 'shell', required: true, choices: SHELLS, description: 'The shell' }],
    flags: {},
    examples: [
      'source <(portcullis completion bash)',
      'portcullis completion zsh > "${fpath[1]}/_portcullis"',
      'portcullis completion fish > ~/.config/fish/completions/portcullis.fish',
    ],
    async run(given, io) {
      io.out(completionScript(given.args[0] as Shell, await commands()));
      return EXIT.ok;
    },
  };
}
