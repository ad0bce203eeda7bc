import { cookieValues } from '../../http/cookie.ts';
import { isRecord } from '../../lib/is-record.ts';
import { pointerStep } from '../../lib/json-pointer.ts';
import type { JsonReader } from '../../lib/json-reader.ts';
import type { Exchange } from '../../policy/contract.ts';
import { decodeOctets, decodePercent } from '../../policy/percent.ts';
import type { CompiledSchema, SchemaCompiler, SchemaFault } from './compile-schema.ts';
import type { Definitions, JsonSchema } from './json-schema.ts';
import { readerFor, readValue, TEXT, type ValueReader } from './value-reader.ts';

export const STYLES = ['form', 'comma', 'space', 'pipe', 'deepObject', 'pairs', 'json', 'text'] as const;
/**
 * How a list or an object is written:
 * - form: `ids=1&ids=2`; an object as a parameter for each property
 * - comma: `1,2`; an object as `name,value,name,value`
 * - space, pipe: `1%202`, `1|2`
 * - deepObject: `filter[name]=value`
 * - pairs: an object as `name=value,name=value`
 * - json: as JSON, also for what is neither
 * - text: as one text, which is no list and no object, whatever it looks like
 */
export type Style = (typeof STYLES)[number];

export type ParameterPlace = 'query' | 'header' | 'path' | 'cookie';

export interface ParameterOptions {
  readonly schema: JsonSchema;
  readonly styles: Readonly<Record<string, Style>>;
}

interface Parameter {
  readonly name: string;
  readonly style: Style;
  readonly reader: ValueReader;
}

type Values = Record<string, unknown>;

/** The parameters of a request in one place, read by their schema and held against it. */
export class Parameters {
  readonly schema: CompiledSchema;
  readonly #all: readonly Parameter[];
  readonly #byName: ReadonlyMap<string, Parameter>;
  /** Properties of objects that are parameters of their own. */
  readonly #spread: ReadonlyMap<string, Parameter>;
  readonly #json: JsonReader;

