import { z } from 'zod';
import { isRecord } from '../../../lib/is-record.ts';
import { configJsonSchema, POLICY_LIST } from '../../config/json-schema.ts';
import { COLLECTIONS, type Collection } from '../../store/entity.ts';
import { ANSWER_SCHEMAS } from './answer-schemas.ts';
import { componentOf } from './components.ts';

export type Schema = { [key: string]: unknown };

/** Those of the configuration for each collection, and those of the answers. */
export function openApiSchemas(): Schema {
  const { properties = {}, $defs = {} } = withComponentReferences(configJsonSchema()) as {
    readonly properties?: Schema;
    readonly $defs?: Schema;
  };
  const schemas: Schema = { ...$defs };
  for (const [name, schema] of Object.entries(ANSWER_SCHEMAS)) schemas[name] = jsonSchemaOf(schema, 'output');
  for (const collection of COLLECTIONS) {
    const name = componentOf(collection);
    schemas[name] = asEntity(written(properties, $defs, collection));
    schemas[`${name}OrChange`] = { anyOf: [reference(name), reference('Change')] };
    schemas[`${name}Page`] = {
      type: 'object',
      properties: {
        items: { type: 'array', items: reference(name) },
        next: { type: ['string', 'null'], description: 'Cursor of the next page; null on the last' },
      },
      required: ['items', 'next'],
    };
  }
  schemas['Configuration'] = {
    type: 'object',
    description: 'A configuration as in the file, or a part of it, by collection and name',
    properties: Object.fromEntries(
      COLLECTIONS.map((collection) => {
        const entity = reference(componentOf(collection));
        const byName = { type: 'object', additionalProperties: entity };
        return [collection, collection === 'policies' ? { anyOf: [byName, listOf(entity)] } : byName];
      }),
    ),
    additionalProperties: false,
  };
  schemas['File'] = {
    type: 'object',
    description: 'A configuration as the file of a gateway has it: listeners, state and the like included',
    additionalProperties: true,
  };
  return schemas;
}

/** As a file has them. */
function listOf(entity: Schema): Schema {
  return {
    type: 'array',
    items: entity,
    description: 'In the order in which they run; they get names that keep it',
  };
}

export function reference(component: string): Schema {
  return { $ref: `#/components/schemas/${component}` };
}

/** A schema as JSON Schema 2020-12, which is that of OpenAPI 3.1. */
export function jsonSchemaOf(schema: z.ZodType, io: 'input' | 'output'): Schema {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Schema;
  return rest;
}

/** What stands under a name in a collection. Global policies are a list in the file, and have names in the store. */
function written(properties: Schema, $defs: Schema, collection: Collection): Schema {
  const schema = properties[collection];
  const entry = collection === 'policies' ? $defs[POLICY_LIST] : schema;
  const member = isRecord(entry)
    ? entry[collection === 'policies' ? 'items' : 'additionalProperties']
    : undefined;
  return isRecord(member) ? member : { type: 'object' };
}

/** With what a representation has besides what is written, in each branch of a union, since none allows other members. */
function asEntity(schema: Schema): Schema {
  const union = ['anyOf', 'oneOf'].find((key) => Array.isArray(schema[key]));
  if (union !== undefined)
    return {
      ...schema,
      [union]: (schema[union] as unknown[]).map((branch) => (isRecord(branch) ? asEntity(branch) : branch)),
    };
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const { maxProperties } = schema;
  return {
    ...schema,
    ...(typeof maxProperties === 'number' ? { maxProperties: maxProperties + 2 } : undefined),
    properties: {
      name: {
        type: 'string',
        description: 'Its name in the collection; may be left out where the path has it',
      },
      ...properties,
      meta: { ...reference('Meta'), readOnly: true },
    },
  };
}

/** `#/$defs/x` is `#/components/schemas/x` in this document. */
function withComponentReferences(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withComponentReferences);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [
      key,
      key === '$ref' && typeof entry === 'string'
        ? entry.replace(/^#\/\$defs\//, '#/components/schemas/')
        : withComponentReferences(entry),
    ]),
  );
}
