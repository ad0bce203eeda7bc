import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { type Command, EXIT } from '../command-line.ts';
import { DEFAULT_CONFIG_FILES } from '../config-file.ts';
import { STARTER_FILES } from '../starter.ts';

export const initCommand: Command = {
  name: 'init',
  summary: 'Write a first configuration, with comments, and a policy of your own',
  details:
    'Writes portcullis.yaml and policies/greeting.ts. Never overwrites: where one of them is there, nothing is written.',
  arguments: [
    { name: 'dir', description: 'Directory; default: the working directory. Made if it is not there' },
  ],
  flags: {},
  examples: ['portcullis init', 'portcullis init my-gateway'],
  async run(given, io) {
    const directory = resolve(io.cwd, given.args[0] ?? '.');
    const taken = [...DEFAULT_CONFIG_FILES, ...Object.keys(STARTER_FILES)].find((name) =>
      existsSync(join(directory, name)),
    );
    if (taken !== undefined) {
      io.err(`portcullis init: ${join(directory, taken)} is there already; nothing was written\n`);
      return EXIT.failed;
    }
    for (const [name, content] of Object.entries(STARTER_FILES)) {
      const file = join(directory, name);
      await mkdir(dirname(file), { recursive: true });
      // wx: what another program wrote since the look above is not overwritten either.
      await writeFile(file, content, { flag: 'wx' });
      io.out(`wrote ${relative(io.cwd, file)}\n`);
    }
    const inside = relative(io.cwd, directory);
    io.out(`Start it with: ${inside === '' ? '' : `cd ${inside} && `}portcullis dev\n`);
    return EXIT.ok;
  },
};
