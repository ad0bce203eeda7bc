import { type JsonReader, JsonReading } from '../../lib/json-reader.ts';
import type { CompiledSchema, SchemaCompiler, SchemaFault } from './compile-schema.ts';
import { FormReading } from './form-limits.ts';
import type { Definitions, JsonSchema } from './json-schema.ts';
import { ByMediaType, essenceOf, isForm, isJson, saysOtherCharset } from './media-type.ts';
import { Parameters } from './parameters.ts';

/** Content types with their schemas, as they are written. */
export type ContentOptions = Readonly<Record<string, { readonly schema?: JsonSchema | undefined }>>;

/** What the checks of one use of the policy have in common. */
export interface Checks {
  readonly compiler: SchemaCompiler;
  readonly definitions: Definitions;
  readonly json: JsonReader;
  readonly maxErrors: number;
}

/** Tells what is wrong with a body as it comes, by what there is of it, whatever may follow. */
export type BodyReading = JsonReading | FormReading;

interface ContentType {
  readonly schema: CompiledSchema | undefined;
  /** For forms, also those that a range takes. */
  readonly form: Parameters | undefined;
}

/** What forms are taken by. */
const FORM_RANGES = ['application/x-www-form-urlencoded', 'application/*', '*/*'];

/** Bodies of several content types: which are taken, and what each must be. */
export class ContentCheck {
  readonly #types: ByMediaType<ContentType>;
  readonly #checks: Checks;

  /** Throws an Error that says what is wrong with a schema. */
  constructor(content: ContentOptions, checks: Checks) {
    this.#checks = checks;
    this.#types = new ByMediaType(
      Object.entries(content).map(([range, { schema }]) => [range, this.#compile(range, schema)] as const),
    );
  }

  #compile(range: string, schema: JsonSchema | undefined): ContentType {
    const { compiler, definitions, json } = this.#checks;
    if (schema === undefined) return { schema: undefined, form: undefined };
    if (!FORM_RANGES.includes(essenceOf(range))) return { schema: compiler.compile(schema), form: undefined };
    const form = new Parameters({ schema, styles: {} }, 'form', compiler, definitions, json);
    return { schema: form.schema, form };
  }

  /** Whether bodies of this Content-Type are taken. */
  takes(contentType: string | undefined): boolean {
    const essence = essenceOf(contentType);
    if (this.#types.get(contentType ?? '') === undefined) return false;
    return !isJson(essence) || !saysOtherCharset(contentType ?? '');
  }

  /** For a body of a type that is taken and comes in pieces; undefined where nothing is held against it before it is whole. */
  reading(contentType: string | undefined): BodyReading | undefined {
    const { json } = this.#checks;
    const essence = essenceOf(contentType);
    if (isJson(essence)) return json.begin();
    return this.#formOf(contentType, essence) && new FormReading(json.limits);
  }

  /** What is wrong with a body of a type that is taken; undefined when nothing is. `reading` is what has seen it until now. */
  faults(
    contentType: string | undefined,
    body: Buffer,
    reading: BodyReading | undefined,
  ): readonly SchemaFault[] | undefined {
    const { json, maxErrors } = this.#checks;
    const essence = essenceOf(contentType);
    if (isJson(essence)) {
      const read = reading instanceof JsonReading ? reading.end(body) : json.read(body);
      const { schema } = this.#types.get(contentType ?? '') ?? {};
      return read.ok ? schema?.faults(read.value, body.length, maxErrors) : [read];
    }
    const form = this.#formOf(contentType, essence);
    if (form === undefined) return undefined;
    const fault = (reading ?? new FormReading(json.limits)).more(body);
    if (fault !== undefined) return [fault];
    return form.schema.faults(form.fromForm(body.toString('latin1')), body.length, maxErrors);
  }

  #formOf(contentType: string | undefined, essence: string): Parameters | undefined {
    return isForm(essence) ? this.#types.get(contentType ?? '')?.form : undefined;
  }
}
