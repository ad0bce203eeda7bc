import { API_STATES } from '../../control/admin/v1/api-status.ts';
import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Given } from '../command-line.ts';
import { tokensOf } from '../remote/accounts.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { isOther, type Kind, kindNamed, tableOf } from '../remote/kinds.ts';
import { cell, dataText, OUTPUT_FLAG, outputForm, printable, tableText } from '../remote/output.ts';

type Fields = Readonly<Record<string, unknown>>;

const PAGE = 500;
const LIST_FLAGS = ['organization', 'search', 'sort', 'service', 'enabled', 'disabled', 'status'] as const;
/** Flags that are not for every collection. */
const ONLY_FOR: Readonly<Partial<Record<(typeof LIST_FLAGS)[number], readonly Kind[]>>> = {
  service: ['apis', 'routes', 'functions'],
  enabled: ['apis', 'routes'],
  disabled: ['apis', 'routes'],
  status: ['apis'],
};
const STATUSES: readonly string[] = API_STATES;
const SORTS: readonly string[] = ['name', '-name', 'updated', '-updated'];

export const getCommand = remoteCommand({
  name: 'get',
  summary: 'List what a running gateway has, or show one of it',
  details: [
    'Also `revisions` and `nodes`; `users`, `service-accounts`, `memberships` (of an account: its name) and `tokens` (of a service',
    'account: its name; else your own). Secrets are not shown.',
  ].join('\n'),
  arguments: [
    {
      name: 'kind',
      required: true,
      description: 'apis, services, routes, consumers and so on, or the singular',
    },
    { name: 'name', description: 'Which one; default: all' },
  ],
  flags: {
    output: OUTPUT_FLAG,
    organization: { value: 'name', description: 'Only those of this organization' },
    search: {
      short: 'q',
      value: 'text',
      description: 'Only those with this text in their name, title, hosts, paths, service or function',
    },
    service: { value: 'name', description: 'Only APIs, routes or functions that name this service' },
    enabled: { description: 'Only APIs or routes that are switched on' },
    disabled: { description: 'Only those that are switched off' },
    status: { value: 'status', description: 'Only APIs that are pending, ready or in error' },
    sort: {
      value: 'by',
      description: 'name (default) or updated; the other way round: --sort=-updated',
    },
  },
  examples: [
    'portcullis get apis',
    'portcullis get api hello -o yaml',
    'portcullis get apis --status error',
    'portcullis get revisions',
    'portcullis get users',
  ],
  async run(given, io, client) {
    const [text = '', name] = given.args;
    const kind = kindNamed(text);
    const form = outputForm(given);
    const isList = name === undefined || kind === 'memberships' || kind === 'tokens';
    const path = kind === 'tokens' ? tokensOf(name) : `/v1/${kind}`;
    const query = isList ? listQuery(given, kind) : {};
    const entities = isList
      ? await listAll(client, kind, path, kind === 'memberships' ? { ...query, account: name } : query)
      : [await readOne(client, path, name, given)];
    if (form === 'json' || form === 'yaml') io.out(dataText(isList ? entities : entities[0], form));
    else if (form === 'name') io.out(entities.map((entity) => `${printable(nameOf(entity))}\n`).join(''));
    else {
      const { heads, rows } = tableOf(kind, entities);
      if (rows.length === 0) io.err(`There are no ${kind}.\n`);
      else io.out(tableText(heads, rows));
    }
    return EXIT.ok;
  },
});

function listQuery(given: Given, kind: Kind): Readonly<Record<string, string | undefined>> {
  const wrong = LIST_FLAGS.find((flag) => given.has(flag) && !isFor(flag, kind));
  if (wrong !== undefined) throw new UsageError(`--${wrong} is not for ${kind}`);
  if (given.has('enabled') && given.has('disabled'))
    throw new UsageError('--enabled and --disabled exclude each other');
  const status = given.value('status');
  if (status !== undefined && !STATUSES.includes(status))
    throw new UsageError(`--status is ${STATUSES.join(', ')}, not ${JSON.stringify(status)}`);
  const sort = given.value('sort');
  if (sort !== undefined && !SORTS.includes(sort))
    throw new UsageError(`--sort is ${SORTS.join(', ')}, not ${JSON.stringify(sort)}`);
  return {
    organization: given.value('organization'),
    q: given.value('search'),
    sort,
    service: given.value('service'),
    enabled: given.has('enabled') ? 'true' : given.has('disabled') ? 'false' : undefined,
    status,
  };
}

function isFor(flag: (typeof LIST_FLAGS)[number], kind: Kind): boolean {
  if (isOther(kind)) return flag === 'organization' && kind === 'memberships';
  return ONLY_FOR[flag]?.includes(kind) !== false;
}

async function readOne(client: AdminClient, path: string, name: string, given: Given): Promise<Fields> {
  for (const flag of LIST_FLAGS.filter((each) => each !== 'organization'))
    if (given.has(flag)) throw new UsageError(`--${flag} is for lists: leave out the name`);
  const entity = readEntity((await client.call('GET', `${path}/${encodeURIComponent(name)}`)).body);
  const organization = given.value('organization');
  if (organization !== undefined && entity['organization'] !== organization)
    throw new AdminFailure(`there is no ${name} of the organization ${organization}`);
  return entity;
}

/** Every entity, page by page. */
async function listAll(
  client: AdminClient,
  kind: Kind,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<readonly Fields[]> {
  const all: Fields[] = [];
  let cursor: string | undefined;
  do {
    const page = isOther(kind) && kind !== 'revisions' ? {} : { limit: PAGE, cursor };
    const { body } = await client.call('GET', path, { query: { ...query, ...page } });
    const { items, next } = isRecord(body) ? body : {};
    if (!Array.isArray(items)) throw new AdminFailure(`the gateway answered no list at ${path}`);
    all.push(...items.map(readEntity));
    cursor = typeof next === 'string' && items.length > 0 ? next : undefined;
  } while (cursor !== undefined);
  return all;
}

function readEntity(body: unknown): Fields {
  if (!isRecord(body)) throw new AdminFailure('the gateway answered something that is no entity');
  return body;
}

/** As a command takes it. */
function nameOf({ name, number, node, id, role, organization, account }: Fields): string {
  if (account !== undefined) return `${cell(organization)}/${cell(account)}`;
  const isToken = id !== undefined && role !== undefined;
  return cell(isToken ? id : (name ?? number ?? node));
}
