import type { Ajv2020, Format } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/** Longest text that has a format: some of their patterns take time in proportion to its square. */
const MAX_FORMATTED = 2048;
/** Formats that may be long, and are quick. */
const LONG = ['binary', 'byte', 'password'];

/** Formats, and `uniqueItems`, so that what a client sends cannot make them take long; and `multipleOf` that takes 19.99 for cents. */
export function addSafeKeywords(ajv: Ajv2020): void {
  addFormats.default(ajv);
  for (const name of Object.keys(ajv.formats)) {
    const format = ajv.formats[name];
    if (format !== undefined && !LONG.includes(name)) ajv.addFormat(name, bounded(format));
  }
  // Ajv's own compares every item with every other.
  ajv.removeKeyword('uniqueItems');
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    compile: (wanted: boolean) => (items: readonly unknown[]) => !wanted || areUnique(items),
    error: { message: 'must NOT have the same item twice' },
  });
  // Ajv's own divides, and is told of 1998.9999999999998 cents.
  ajv.removeKeyword('multipleOf');
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    compile: (divisor: number) => (value: number) => isMultiple(value, divisor),
    error: { message: ({ schema }) => `must be multiple of ${String(schema)}` },
  });
}

/** Whole numbers exactly; of others neither is more exact than a few units in its last place. */
function isMultiple(value: number, divisor: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(divisor)) return value % divisor === 0;
  const quotient = value / divisor;
  return Math.abs(quotient - Math.round(quotient)) <= Math.abs(quotient) * 2 * Number.EPSILON;
}

function bounded(format: NonNullable<Ajv2020['formats'][string]>): Format {
  if (format instanceof RegExp) return (text: string) => text.length <= MAX_FORMATTED && format.test(text);
  if (typeof format === 'function') return (text: string) => text.length <= MAX_FORMATTED && format(text);
  if (typeof format === 'object' && format.type !== 'number' && typeof format.validate === 'function') {
    const validate = format.validate as (text: string) => boolean;
    return {
      ...format,
      validate: (text: string) => text.length <= MAX_FORMATTED && validate(text),
    } as Format;
  }
  return format;
}

function areUnique(items: readonly unknown[]): boolean {
  return new Set(items.map(canonical)).size === items.length;
}

/** The same text for values that are equal (JSON Schema Core section 4.2.2): the order of keys does not count. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const object = value as Readonly<Record<string, unknown>>;
  const members = Object.keys(object)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`);
  return `{${members.join()}}`;
}
