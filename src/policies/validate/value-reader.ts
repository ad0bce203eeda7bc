import type { Definitions, JsonSchema } from './compile-schema.ts';

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

/** The reader for values of `root`, a schema that may refer to the definitions. */
export function readerFor(root: JsonSchema, definitions: Definitions): ValueReader {
  const document = { ...(typeof root === 'object' && root), definitions };
  return readerAt(root, document, LEVELS, []);
}

/** `open` are the references that are followed at the moment: one that leads to itself says nothing. */
function readerAt(schema: unknown, document: object, levels: number, open: readonly string[]): ValueReader {
  if (typeof schema !== 'object' || schema === null || levels === 0) return TEXT;
  const beside = (inner: unknown) => readerAt(inner, document, levels, open);
  const within = (inner: unknown) => readerAt(inner, document, levels - 1, open);
  const {
    $ref,
    type,
    allOf,
    anyOf,
    oneOf,
    items,
    properties,
    enum: values,
    const: value,
  } = schema as Record<string, unknown>;
  const readers = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list.map(beside) : []));
  if (typeof $ref === 'string' && !open.includes($ref))
    readers.push(readerAt(referredTo($ref, document), document, levels, [...open, $ref]));
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

function together(a: ValueReader, b: ValueReader): ValueReader {
  const { properties } = a;
  return {
    number: a.number || b.number,
    boolean: a.boolean || b.boolean,
    null: a.null || b.null,
    items: a.items ?? b.items,
    properties:
      properties && b.properties ? new Map([...properties, ...b.properties]) : (properties ?? b.properties),
  };
}

function typeOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}

function referredTo(reference: string, document: object): unknown {
  const steps = reference.startsWith('#/') ? reference.slice(2).split('/') : [];
  let at: unknown = document;
  for (const step of steps) {
    const name = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~');
    at =
      typeof at === 'object' && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, unknown>)[name]
        : undefined;
  }
  return at;
}

/** The value that a text stands for; the text itself where it stands for nothing else, and the schema will tell. */
export function readValue(text: string, reader: ValueReader): unknown {
  if (reader.number && NUMBER.test(text)) return Number(text);
  if (reader.boolean && (text === 'true' || text === 'false')) return text === 'true';
  return reader.null && text === '' ? null : text;
}
