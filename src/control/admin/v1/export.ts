import { z } from 'zod';
import { COLLECTIONS } from '../../store/entity.ts';
import { type AdminAnswer, json } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';
import { type Call, define } from './define.ts';
import { redactEntity } from './entity-secrets.ts';

const exportSchema = z.strictObject({
  format: z.enum(['json', 'yaml']).optional().describe('Default: what Accept asks for, else JSON'),
  origin: z
    .enum(['store', 'file', 'all'])
    .default('store')
    .describe('What the store has, which `apply` takes back; what the file has; or all that is in force'),
  organization: z.string().min(1).max(100).optional().describe('Whose entities'),
});

/** A configuration as a file has it, without secrets. */
export const EXPORT: Endpoint = define({
  method: 'GET',
  path: '/v1/export',
  summary: 'The configuration as a file has it; secrets are left out, which `apply` understands',
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

async function exportConfiguration({
  configuration,
  request,
  query,
}: Call<unknown, z.output<typeof exportSchema>>): Promise<AdminAnswer> {
  const { caller, headers } = request;
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
      entities.map(({ name, value }) => [name, redactEntity(collection, value)]),
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

/** Whichever of the two is named first. */
function prefersYaml(accept = ''): boolean {
  return /^[^]*?(json|ya?ml)/.exec(accept.toLowerCase())?.[1]?.startsWith('y') === true;
}
