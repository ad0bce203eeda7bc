import { nameOfStep } from '../../lib/json-pointer.ts';
import type { Definitions, JsonSchema } from './json-schema.ts';

/** Keywords by which a schema applies others to the same value: one schema, a list of them, or a map. */
const IN_PLACE = ['not', 'if', 'then', 'else', 'allOf', 'anyOf', 'oneOf'];
const IN_PLACE_MAP = 'dependentSchemas';
/** Those by which it applies others to what is within the value. */
const WITHIN = [
  'additionalProperties',
  'contains',
  'items',
  'prefixItems',
  'propertyNames',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const WITHIN_MAP = ['properties', 'patternProperties'];

/** A schema with the definitions that it may refer to, which are its own and the policy's. */
export function withDefinitions(schema: JsonSchema, definitions: Definitions): JsonSchema {
  if (typeof schema === 'boolean') return schema;
  return {
    ...schema,
    definitions: { ...definitions, ...(schema['definitions'] as Definitions | undefined) },
  };
}

/** What a reference such as `#/definitions/Pet` leads to in a schema; undefined for none, and for another kind. */
export function referredTo(reference: string, root: JsonSchema): unknown {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = nameOfStep(decoded(step));
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, unknown>)[name]
        : undefined;
  }
  return at;
}

/** Percent-encoding is undone, as far as it is one. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * A reference that leads back to where it stands without going into the value, so that a check would never end; undefined when there is
 * none. One that goes into the value, as that of a tree to its branches, ends where the value does.
 */
export function endlessReference(root: JsonSchema): string | undefined {
  const search = new Search(root);
  for (const schema of search.waiting) {
    const found = search.inPlace(schema, '#');
    if (found !== undefined) return found;
  }
  return undefined;
}

class Search {
  /** What is found on the way, for other values. */
  readonly waiting = new Set<unknown>();
  readonly #root: JsonSchema;
  readonly #open = new Set<unknown>();
  readonly #done = new Set<unknown>();

  constructor(root: JsonSchema) {
    this.#root = root;
    this.waiting.add(root);
  }

  /** `reference` is the last one on the way to this schema. */
  inPlace(schema: unknown, reference: string): string | undefined {
    if (typeof schema !== 'object' || schema === null || this.#done.has(schema)) return undefined;
    if (this.#open.has(schema)) return reference;
    this.#open.add(schema);
    const keywords = schema as Readonly<Record<string, unknown>>;
    const { $ref } = keywords;
    let found = typeof $ref === 'string' ? this.inPlace(referredTo($ref, this.#root), $ref) : undefined;
    for (const inner of [...IN_PLACE.flatMap((name) => keywords[name]), ...valuesOf(keywords[IN_PLACE_MAP])])
      found ??= this.inPlace(inner, reference);
    for (const inner of WITHIN.flatMap((name) => keywords[name])) this.waiting.add(inner);
    for (const inner of WITHIN_MAP.flatMap((name) => valuesOf(keywords[name]))) this.waiting.add(inner);
    this.#open.delete(schema);
    this.#done.add(schema);
    return found;
  }
}

function valuesOf(map: unknown): unknown[] {
  return typeof map === 'object' && map !== null ? Object.values(map) : [];
}
