import type { Definitions, JsonSchema } from './json-schema.ts';
import { referredTo, withDefinitions } from './references.ts';

/** How the text of a parameter becomes a value: what its schema allows says what it may be. */
export interface ValueReader {
  readonly number: boolean;
  readonly boolean: boolean;
  readonly null: boolean;
  /** Of a list: how its values are read. */
  readonly items: ValueReader | undefined;
  /** Of an object: how its properties are read. */
  readonly properties: ReadonlyMap<string, ValueReader> | undefined;
}

export const TEXT: ValueReader = {
  number: false,
  boolean: false,
  null: false,
  items: undefined,
  properties: undefined,
};

const NUMBER = /^-?(?:0|[1-9]\d{0,307})(?:\.\d{1,400})?(?:[eE][-+]?\d{1,3})?$/;
/** All parameters, one of them, its items or properties, which are text. */
const LEVELS = 3;

/** The reader for values of `schema`, which may refer to the definitions, and has no endless reference. */
export function readerFor(schema: JsonSchema, definitions: Definitions): ValueReader {
  const root = withDefinitions(schema, definitions);
  return new Readers(root).of(root, LEVELS);
}

class Readers {
  readonly #root: JsonSchema;
  /** By levels that are left: many branches may lead to one schema. */
  readonly #made = Array.from({ length: LEVELS + 1 }, () => new Map<object, ValueReader>());

  constructor(root: JsonSchema) {
    this.#root = root;
  }

  of(schema: unknown, levels: number): ValueReader {
    if (typeof schema !== 'object' || schema === null || levels === 0) return TEXT;
    const made = this.#made[levels] as Map<object, ValueReader>;
    const reader = made.get(schema) ?? this.#make(schema as Readonly<Record<string, unknown>>, levels);
    made.set(schema, reader);
    return reader;
  }

  #make(schema: Readonly<Record<string, unknown>>, levels: number): ValueReader {
    const { $ref, type, allOf, anyOf, oneOf, items, properties, enum: values, const: value } = schema;
    const within = (inner: unknown) => this.of(inner, levels - 1);
    const readers = [allOf, anyOf, oneOf]
      .flatMap((list) => (Array.isArray(list) ? (list as unknown[]) : []))
      .map((inner) => this.of(inner, levels));
    if (typeof $ref === 'string') readers.push(this.of(referredTo($ref, this.#root), levels));
    const types: unknown[] = Array.isArray(type) ? type : [type];
    if (type === undefined) types.push(...[...(Array.isArray(values) ? values : []), value].map(typeOf));
    readers.push({
      number: types.includes('number') || types.includes('integer'),
      boolean: types.includes('boolean'),
      null: types.includes('null'),
      items: types.includes('array') || items !== undefined ? within(items) : undefined,
      properties:
        types.includes('object') || properties !== undefined
          ? new Map(Object.entries(properties ?? {}).map(([name, inner]) => [name, within(inner)]))
          : undefined,
    });
    return readers.reduce(together);
  }
}

function together(a: ValueReader, b: ValueReader): ValueReader {
  return {
    number: a.number || b.number,
    boolean: a.boolean || b.boolean,
    null: a.null || b.null,
    items: a.items && b.items ? together(a.items, b.items) : (a.items ?? b.items),
    properties:
      a.properties && b.properties ? merged(a.properties, b.properties) : (a.properties ?? b.properties),
  };
}

function merged(
  a: ReadonlyMap<string, ValueReader>,
  b: ReadonlyMap<string, ValueReader>,
): ReadonlyMap<string, ValueReader> {
  const all = new Map(a);
  for (const [name, reader] of b) {
    const other = a.get(name);
    all.set(name, other === undefined ? reader : together(other, reader));
  }
  return all;
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

/** The value that a text stands for; the text itself where it stands for nothing else, and the schema will tell. */
export function readValue(text: string, reader: ValueReader): unknown {
  if (reader.number && NUMBER.test(text)) return Number(text);
  if (reader.boolean && (text === 'true' || text === 'false')) return text === 'true';
  return reader.null && text === '' ? null : text;
}
