import { formatNames } from 'ajv-formats/dist/formats.js';
import { isRecord } from '../../lib/is-record.ts';
import { messageOf } from '../../lib/message-of.ts';
import { nearest } from '../../lib/nearest.ts';
import { schemaProblem } from '../../policies/validate/compile-schema.ts';
import type { JsonSchema } from '../../policies/validate/json-schema.ts';
import { linearPatterns } from '../../policies/validate/linear-pattern.ts';
import { child, children, type Documents, itemsOf, type Node } from './documents.ts';

/** What a schema is held against: `readOnly` properties are for answers, `writeOnly` ones for requests. */
export type Direction = 'request' | 'response';

type Made = Record<string, unknown>;
type Names = ReadonlySet<unknown>;

const NO_NAMES: Names = new Set();
/** Only what has one of these has properties, or asks for some. */
const COMPOSED = ['$ref', 'allOf', 'properties'];

/** Keywords whose value is a schema, a list of them, or a map. */
const ONE = [
  'additionalProperties',
  'contains',
  'else',
  'if',
  'items',
  'not',
  'propertyNames',
  'then',
  'unevaluatedItems',
  'unevaluatedProperties',
];
const LIST = ['allOf', 'anyOf', 'oneOf', 'prefixItems'];
const MAP = ['dependentSchemas', 'patternProperties', 'properties'];
const PLAIN = [
  'const',
  'dependentRequired',
  'enum',
  'exclusiveMaximum',
  'exclusiveMinimum',
  'format',
  'maxContains',
  'maxItems',
  'maxLength',
  'maxProperties',
  'maximum',
  'minContains',
  'minItems',
  'minLength',
  'minProperties',
  'minimum',
  'multipleOf',
  'pattern',
  'required',
  'type',
  'uniqueItems',
];
/** Nothing is held against these: they are for people and for other programs. */
const NOTES = [
  '$comment',
  '$defs',
  '$schema',
  'contentEncoding',
  'contentMediaType',
  'contentSchema',
  'default',
  'definitions',
  'deprecated',
  'description',
  'discriminator',
  'example',
  'examples',
  'externalDocs',
  'nullable',
  'readOnly',
  'title',
  'writeOnly',
  'xml',
];
const KEYWORDS = ['$ref', ...ONE, ...LIST, ...MAP, ...PLAIN, ...NOTES];
/** They would make a reference depend on more than where it stands. */
const REFUSED = ['$anchor', '$dynamicAnchor', '$dynamicRef', '$id'];

/**
 * Makes JSON Schema (draft 2020-12) of the schemas of one OpenAPI description. What they refer to becomes a definition, so that cycles
 * stay what they are.
 */
export class SchemaConverter {
  /** By name, every schema that was referred to. */
  readonly definitions = new Map<string, JsonSchema>();
  readonly #documents: Documents;
  /** OpenAPI 3.0: an older draft, with `nullable`. */
  readonly #old: boolean;
  readonly #names = new Map<string, string>();

  constructor(documents: Documents, old: boolean) {
    this.#documents = documents;
    this.#old = old;
  }

  /**
   * What is wrong with it becomes problems. `absent` are names of properties that the schemas beside this one say are for the other
   * direction only.
   */
  async convert(node: Node, direction: Direction, absent: Names = NO_NAMES): Promise<JsonSchema> {
    if (typeof node.value === 'boolean') return node.value;
    if (!isRecord(node.value)) {
      this.#documents.wrong(node, 'is not a schema');
      return true;
    }
    const reference = child(node, '$ref');
    if (typeof reference.value === 'string') {
      const name = await this.#define(node, direction, absent);
      if (name === undefined) return true;
      const rest = this.#old ? {} : await this.#keywords(node, direction, absent);
      return { ...rest, $ref: `#/definitions/${name}` };
    }
    const keywords = await this.#keywords(node, direction, absent);
    const made = this.#old ? fromOld(keywords, node.value) : keywords;
    this.#check(node, made);
    return made;
  }

