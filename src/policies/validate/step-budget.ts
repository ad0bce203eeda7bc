import type { Ajv2020 } from 'ajv/dist/2020.js';

/** References that may be followed in one check, beside those for each octet. */
const FREE_STEPS = 2000;
const STEPS_PER_OCTET = 4;
/** Each may leave a fault behind, and lists of them are copied as they grow: 100,000 take about a tenth of a second. */
const MAX_STEPS = 100_000;
const KEYWORD = 'stepBudget';
/** Their values are schemas by name. */
const MAPS = ['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties'];
/** Their values are no schemas, whatever they look like. */
const VALUES = ['const', 'default', 'enum', 'example', 'examples'];

/** Thrown out of a validator that has followed too many references. */
export class StepsExceeded extends Error {}

/**
 * Ends checks that would take too long. A schema that leads to itself in several branches of `anyOf` or `oneOf` multiplies its work with
 * each level of a value, and a few hundred octets have enough levels to stall a worker. Every recursion goes through a `$ref`.
 */
export class StepBudget {
  #left = 0;

  /** For a check of a value that was read from so many octets. */
  start(bytes: number): void {
    this.#left = Math.min(MAX_STEPS, FREE_STEPS + bytes * STEPS_PER_OCTET);
  }

  addTo(ajv: Ajv2020): void {
    // The other way for a schema to lead to itself: without it, it is an unknown keyword.
    ajv.removeKeyword('$dynamicRef');
    ajv.addKeyword({
      keyword: KEYWORD,
      schemaType: 'boolean',
      errors: false,
      // Behind it, it would not be reached where the reference leads to a fault.
      before: '$ref',
      validate: () => {
        if (--this.#left < 0) throw new StepsExceeded();
        return true;
      },
    });
  }
}

/** A copy of a schema whose references are counted. */
export function counted(schema: unknown): unknown {
  return copyOf(schema, false);
}

/** `isMap`: the keys are names of schemas, not keywords. */
function copyOf(value: unknown, isMap: boolean): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => copyOf(item, false));
  const made: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value))
    made[key] = !isMap && VALUES.includes(key) ? inner : copyOf(inner, !isMap && MAPS.includes(key));
  if (!isMap && typeof made['$ref'] === 'string') made[KEYWORD] = true;
  return made;
}
