import { isRecord } from '../../lib/is-record.ts';
import { EXIT } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { remoteCommand } from '../remote/connect.ts';
import { kindNamed, tableOf } from '../remote/kinds.ts';
import { cell, dataText, OUTPUT_FLAG, outputForm, printable, tableText } from '../remote/output.ts';

type Fields = Readonly<Record<string, unknown>>;

const PAGE = 500;

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
    search: { short: 'q', value: 'text', description: 'Only those with this text in their name' },
  },
  examples: ['portcullis get apis', 'portcullis get api hello -o yaml', 'portcullis get revisions'],
  async run(given, io, client) {
    const [text = '', name] = given.args;
    const kind = kindNamed(text);
    const form = outputForm(given);
    const path = `/v1/${kind}`;
    const query = { organization: given.value('organization'), q: given.value('search') };
    const entities =
      name === undefined
        ? await listAll(client, path, query)
        : [readEntity((await client.call('GET', `${path}/${encodeURIComponent(name)}`)).body)];
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