  /** Throws an Error that says what is wrong with the schema. `styleOtherwise` is that of a list or object without one. */
  constructor(
    { schema, styles }: ParameterOptions,
    styleOtherwise: Style,
    compiler: SchemaCompiler,
    definitions: Definitions,
    json: JsonReader,
  ) {
    this.schema = compiler.compile(schema);
    this.#json = json;
    const { properties } = readerFor(schema, definitions);
    this.#all = Array.from(properties ?? [], ([name, reader]) => ({
      name,
      reader,
      style: styles[name] ?? styleOtherwise,
    }));
    this.#byName = new Map(this.#all.map((parameter) => [parameter.name, parameter]));
    this.#spread = new Map(
      this.#all
        .filter(({ style, reader }) => style === 'form' && reader.properties !== undefined)
        .flatMap((parameter) =>
          [...(parameter.reader.properties?.keys() ?? [])].map((name) => [name, parameter]),
        ),
    );
  }

  /** Of a query, with or without `?`, or a body of the like: every parameter, known or not. */
  fromForm(text: string): Values {
    const values = noValues();
    for (const part of text.slice(text.startsWith('?') ? 1 : 0).split('&')) {
      if (part === '') continue;
      const equals = part.indexOf('=');
      const name = decodePercent(equals < 0 ? part : part.slice(0, equals), true);
      this.#addPair(values, name, equals < 0 ? '' : part.slice(equals + 1));
    }
    return values;
  }

  #addPair(values: Values, name: string, raw: string): void {
    const parameter = this.#byName.get(name);
    if (parameter !== undefined && parameter.style !== 'deepObject') {
      if (parameter.style === 'form') add(values, name, decodePercent(raw, true), parameter.reader);
      else put(values, name, this.#read(parameter, raw, true));
      return;
    }
    const bracket = name.indexOf('[');
    const deep = bracket > 0 && name.endsWith(']') ? this.#byName.get(name.slice(0, bracket)) : undefined;
    const owner = deep?.style === 'deepObject' ? deep : this.#spread.get(name);
    if (owner === undefined) return add(values, name, decodePercent(raw, true), TEXT);
    const inner = owner === deep ? name.slice(bracket + 1, -1) : name;
    const object = (values[owner.name] ??= noValues());
    const text = decodePercent(raw, true);
    if (isRecord(object)) add(object, inner, text, owner.reader.properties?.get(inner) ?? TEXT);
    // The object has the name of something else too: a list is neither.
    else add(values, owner.name, text, TEXT);
  }

  /** Captures of the route's path. */
  fromPath(exchange: Exchange): Values {
    const values = noValues();
    for (const parameter of this.#all) {
      const raw = exchange.param(parameter.name);
      if (raw !== undefined) values[parameter.name] = this.#read(parameter, raw, false);
    }
    return values;
  }

  /** Header fields of the names that the schema has, which are in small letters. */
  fromFields({ request }: Exchange): Values {
    const values = noValues();
    for (const parameter of this.#all) {
      if (!request.fields.has(parameter.name)) continue;
      // RFC 9110 section 5.3: several fields of a name are one list.
      values[parameter.name] = this.#read(
        parameter,
        request.fields.getAll(parameter.name).join(', '),
        undefined,
      );
    }
    return values;
  }

  /**
   * Cookies of the names that the schema has. One that stands twice becomes a fault: services differ in which of the two they take (RFC
   * 6265 section 4.2.2 says that they should not rely on the order).
   */
  fromCookies({ request }: Exchange, faults: SchemaFault[]): Values {
    const values = noValues();
    const fields = request.fields.getAll('cookie');
    if (fields.length === 0) return values;
    for (const parameter of this.#all) {
      const [raw, ...others] = fields.flatMap((field) => cookieValues(field, parameter.name));
      if (raw === undefined) continue;
      values[parameter.name] = this.#read(parameter, raw, false);
      if (others.length > 0) faults.push({ path: pointerStep(parameter.name), reason: 'stands twice' });
    }
    return values;
  }

  /** `plusIsSpace` as in percent-decoding; undefined for what is not encoded. */
  #read({ style, reader }: Parameter, raw: string, plusIsSpace: boolean | undefined): unknown {
    const decode = (text: string) =>
      plusIsSpace === undefined ? decodeOctets(text.trim()) : decodePercent(text, plusIsSpace);
    if (style === 'json') return this.#json.valueOr(Buffer.from(decode(raw)), decode(raw));
    if (style === 'text') return readValue(decode(raw), reader);
    if (reader.items !== undefined) {
      const { items } = reader;
      return raw === ''
        ? []
        : raw.split(SEPARATORS[style] ?? ',').map((part) => readValue(decode(part), items));
    }
    if (reader.properties === undefined) return readValue(decode(raw), reader);
    const object = noValues();
    const parts = raw.split(',');
    if (style === 'pairs') {
      for (const part of parts) {
        const equals = part.indexOf('=');
        const name = decode(equals < 0 ? part : part.slice(0, equals));
        const text = equals < 0 ? '' : decode(part.slice(equals + 1));
        put(object, name, readValue(text, reader.properties.get(name) ?? TEXT));
      }
      return object;
    }
    for (let i = 0; i < parts.length; i += 2) {
      const name = decode(parts[i] as string);
      put(object, name, readValue(decode(parts[i + 1] ?? ''), reader.properties.get(name) ?? TEXT));
    }
    return object;
  }
}

const SEPARATORS: Readonly<Partial<Record<Style, RegExp>>> = { space: /%20|\+| /, pipe: /\||%7C/i };

/** Without a prototype: a parameter may have any name. */
function noValues(): Values {
  return Object.create(null) as Values;
}

/** Of a name that stands more than once a service may take any value: together they are none that the schema wants. */
function put(values: Values, name: string, value: unknown): void {
  values[name] = name in values ? [values[name], value] : value;
}

/** A list, where the schema has one or the name stands more than once: a schema that wants one value will refuse it. */
function add(values: Values, name: string, text: string, reader: ValueReader): void {
  const value = readValue(text, reader.items ?? reader);
  const before = values[name];
  if (Array.isArray(before)) before.push(value);
  else if (before !== undefined) values[name] = [before, value];
  else values[name] = reader.items === undefined ? value : [value];
}
