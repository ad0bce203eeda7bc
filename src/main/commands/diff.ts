import { resolve } from 'node:path';
import { formatErrors } from '../../control/config/format.ts';
import { type LoadOptions, type LoadResult, loadConfig } from '../../control/config/load.ts';
import type { ConfigError } from '../../control/config/problem.ts';
import { diffOutcomes, type OutcomeDiff } from '../../control/outcomes/diff.ts';
import { outcomeDiffText } from '../../control/outcomes/text.ts';
import { isRecord } from '../../lib/is-record.ts';
import { type Command, EXIT, type Given, type Io } from '../command-line.ts';
import { AdminFailure, type AdminReply } from '../remote/admin-client.ts';
import { scopeOf } from '../remote/change-flags.ts';
import { connect, namesGateway, REMOTE_FLAGS, reporting, UsageError } from '../remote/connect.ts';
import { readDocuments } from '../remote/documents.ts';
import { tryFile } from '../remote/file-trial.ts';
import { dataText, textOrData } from '../remote/output.ts';
import { located } from '../remote/written-place.ts';
import { storedFor } from '../store-flag.ts';

/** Beside those of every command: an authentication gets weaker; with `--exit-code`, requests change their outcome otherwise. */
const DIFF_EXIT = { differs: 3, weaker: 4 } as const;

/** Of a command that compares two configurations, wherever it has them from. */
const DIFF_FLAGS: Command['flags'] = {
  output: { short: 'o', value: 'form', description: 'text (default), json or yaml' },
  json: { description: 'The same as -o json' },
  strict: {
    description:
      'Count an authentication that cannot be compared, and more requests than can be tried, as one that gets weaker',
  },
  'exit-code': {
    description: 'End with 3 where requests change their outcome and no authentication gets weaker',
  },
};

export const diffCommand: Command = {
  name: 'diff',
  summary: 'Say which requests change their outcome between two configurations',
  details: [
    'Newly public, newly denied, another service or answer, other authentication, pages or limits: each with an example request.',
    'Of two files; or of a running gateway, for one file that would take the place of its own, for files that would be applied',
    '(-f), or between two of its revisions (--from).',
    'Nothing is sent to any service. Exit code 4: an authentication gets weaker; 0: none does; 1: a configuration has errors.',
  ].join('\n'),
  arguments: [
    {
      name: 'before',
      description: 'Configuration before the change; alone: the one after it, for a running gateway',
    },
    { name: 'after', description: 'Configuration after it' },
  ],
  flags: {
    ...DIFF_FLAGS,
    file: {
      short: 'f',
      value: 'file',
      repeatable: true,
      description: 'What would be applied to a running gateway, as by apply',
    },
    prune: { description: 'With -f: as if apply had --prune' },
    organization: { value: 'name', description: 'With -f: as if apply had it' },
    from: { value: 'n', description: 'Revision of a running gateway' },
    to: { value: 'n', description: 'Another one; default: the one in force' },
    store: {
      description:
        'Of two files: both with what the store holds that <after> names, as a gateway would serve them; it is only read',
    },
    ...REMOTE_FLAGS,
  },
  examples: [
    'portcullis diff deployed.yaml portcullis.yaml',
    'portcullis diff --strict --json deployed.yaml portcullis.yaml',
    'portcullis diff --context production portcullis.yaml',
    'portcullis diff -f gateway.yaml',
    'portcullis diff --from 41',
  ],
  run: (given, io) =>
    reporting('diff', io, async () => {
      const ways = [given.args.length > 0, given.has('file'), given.has('from')].filter(Boolean).length;
      if (ways !== 1)
        throw new UsageError('say what to compare: files, or -f and files, or --from and a revision');
      const [before, after] = given.args;
      if (given.has('store') && after === undefined)
        throw new UsageError('--store is for two files: a running gateway knows its store');
      if (before === undefined) return printDiff(await ofGateway(given, io), given, io);
      if (after !== undefined) return ofFiles(before, after, given, io);
      if (!namesGateway(given))
        throw new UsageError(
          '<after> is missing, or --context or --admin: a gateway that <before> would be for',
        );
      return ofFileForGateway(before, given, io);
    }),
};

async function ofFiles(before: string, after: string, given: Given, io: Io): Promise<number> {
  const load = (name: string, stored: LoadOptions['stored']) =>
    loadConfig(resolve(io.cwd, name), { env: io.env, stored });
  // The store is one: what it holds does not change with the file.
  const to = await load(after, storedFor(given));
  const from = await load(before, to.ok ? to.config.stored : undefined);
  reportErrors(before, from, io);
  reportErrors(after, to, io);
  if (!from.ok || !to.ok) return EXIT.failed;
  return printDiff(await diffOutcomes(from.config, to.config), given, io);
}

function reportErrors(name: string, result: LoadResult, io: Io): void {
  if (!result.ok) tellErrors(name, result.errors, io);
}

function tellErrors(name: string, errors: readonly ConfigError[], io: Io): void {
  io.err(
    `portcullis diff: ${name} has errors\n${formatErrors(errors, { color: io.errTerminal && io.color, cwd: io.cwd })}\n`,
  );
}

/** From what is in force in a gateway to the same with another file in place of its own. */
async function ofFileForGateway(name: string, given: Given, io: Io): Promise<number> {
  const client = await connect(given, io);
  const { sent, errors } = await tryFile(client, resolve(io.cwd, name), io);
  if (errors.length > 0) {
    tellErrors(name, errors, io);
    return EXIT.failed;
  }
  return printDiff(asDiff(await client.call('POST', '/v1/file/outcomes', { body: sent })), given, io);
}

async function ofGateway(given: Given, io: Io): Promise<OutcomeDiff> {
  const client = await connect(given, io);
  if (given.has('file')) {
    const written = await readDocuments(given.values('file'), io);
    const query = scopeOf(given);
    const compare = () => client.call('POST', '/v1/outcomes', { query, body: written.value });
    return asDiff(await located(written, io, compare));
  }
  const query = { from: revisionOf(given, 'from'), to: revisionOf(given, 'to') };
  return asDiff(await client.call('GET', '/v1/outcomes', { query }));
}

function asDiff({ body }: Pick<AdminReply, 'body'>): OutcomeDiff {
  if (!isRecord(body) || !Array.isArray(body['changes']))
    throw new AdminFailure('the gateway answered something else than a comparison: is it another version?');
  return body as unknown as OutcomeDiff;
}

function revisionOf(given: Given, flag: 'from' | 'to'): string | undefined {
  const text = given.value(flag);
  if (text !== undefined && !/^\d{1,15}$/.test(text))
    throw new UsageError(`--${flag} takes the number of a revision, not ${JSON.stringify(text)}`);
  return text;
}

/** Prints what changes; the exit code. The flags are `DIFF_FLAGS`. */
function printDiff(diff: OutcomeDiff, given: Given, io: Io): number {
  const form = given.has('json') ? 'json' : textOrData(given);
  io.out(form === 'text' ? outcomeDiffText(diff) : dataText(diff, form));
  if (diff.cut)
    io.err(
      `portcullis diff: only ${diff.tried} requests were tried: of the others nothing is known${given.has('strict') ? '' : ' (--strict counts that as weaker)'}\n`,
    );
  if (diff.weaker || (given.has('strict') && (diff.incomparable || diff.cut))) return DIFF_EXIT.weaker;
  return given.has('exit-code') && diff.changes.length > 0 ? DIFF_EXIT.differs : EXIT.ok;
}
