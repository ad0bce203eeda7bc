import { z } from 'zod';
import { builtinPolicies } from '../../policies/registry.ts';
import { configSchema } from './schema.ts';

type Schema = { [key: string]: unknown };

/** Among the definitions of the schema: a list of policies, with the options of each. */
export const POLICY_LIST = 'policyList';

/**
 * The configuration as a JSON Schema (draft 2020-12), for editors: completion, documentation, underlined mistakes. It knows the options
 * of the built-in policies; what needs to look at several parts at once is found by `portcullis check` only.
 */
export async function configJsonSchema(): Promise<Schema> {
  const schema = toSchema(configSchema);
  const properties = schema['properties'] as Record<string, Schema>;
  const reference = { $ref: `#/$defs/${POLICY_LIST}` };
  const named = { type: 'object', additionalProperties: { $ref: `#/$defs/${POLICY_LIST}/items` } };
  properties['policies'] = { ...pick(properties['policies']), anyOf: [reference, named] };
  for (const collection of ['routes', 'apis']) {
    const { additionalProperties: entry } = properties[collection] as { additionalProperties: Schema };
    const known = entry['properties'] as Record<string, Schema>;
    known['policies'] = { ...pick(known['policies']), ...reference };
  }
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Portcullis configuration',
    ...schema,
    $defs: {
      ...(schema['$defs'] as Schema | undefined),
      [POLICY_LIST]: { type: 'array', items: await policyEntry() },
    },
  };
}

/** A map with one key: a built-in policy's name, or the path of a file. */
async function policyEntry(): Promise<Schema> {
  const properties: Schema = {};
  for (const [name, { load }] of builtinPolicies) {
    const { schema } = await load();
    const { $schema: _, ...options } = toSchema(schema);
    // A policy without options may be written with nothing behind its colon.
    properties[name] = options['required'] === undefined ? { anyOf: [options, { type: 'null' }] } : options;
  }
  return {
    type: 'object',
    minProperties: 1,
    maxProperties: 1,
    properties,
    patternProperties: { '^(\\.\\.?)?/': {} },
    additionalProperties: false,
  };
}

function pick(schema: Schema | undefined): Schema {
  const { description, default: fallback } = schema ?? {};
  return {
    ...(description === undefined ? {} : { description }),
    ...(fallback === undefined ? {} : { default: fallback }),
  };
}

function toSchema(schema: z.ZodType): Schema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Schema;
}
