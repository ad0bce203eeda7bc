import type { Given } from '../command-line.ts';
import { ACCOUNT_FLAGS, createAccount, refuseAccountFlags } from '../remote/accounts.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { API_FLAGS, hasApiFlags, withApiFlags } from '../remote/api-flags.ts';
import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { CREDENTIAL_KIND, createCredential } from '../remote/credentials.ts';
import { type Document, readEntity } from '../remote/documents.ts';
import { accountKindNamed, collectionNamed, singular } from '../remote/kinds.ts';
import { changeQuery, reportChange } from '../remote/report-change.ts';
import { located, type Written } from '../remote/written-place.ts';

export const createCommand = remoteCommand({
  name: 'create',
  summary: 'Create an API or anything else in a running gateway',
  details: [
    'What an API points to may be created later. Without --service and --function, the target is a service of that name',
    'if there is one, else a function. A service that is no more than its targets needs only --url; anything else is described',
    'by a file with what would stand under its name.',
  ].join('\n'),
  arguments: [
    {
      name: 'kind',
      required: true,
      description:
        'api, service, route, consumer and so on; credential, user, service-account, membership, token',
    },
    { name: 'name', required: true, description: 'Its name' },
    { name: 'target', description: 'Of an API: the service or function that does it' },
  ],
  flags: {
    file: { short: 'f', value: 'file', description: 'YAML or JSON with what it is; - is the standard input' },
    url: { value: 'url', repeatable: true, description: 'Of a service: where its requests go' },
    organization: { value: 'name', description: 'Whose it is' },
    ...API_FLAGS,
    ...ACCOUNT_FLAGS,
    ...CHANGE_FLAGS,
  },
  examples: [
    'portcullis create api hello hello-fn --method GET --path /hello --cors --auth public --https-only',
    'portcullis create service users --url http://127.0.0.1:4001',
    'portcullis create service users -f users.yaml',
    'portcullis create credential alice/phone',
    'portcullis create service-account ci --organization acme',
    'portcullis create membership acme/ci --role developer',
    'portcullis create token pipeline --service-account ci --role developer --days 30',
    "echo 'url: http://127.0.0.1:4001' | portcullis create service users -f -",
  ],
  async run(given, io, client) {
    const [kind = '', name = '', target] = given.args;
    const account = accountKindNamed(kind);
    if (account !== undefined) return createAccount(account, name, given, io, client);
    refuseAccountFlags(given);
    if (kind === CREDENTIAL_KIND) return createCredential(name, given, io, client);
    const collection = collectionNamed(kind);
    const isApi = hasApiFlags(given) || target !== undefined;
    if (isApi && collection !== 'apis')
      throw new UsageError(
        `a ${singular(collection)} is described by a file: -f ${singular(collection)}.yaml`,
      );
    if (collection !== 'services' && given.has('url')) throw new UsageError('--url is for services');
    const file = given.value('file');
    const written = file === undefined ? undefined : await readEntity(file, collection, name, io);
    const further = {
      ...(target === undefined ? {} : await pointer(client, target, given)),
      ...(given.has('organization') ? { organization: given.value('organization') } : {}),
      ...targets(given.values('url')),
    };
    const said = { ...withApiFlags({}, given), ...further };
    const create = () =>
      client.call('POST', `/v1/${collection}`, {
        query: changeQuery(given),
        body: { ...withApiFlags(written?.value ?? {}, given), ...further, name },
      });
    const reply = await (written === undefined ? create() : located(besides(written, said), io, create));
    return reportChange(reply, `${singular(collection)} ${name} created`, given, io);
  },
});

/** What flags say stands in no file. */
function besides(
  { value, place }: Written<Document>,
  said: Readonly<Record<string, unknown>>,
): Written<Document> {
  return {
    value,
    place: (members) =>
      members[0] === 'name' || Object.hasOwn(said, members[0] ?? '') ? undefined : place(members),
  };
}

function targets(urls: readonly string[]): Readonly<Record<string, unknown>> {
  if (urls.length === 0) return {};
  return urls.length === 1 ? { url: urls[0] } : { targets: urls.map((url) => ({ url })) };
}

async function pointer(
  client: AdminClient,
  target: string,
  given: Given,
): Promise<Readonly<Record<string, string>>> {
  if (given.has('service') || given.has('function'))
    throw new UsageError('the target is given twice: as an argument and by a flag');
  return (await exists(client, 'services', target)) ? { service: target } : { function: target };
}

async function exists(client: AdminClient, collection: string, name: string): Promise<boolean> {
  try {
    await client.call('GET', `/v1/${collection}/${encodeURIComponent(name)}`);
    return true;
  } catch (error) {
    if (error instanceof AdminFailure && error.status === 404) return false;
    throw error;
  }
}
