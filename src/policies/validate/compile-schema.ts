import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { linearPatterns } from './linear-pattern.ts';
import { addSafeKeywords } from './safe-keywords.ts';

/** A JSON Schema of draft 2020-12. */
export type JsonSchema = boolean | Readonly<Record<string, unknown>>;
/** Schemas that others refer to as `#/definitions/<name>`. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

/** Something that a value is not. */
export interface SchemaFault {
  /** JSON Pointer (RFC 6901) to the value. */
  readonly path: string;
  readonly reason: string;
}

/** Of a large value only the first fault is looked for: a list of all could be as long as the value. */
const ALL_FAULTS_BYTES = 16 * 1024;
/** Names of a client's own choice stand in paths, so they are cut. */
const MAX_TEXT = 200;

const COMMON = {
  strict: true,
  // Schemas often leave out what follows from others: `required` beside `allOf`, `minimum` without a type.
  strictTypes: false,
  strictTuples: false,
  strictRequired: false,
  // Or `required: [constructor]` would be met by every object.
  ownProperties: true,
  code: { regExp: linearPatterns },
  logger: false,
  // They were checked where they are written.
  validateSchema: false,
  meta: false,
} as const;

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

/** Knows the meta-schemas, and is never given a schema to keep. */
const META = new Ajv2020({ logger: false });

/** What is wrong with a schema, and where in it; undefined when nothing is. */
export function schemaProblem(schema: unknown): { path: string[]; message: string } | undefined {
  if (typeof schema === 'object' && schema !== null) {
    // A validator that has to be waited for would take everything: a promise is true.
    if ('$async' in schema) return { path: ['$async'], message: 'is not supported' };
    if ('$schema' in schema && schema.$schema !== DIALECT)
      return { path: ['$schema'], message: `is another dialect: leave it out, or write ${DIALECT}` };
  }
  if (META.validateSchema(schema as object) === true) return undefined;
  const error = META.errors?.[0];
  const path = (error?.instancePath ?? '').split('/').slice(1).map(unescapeStep);
  return { path, message: `is not JSON Schema (draft 2020-12): ${error?.message ?? ''}` };
}

function unescapeStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~');
}

function makeAjv(allErrors: boolean): Ajv2020 {
  const ajv = new Ajv2020({ ...COMMON, allErrors });
  addSafeKeywords(ajv);
  return ajv;
}

/** Compiles the schemas of one use of the policy. */
export class SchemaCompiler {
  readonly #definitions: Definitions;
  readonly #quick = makeAjv(false);
  /** Made when a first request is wrong: it would double the time that a document of hundreds of operations takes to load. */
  #thorough: Ajv2020 | undefined;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** Throws an Error that says what is wrong with the schema. */
  compile(schema: JsonSchema): CompiledSchema {
    const whole =
      typeof schema === 'boolean'
        ? schema
        : { ...schema, definitions: { ...this.#definitions, ...(schema['definitions'] as Definitions) } };
    return new CompiledSchema(this.#quick.compile(whole), () => {
      this.#thorough ??= makeAjv(true);
      return this.#thorough.compile(whole);
    });
  }
}

/** A schema, ready to be held against values. */
export class CompiledSchema {
  /** Stops at the first fault. */
  readonly #quick: ValidateFunction;
  readonly #makeThorough: () => ValidateFunction;
  #thorough: ValidateFunction | undefined;

  constructor(quick: ValidateFunction, makeThorough: () => ValidateFunction) {
    this.#quick = quick;
    this.#makeThorough = makeThorough;
  }

  accepts(value: unknown): boolean {
    return this.#quick(value);
  }

  /** At most `most` faults of a value that is not accepted and was read from so many octets. */
  faults(value: unknown, bytes: number, most: number): SchemaFault[] {
    const wantsAll = most > 1 && bytes <= ALL_FAULTS_BYTES;
    const check = wantsAll ? (this.#thorough ??= this.#makeThorough()) : this.#quick;
    check(value);
    return (check.errors ?? []).slice(0, most).map(faultOf);
  }
}

function faultOf({ instancePath, params, message }: ErrorObject): SchemaFault {
  // Points at the property itself rather than at what it is in.
  const extra: unknown = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (typeof extra === 'string')
    return {
      path: cut(`${instancePath}/${extra.replaceAll('~', '~0').replaceAll('/', '~1')}`),
      reason: 'is not known here',
    };
  return { path: cut(instancePath), reason: cut(message ?? 'is not valid') };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}
