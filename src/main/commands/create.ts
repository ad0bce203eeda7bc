import type { Given, Io } from '../command-line.ts';
import { type AdminClient, AdminFailure } from '../remote/admin-client.ts';
import { API_FLAGS, apiFields } from '../remote/api-flags.ts';
import { CHANGE_FLAGS } from '../remote/change-flags.ts';
import { remoteCommand, UsageError } from '../remote/connect.ts';
import { type Document, readDocument } from '../remote/documents.ts';
import { collectionNamed, singular } from '../remote/kinds.ts';
import { reportChange } from '../remote/report-change.ts';

export const createCommand = remoteCommand({
  name: 'create',
  summary: 'Create an API or anything else in a running gateway',
  details: [
    'What an API points to may be created later. Without --service and --function, the target is a service of that name',
    'if there is one, else a function. Anything but an API is described by a file with what would stand under its name.',
  ].join('\n'),
  arguments: [
    { name: 'kind', required: true, description: 'api, service, route, consumer and so on' },
    { name: 'name', required: true, description: 'Its name' },
    { name: 'target', description: 'Of an API: the service or function that does it' },
  ],
  flags: {
    file: { short: 'f', value: 'file', description: 'YAML or JSON with what it is; - is the standard input' },
    organization: { value: 'name', description: 'Whose it is' },
    ...API_FLAGS,
    ...CHANGE_FLAGS,
  },
  examples: [
    'portcullis create api hello hello-fn --method GET --path /hello --cors --auth public --https-only',
    'portcullis create service users -f users.yaml',
    "echo 'url: http://127.0.0.1:4001' | portcullis create service users -f -",
  ],
  async run(given, io, client) {
    const [kind = '', name = '', target] = given.args;
    const collection = collectionNamed(kind);
    const flags = apiFields(given);
    if (collection !== 'apis' && (Object.keys(flags).length > 0 || target !== undefined))
      throw new UsageError(
        `a ${singular(collection)} is described by a file: -f ${singular(collection)}.yaml`,
      );
    const value = {
      ...(await written(given, io)),
      ...flags,
      ...(target === undefined ? {} : await pointer(client, target, flags)),
      ...(given.has('organization') ? { organization: given.value('organization') } : {}),
    };
    const reply = await client.call('POST', `/v1/${collection}`, {
      query: { message: given.value('message'), 'dry-run': given.has('dry-run') || undefined },
      body: { ...value, name },
    });
    return reportChange(reply, `${singular(collection)} ${name} created`, given, io);
  },
});

async function written(given: Given, io: Io): Promise<Document> {
  const file = given.value('file');
  return file === undefined ? {} : readDocument(file, io);
}

async function pointer(
  client: AdminClient,
  target: string,
  flags: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, string>>> {
  if ('service' in flags || 'function' in flags)
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
