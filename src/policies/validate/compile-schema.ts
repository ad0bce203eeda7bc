import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { nameOfStep, pointerStep } from '../../lib/json-pointer.ts';
import type { Definitions, JsonSchema } from './json-schema.ts';
import { linearPatterns } from './linear-pattern.ts';
import { endlessReference, withDefinitions } from './references.ts';
import { addSafeKeywords } from './safe-keywords.ts';
import { counted, StepBudget, StepsExceeded } from './step-budget.ts';

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
  const path = (error?.instancePath ?? '').split('/').slice(1).map(nameOfStep);
  return { path, message: `is not JSON Schema (draft 2020-12): ${error?.message ?? ''}` };
}

function makeAjv(allErrors: boolean, budget: StepBudget): Ajv2020 {
  const ajv = new Ajv2020({ ...COMMON, allErrors });
  addSafeKeywords(ajv);
  budget.addTo(ajv);
  return ajv;
}

/** Compiles the schemas of one use of the policy. */
export class SchemaCompiler {
  readonly #definitions: Definitions;
  readonly #budget = new StepBudget();
  readonly #quick = makeAjv(false, this.#budget);
  /** Made when a first request is wrong: it would double the time that a document of hundreds of operations takes to load. */
  #thorough: Ajv2020 | undefined;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  /** Throws an Error that says what is wrong with the schema. */
  compile(schema: JsonSchema): CompiledSchema {
    const written = withDefinitions(schema, this.#definitions);
    const endless = endlessReference(written);
    if (endless !== undefined)
      throw new Error(
        `the reference ${endless} leads back to itself for the same value: a check would not end`,
      );
    const whole = counted(written) as JsonSchema;
    return new CompiledSchema(this.#budget, this.#compileQuick(whole), () => {
      this.#thorough ??= makeAjv(true, this.#budget);
      return this.#thorough.compile(whole);
    });
  }

  #compileQuick(whole: JsonSchema): ValidateFunction {
    try {
      return this.#quick.compile(whole);
    } catch (error) {
      if (error instanceof RangeError)
        throw new Error('its references lead to each other in too long a chain', { cause: error });
      throw error;
    }
  }
}

/** A schema, ready to be held against values. */
export class CompiledSchema {
  readonly #budget: StepBudget;
  /** Stops at the first fault. */
  readonly #quick: ValidateFunction;
  readonly #makeThorough: () => ValidateFunction;
  #thorough: ValidateFunction | undefined;

  constructor(budget: StepBudget, quick: ValidateFunction, makeThorough: () => ValidateFunction) {
    this.#budget = budget;
    this.#quick = quick;
    this.#makeThorough = makeThorough;
  }

  /** At most `most` faults of a value that was read from so many octets; undefined when there is none. */
  faults(value: unknown, bytes: number, most: number): readonly SchemaFault[] | undefined {
    const accepted = this.#run(this.#quick, value, bytes);
    if (accepted === true) return undefined;
    if (accepted === undefined) return TOO_COMPLEX;
    const first = this.#quick.errors ?? [];
    if (most === 1 || bytes > ALL_FAULTS_BYTES) return first.slice(0, most).map(faultOf);
    this.#thorough ??= this.#makeThorough();
    const all = this.#run(this.#thorough, value, bytes) === false ? this.#thorough.errors : undefined;
    return (all ?? first).slice(0, most).map(faultOf);
  }

  /** undefined when it would take too long to say. */
  #run(check: ValidateFunction, value: unknown, bytes: number): boolean | undefined {
    this.#budget.start(bytes);
    try {
      return check(value);
    } catch (error) {
      // A long chain of references at each of many levels may need more stack than there is before it runs out of steps.
      if (error instanceof StepsExceeded || error instanceof RangeError) return undefined;
      throw error;
    }
  }
}

const TOO_COMPLEX: readonly SchemaFault[] = [{ path: '', reason: 'takes too long to check' }];

function faultOf({ instancePath, params, message }: ErrorObject): SchemaFault {
  // Points at the property itself rather than at what it is in.
  const extra: unknown = params['additionalProperty'] ?? params['unevaluatedProperty'];
  if (typeof extra === 'string')
    return {
      path: cut(`${instancePath}${pointerStep(extra)}`),
      reason: 'is not known here',
    };
  return { path: cut(instancePath), reason: cut(message ?? 'is not valid') };
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}