  /** What is wrong within a schema is told when that is converted. */
  #check(node: Node, made: JsonSchema): void {
    const own = Object.entries(made).filter(([keyword]) => PLAIN.includes(keyword));
    const problem = schemaProblem(Object.fromEntries(own));
    if (problem !== undefined)
      this.#documents.wrong(child(node, ...problem.path.slice(0, 1)), problem.message);
    const pattern = child(node, 'pattern');
    if (typeof pattern.value !== 'string') return;
    try {
      linearPatterns(pattern.value);
    } catch (error) {
      this.#documents.wrong(pattern, messageOf(error));
    }
  }

  /** The name of the definition that a reference leads to. */
  async #define(node: Node, direction: Direction, inherited: Names): Promise<string | undefined> {
    // A chain of references that has no end would have no end at every request.
    if ((await this.#documents.follow(node)) === undefined) return undefined;
    const target = await this.#documents.target(child(node, '$ref'));
    if (target === undefined) return undefined;
    const absent = await this.#absentOf(node, direction, inherited);
    const key = JSON.stringify([
      target.file,
      target.path,
      direction,
      ...[...absent].map(String).toSorted((a, b) => (a < b ? -1 : 1)),
    ]);
    const known = this.#names.get(key);
    if (known !== undefined) return known;
    const name = this.#freeName(String(target.path.at(-1) ?? 'schema').replaceAll(/[^A-Za-z0-9_.-]/g, '_'));
    this.#names.set(key, name);
    this.definitions.set(name, await this.convert(target, direction, absent));
    return name;
  }

  /** As few names as can be change when something is added to a document: what changes is compiled anew by a reload. */
  #freeName(plain: string): string {
    const taken = new Set(this.#names.values());
    let name = plain;
    for (let n = 2; taken.has(name); n++) name = `${plain}-${n}`;
    return name;
  }

  async #keywords(node: Node, direction: Direction, inherited: Names): Promise<Made> {
    const made: Made = {};
    const absent = await this.#absentOf(node, direction, inherited);
    for (const [keyword, value] of children(node)) {
      if (ONE.includes(keyword)) made[keyword] = await this.convert(value, direction);
      else if (LIST.includes(keyword))
        made[keyword] = await this.#list(value, direction, keyword === 'allOf' ? absent : NO_NAMES);
      else if (MAP.includes(keyword)) made[keyword] = await this.#map(value, direction);
      else if (keyword === 'required') made[keyword] = withoutNames(value.value, absent);
      // A format that nobody knows is a note (section 7.2.3 of JSON Schema Validation).
      else if (keyword === 'format') {
        if ((formatNames as readonly unknown[]).includes(value.value)) made[keyword] = value.value;
      } else if (PLAIN.includes(keyword)) made[keyword] = value.value;
      else this.#other(keyword, value);
    }
    return made;
  }

  /** One after the other, so that definitions get the same names at every load. */
  async #list(node: Node, direction: Direction, absent: Names): Promise<unknown[]> {
    const made: unknown[] = [];
    for (const item of itemsOf(node)) made.push(await this.convert(item, direction, absent));
    return made;
  }

  async #map(node: Node, direction: Direction): Promise<Made> {
    const made: Made = {};
    for (const [name, value] of children(node)) made[name] = await this.convert(value, direction);
    return made;
  }

  /** Names of properties that are for the other direction only, by this schema, those that it is made of, and those beside it. */
  async #absentOf(node: Node, direction: Direction, inherited: Names): Promise<Names> {
    if (!COMPOSED.some((keyword) => child(node, keyword).value !== undefined)) return inherited;
    const names = new Set(inherited);
    for (const schema of await this.#partsOf(node))
      for (const [name, property] of children(child(schema, 'properties')))
        if (!names.has(name) && (await this.#isAbsent(property, direction))) names.add(name);
    return names;
  }

  /** Nothing of it is required in this direction: whatever the property is made of may say so. */
  async #isAbsent(property: Node, direction: Direction): Promise<boolean> {
    const mark = direction === 'request' ? 'readOnly' : 'writeOnly';
    return (await this.#partsOf(property)).some((part) => child(part, mark).value === true);
  }

  /** A schema, and all that it refers to and has in `allOf`. */
  async #partsOf(node: Node): Promise<readonly Node[]> {
    const parts = [node];
    const seen = new Set<unknown>();
    for (const part of parts) {
      if (seen.has(part.value)) continue;
      seen.add(part.value);
      const reference = child(part, '$ref');
      if (typeof reference.value === 'string') {
        const target = await this.#documents.target(reference);
        if (target !== undefined) parts.push(target);
        if (this.#old) continue;
      }
      parts.push(...itemsOf(child(part, 'allOf')));
    }
    return parts;
  }

  #other(keyword: string, value: Node): void {
    if (KEYWORDS.includes(keyword) || keyword.startsWith('x-')) return;
    if (REFUSED.includes(keyword)) {
      this.#documents.wrong(value, `${keyword} is not supported: refer to schemas by $ref and their place`, {
        atKey: true,
      });
      return;
    }
    this.#documents.wrong(value, `the keyword ${JSON.stringify(keyword)} is not known and has no effect`, {
      atKey: true,
      severity: 'warning',
      suggestion: nearest(keyword, KEYWORDS),
    });
  }
}

function withoutNames(required: unknown, absent: Names): unknown {
  return Array.isArray(required) ? required.filter((name) => !absent.has(name)) : required;
}

/** OpenAPI 3.0 has an older draft of JSON Schema: bounds that are exclusive by a boolean, and null by `nullable`. */
function fromOld(made: Made, written: Readonly<Record<string, unknown>>): JsonSchema {
  const schema = { ...made };
  for (const [exclusive, bound] of [
    ['exclusiveMinimum', 'minimum'],
    ['exclusiveMaximum', 'maximum'],
  ] as const) {
    if (schema[exclusive] === true && typeof schema[bound] === 'number') {
      schema[exclusive] = schema[bound];
      delete schema[bound];
    } else if (typeof schema[exclusive] === 'boolean') delete schema[exclusive];
  }
  if (written['nullable'] !== true) return schema;
  if (typeof schema['type'] !== 'string') return { anyOf: [schema, { type: 'null' }] };
  return { ...schema, type: [schema['type'], 'null'] };
}

/** Of all definitions those that a value refers to, directly or through others. */
export function reachable(value: unknown, all: ReadonlyMap<string, JsonSchema>): Record<string, JsonSchema> {
  const found: Record<string, JsonSchema> = {};
  const visit = (inner: unknown): void => {
    if (typeof inner !== 'object' || inner === null) return;
    const reference: unknown = (inner as Made)['$ref'];
    const name = typeof reference === 'string' ? reference.replace('#/definitions/', '') : '';
    const schema = all.get(name);
    if (schema !== undefined && !Object.hasOwn(found, name)) {
      found[name] = schema;
      visit(schema);
    }
    for (const each of Object.values(inner)) visit(each);
  };
  visit(value);
  return found;
}
