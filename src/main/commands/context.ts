import { resolve } from 'node:path';
import { type Command, didYouMean, EXIT, type Given, type Io } from '../command-line.ts';
import { adminUrl, openContexts, readAuthorities, reporting, UsageError } from '../remote/connect.ts';
import { CONTEXT_NAME, type Contexts } from '../remote/contexts.ts';
import { tableText } from '../remote/output.ts';

const ACTIONS = ['list', 'use', 'add', 'remove'] as const;

export const contextCommand: Command = {
  name: 'context',
  summary: 'Keep the gateways that commands talk to, by name',
  details: [
    'They stand in portcullis/contexts.json below XDG_CONFIG_HOME or ~/.config, which only you can read: tokens are in it.',
    '`portcullis login` adds one together with a token.',
  ].join('\n'),
  arguments: [
    { name: 'action', choices: ACTIONS, description: 'What to do; default list' },
    { name: 'name', description: 'Of the context' },
  ],
  flags: {
    url: { value: 'url', description: 'Address of the admin port, for add' },
    ca: { value: 'file', description: 'PEM of the authorities that it is trusted by, for add' },
  },
  examples: [
    'portcullis context add staging --url https://gateway.staging.example.com:9900',
    'portcullis context use staging',
  ],
  run: (given, io) => reporting('context', io, () => act(given, io)),
};

async function act(given: Given, io: Io): Promise<number> {
  const [action = 'list', name] = given.args;
  const contexts = await openContexts(io);
  if (action === 'list') {
    list(contexts, io);
    return EXIT.ok;
  }
  if (name === undefined) throw new UsageError(`say which: portcullis context ${action} <name>`);
  if (action === 'add') await add(contexts, name, given, io);
  else {
    if (contexts.get(name) === undefined)
      throw new UsageError(`there is no context ${name}${didYouMean(name, contexts.names)}`);
    if (action === 'use') await contexts.use(name);
    else await contexts.remove(name);
  }
  return EXIT.ok;
}

async function add(contexts: Contexts, name: string, given: Given, io: Io): Promise<void> {
  const url = given.value('url');
  if (url === undefined) throw new UsageError('say where it is: --url https://gateway.example.com:9900');
  if (!CONTEXT_NAME.test(name))
    throw new UsageError('a name has up to 100 letters, digits, ".", "_" and "-"');
  if (contexts.get(name)?.token !== undefined)
    throw new UsageError(
      `there is a context ${name} that is logged in: first portcullis logout ${name}, or give another name`,
    );
  const file = given.value('ca');
  const ca = file === undefined ? undefined : await readAuthorities(resolve(io.cwd, file));
  await contexts.put(name, { url: adminUrl(url).origin, ...(ca === undefined ? {} : { ca }) });
}

function list(contexts: Contexts, io: Io): void {
  if (contexts.names.length === 0) {
    io.err('There are no contexts: commands talk to http://127.0.0.1:9900.\n');
    return;
  }
  const rows = contexts.names.map((name) => {
    const context = contexts.get(name);
    return [
      name === contexts.current ? '*' : '',
      name,
      context?.url ?? '',
      context?.token === undefined ? 'no' : 'yes',
    ];
  });
  io.out(tableText(['', 'name', 'url', 'token'], rows));
}
