import { isRecord } from '../../lib/is-record.ts';
import { EXIT, type Given } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { type Kind, kindNamed, tableOf } from '../remote/kinds.ts';
import { cell, dataText, OUTPUT_FLAG, outputForm, printable, tableText } from '../remote/output.ts';

type Fields = Readonly<Record<string, unknown>>;

const PAGE = 500;
const LIST_FLAGS = ['organization', 'search', 'sort'] as const;
const SORTS: readonly string[] = ['name', '-name', 'updated', '-updated'];

export const getCommand = remoteCommand({
  name: 'get',
  summary: 'List what a running gateway has, or show one of it',
  details: 'Also `revisions` and `nodes`. Secrets are not shown.',
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
    sort: {
      value: 'by',
      description: 'name (default) or updated; the other way round: --sort=-updated',
    },
  },
  examples: ['portcullis get apis', 'portcullis get api hello -o yaml', 'portcullis get revisions'],
  async run(given, io, client) {
    const [text = '', name] = given.args;
    const kind = kindNamed(text);
    const form = outputForm(given);
    const path = `/v1/${kind}`;
    const entities =
      name === undefined
        ? await listAll(client, path, listQuery(given, kind))
        : [await readOne(client, path, name, given)];
    if (form === 'json' || form === 'yaml')
      io.out(dataText(name === undefined ? entities : entities[0], form));
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
  const flags = LIST_FLAGS.filter((flag) => given.has(flag));
  if (flags.length > 0 && (kind === 'revisions' || kind === 'nodes'))
    throw new UsageError(`--${flags[0]} is not for ${kind}`);
  const sort = given.value('sort');
  if (sort !== undefined && !SORTS.includes(sort))
    throw new UsageError(`--sort is ${SORTS.join(', ')}, not ${JSON.stringify(sort)}`);
  return { organization: given.value('organization'), q: given.value('search'), sort };
}

async function readOne(client: AdminClient, path: string, name: string, given: Given): Promise<Fields> {
  for (const flag of ['search', 'sort'])
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
  path: string,
  query: Readonly<Record<string, string | undefined>>,
): Promise<readonly Fields[]> {
  const all: Fields[] = [];
  let cursor: string | undefined;
  do {
    const page = path === '/v1/nodes' ? {} : { limit: PAGE, cursor };
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

function nameOf({ name, number, node }: Fields): string {
  return cell(name ?? number ?? node);
}
