import { existsSync } from 'node:fs';
import { formatErrors } from '../../control/config/format.ts';
import { loadConfig } from '../../control/config/load.ts';
import type { StoreDatabase } from '../../control/store/database.ts';
import type { StoreSettings } from '../../control/store/schema.ts';
import { EMPTY_STATE } from '../../control/store/state.ts';
import { openDatabase, StoreConnection } from '../../control/store/store-connection.ts';
import { messageOf } from '../../lib/message-of.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { CONFIG_FLAG, findConfigFile } from '../config-file.ts';

export const migrateCommand: Command = {
  name: 'migrate',
  summary: 'Bring the tables of the store up to date',
  details: [
    'A gateway does so itself when it opens its store; this is for whoever wants to look first, or to do it apart from a start.',
    'Where store.key has several keys, secrets are encrypted with the first one besides: then the others can go.',
  ].join('\n'),
  arguments: [],
  flags: {
    config: CONFIG_FLAG,
    list: { description: 'Only show every migration, and when it was applied' },
    'dry-run': { description: 'Apply what is due and take it back: nothing changes' },
  },
  examples: ['portcullis migrate --list', 'portcullis migrate --dry-run -c deploy/portcullis.yaml'],
  async run(given, io) {
    const found = findConfigFile(given.value('config'), io);
    if (!found.ok) return failed(io, found.message);
    const settings = await settingsOf(found.file, io);
    if (typeof settings === 'string') return failed(io, settings);
    if (!settings.enabled) return failed(io, 'store.enabled is false: there is nothing to migrate');
    try {
      return given.has('list') || given.has('dry-run')
        ? await look(given, io, settings)
        : await migrateStore(io, settings);
    } catch (error) {
      return failed(io, messageOf(error));
    }
  },
};

/** Where the store is, or what is wrong: what the file says otherwise may need what is in the store. */
async function settingsOf(file: string, io: Io): Promise<StoreSettings | string> {
  let settings: StoreSettings | undefined;
  const loaded = await loadConfig(file, {
    env: io.env,
    stored: (found) => {
      settings = found;
      return EMPTY_STATE;
    },
  });
  if (settings !== undefined) return settings;
  return loaded.ok
    ? loaded.config.store
    : `the configuration cannot be read\n${formatErrors(loaded.errors, { cwd: io.cwd })}`;
}

async function look(given: Given, io: Io, settings: StoreSettings): Promise<number> {
  const { migrate, migrationStatus } = await import('../../control/store/migrate.ts');
  const database = await openAsItIs(settings);
  try {
    if (given.has('list')) {
      for (const { name, summary, appliedAtMs } of await migrationStatus(database))
        io.out(`${name.padEnd(24)} ${shownDate(appliedAtMs)}  ${summary}\n`);
      return EXIT.ok;
    }
    const due = await migrate(database, { dryRun: true });
    io.out(due.length === 0 ? 'nothing to do\n' : `${due.join('\n')}\nnothing was changed: a dry run\n`);
    return EXIT.ok;
  } finally {
    await database.close();
  }
}

/** Without making a file where there is none: then it is looked at what one would get. */
function openAsItIs({ place }: StoreSettings): Promise<StoreDatabase> {
  const isMissing = place.kind === 'sqlite' && !existsSync(place.file);
  return openDatabase(isMissing ? { kind: 'sqlite', file: ':memory:' } : place);
}

async function migrateStore(io: Io, settings: StoreSettings): Promise<number> {
  const connection = new StoreConnection({ settings, log: (_, message) => io.out(`${message}\n`) });
  try {
    const store = await connection.existing();
    if (store === undefined) {
      io.out('there is no store yet: the first change makes it\n');
      return EXIT.ok;
    }
    const count = settings.keys.length > 1 ? await store.reseal() : 0;
    if (count > 0) io.out(`${count} values were encrypted with the first key\n`);
    io.out('the store is up to date\n');
    return EXIT.ok;
  } finally {
    await connection.close();
  }
}

function shownDate(atMs: number | undefined): string {
  return atMs === undefined ? 'due                 ' : new Date(atMs).toISOString().slice(0, 19).concat('Z');
}

function failed(io: Io, message: string): number {
  io.err(`portcullis migrate: ${message}\n`);
  return EXIT.failed;
}
