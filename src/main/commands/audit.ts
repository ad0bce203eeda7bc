import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Given, type Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { cell, dataText, tableText } from '../remote/output.ts';

type Entry = Readonly<Record<string, unknown>>;

const FILTERS = ['from', 'to', 'account', 'action', 'object', 'organization'] as const;
const HEADS = ['number', 'at', 'name', 'action', 'object', 'organization', 'revision'] as const;
const DEFAULT_LIMIT = 50;
const MAX_PAGE = 500;

export const auditCommand = remoteCommand({
  name: 'audit',
  summary: 'Say who did what at a running gateway, the newest first',
  details: [
    'It is read by admins: of an organization, what concerns that. --export prints all of it, the oldest first, an entry a line, and',
    '--verify looks whether every entry is there as it was written.',
  ].join('\n'),
  arguments: [],
  flags: {
    from: { value: 'time', description: 'Entries of this time and later: 2030-01-31T00:00:00Z' },
    to: { value: 'time', description: 'Entries before this time' },
    account: { value: 'name', description: 'Who did it' },
    action: { value: 'name', description: 'create, update, delete, login and so on' },
    object: { value: 'object', description: 'apis/hello; or apis/ for all of a collection' },
    organization: { value: 'name', description: 'What concerns this organization' },
    limit: { value: 'n', description: `How many (${DEFAULT_LIMIT})` },
    export: { description: 'All of them as JSON, an entry a line' },
    after: { value: 'n', description: 'With --export: entries behind this number' },
    verify: { description: 'Say whether the log is whole; 1 where it is not' },
    output: { short: 'o', value: 'form', description: 'table (default), json or yaml' },
  },
  examples: [
    'portcullis audit --object apis/hello',
    'portcullis audit --account alice --from 2030-01-31T00:00:00Z -o json',
    'portcullis audit --export > audit.ndjson',
    'portcullis audit --verify',
  ],
  async run(given, io, client) {
    if (given.has('export') && given.has('verify'))
      throw new UsageError('--export and --verify exclude each other');
    if (given.has('after') && !given.has('export')) throw new UsageError('--after is for --export');
    if (given.has('verify')) return verify(io, client);
    return given.has('export') ? exportAll(given, io, client) : list(given, io, client);
  },
});

function filterOf(given: Given): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(FILTERS.map((name) => [name, given.value(name)]));
}

async function list(given: Given, io: Io, client: AdminClient): Promise<number> {
  const form = given.value('output') ?? 'table';
  if (form !== 'table' && form !== 'json' && form !== 'yaml')
    throw new UsageError(`--output is table, json or yaml, not ${JSON.stringify(form)}`);
  const wanted = numberOf(given, 'limit') ?? DEFAULT_LIMIT;
  const entries: Entry[] = [];
  let before: number | undefined;
  do {
    const limit = Math.min(MAX_PAGE, wanted - entries.length);
    const { body } = await client.call('GET', '/v1/audit', { query: { ...filterOf(given), limit, before } });
    const { items, next } = isRecord(body) ? body : {};
    if (!Array.isArray(items)) throw new AdminFailure('the gateway answered something that is no audit log');
    entries.push(...items.filter(isRecord));
    before = typeof next === 'number' && items.length > 0 ? next : undefined;
  } while (before !== undefined && entries.length < wanted);
  if (form !== 'table') io.out(dataText(entries, form));
  else if (entries.length === 0) io.err('There are no entries.\n');
  else
    io.out(
      tableText(
        HEADS,
        entries.map((entry) => HEADS.map((head) => cell(entry[head]))),
      ),
    );
  return EXIT.ok;
}

/** The gateway answers so many at a time; the last entry says where to go on. */
async function exportAll(given: Given, io: Io, client: AdminClient): Promise<number> {
  let after = numberOf(given, 'after') ?? 0;
  for (;;) {
    const { body } = await client.call('GET', '/v1/audit/export', { query: { ...filterOf(given), after } });
    if (typeof body !== 'string')
      throw new AdminFailure('the gateway answered something that is no audit log');
    const last = body.trimEnd().split('\n').at(-1) ?? '';
    if (last === '') return EXIT.ok;
    io.out(body);
    const { number } = JSON.parse(last) as { readonly number?: unknown };
    if (typeof number !== 'number' || number <= after)
      throw new AdminFailure('the gateway answered something that is no audit log');
    after = number;
  }
}

async function verify(io: Io, client: AdminClient): Promise<number> {
  const { body } = await client.call('GET', '/v1/audit/verify');
  const { kind, entries, last, number } = isRecord(body) ? body : {};
  if (kind === 'intact') {
    io.out(
      `The log is whole: ${cell(entries)} entries${last === undefined ? '' : `, the last one ${cell(last)}`}.\n`,
    );
    return EXIT.ok;
  }
  io.err(`The log is broken at entry ${cell(number)}.\n`);
  return EXIT.failed;
}

function numberOf(given: Given, flag: 'limit' | 'after'): number | undefined {
  const text = given.value(flag);
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || (flag === 'limit' && Number(text) === 0))
    throw new UsageError(`--${flag} takes a number, not ${JSON.stringify(text)}`);
  return Number(text);
}
