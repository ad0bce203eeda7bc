import { z } from 'zod';
import { messageOf } from '../../../lib/message-of.ts';
import { roleIn } from '../../rights/account.ts';
import { COLLECTIONS } from '../../store/entity.ts';
import { type AdminAnswer, json, problem } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Call, define, unavailable } from './define.ts';
import { redactEntity } from './entity-secrets.ts';

const exportSchema = z.strictObject({
  format: z.enum(['json', 'yaml']).optional().describe('Default: what Accept asks for, else JSON'),
  origin: z
    .enum(['store', 'file', 'all'])
    .default('store')
    .describe('What the store has, which `apply` takes back; what the file has; or all that is in force'),
  'with-secrets': z
    .boolean()
    .default(false)
    .describe(
      'With the secrets themselves, for another gateway: owners everywhere alone, and it is written down',
    ),
  organization: z.string().min(1).max(100).optional().describe('Whose entities'),
});

/** A configuration as a file has it, without secrets unless they are asked for. */
export const EXPORT: Endpoint = define({
  method: 'GET',
  path: '/v1/export',
  summary:
    'The configuration as a file has it; secrets are left out, which `apply` understands where it has them',
  access: 'read',
  collection: 'all',
  parameters: z.strictObject({}),
  query: exportSchema,
  fields: { accept: 'application/yaml, or application/json' },
  answers: {
    200: {
      description: 'The configuration',
      types: ['application/json', 'application/yaml'],
      shape: { component: 'Configuration' },
      fields: ['Vary', 'ETag'],
    },
  },
  answer: exportConfiguration,
});

type ExportCall = Call<unknown, z.output<typeof exportSchema>>;

async function exportConfiguration(call: ExportCall): Promise<AdminAnswer> {
  const { configuration, request, query } = call;
  const { caller, headers } = request;
  const isWhole = query['with-secrets'];
  const refusal = isWhole ? await secretsRefused(call) : undefined;
  if (refusal !== undefined) return refusal;
  const exported: Record<string, Record<string, unknown>> = {};
  for (const collection of COLLECTIONS) {
    const entities = configuration
      .list(collection)
      .filter(
        (entity) =>
          (query.origin === 'all' || entity.origin === query.origin) &&
          (query.organization === undefined || entity.value['organization'] === query.organization) &&
          caller.may('read', { kind: 'entity', ...entity }),
      );
    if (entities.length === 0) continue;
    exported[collection] = Object.fromEntries(
      entities.map(({ name, value }) => [name, isWhole ? value : redactEntity(collection, value)]),
    );
  }
  const format = query.format ?? (prefersYaml(headers.accept) ? 'yaml' : 'json');
  const fields = {
    vary: 'accept',
    // The file changes without a revision.
    ...(query.origin === 'store' ? { etag: `"${configuration.revision}.${format}"` } : undefined),
  };
  if (format === 'json') return json(200, exported, fields);
  // Loaded when it is needed: writing YAML is large.
  const { stringify } = await import('yaml');
  return { status: 200, type: 'application/yaml', body: stringify(exported), headers: fields };
}

/** Undefined where whoever asks may have the secrets; then that is in the audit log before they are told. */
async function secretsRefused({ gateway, request }: ExportCall): Promise<AdminAnswer | undefined> {
  const { account, address, name } = request.caller;
  if (roleIn(account, undefined) !== 'owner')
    return problem(403, 'forbidden', `${name} has no right to this: secrets are for owners everywhere (*)`);
  const { rights } = gateway;
  if (rights === undefined)
    return unavailable('This gateway has no store, so that nobody could write down who asked');
  try {
    const written = await rights.store.change({ account, address }, async () => ({
      result: undefined,
      deeds: [{ action: 'export-secrets', object: 'configuration' }],
    }));
    return written.ok ? undefined : problem(403, 'forbidden', written.message);
  } catch (error) {
    gateway.warn(`admin: an export with secrets cannot be written down: ${messageOf(error)}`);
    return unavailable('The store does not answer');
  }
}

/** Whichever of the two is named first. */
function prefersYaml(accept = ''): boolean {
  return /^[^]*?(json|ya?ml)/.exec(accept.toLowerCase())?.[1]?.startsWith('y') === true;
}
