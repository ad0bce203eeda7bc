import type { JsonLimits } from '../../lib/json-scanner.ts';
import type { SchemaFault } from './compile-schema.ts';

const AND = 0x26;

/**
 * Why a form is not taken apart: parameters count as keys, and what stands between two `&` is a string, as it is written. Told before anything is made of
 * it: a megabyte of `a=1&` would keep a worker busy for a third of a second.
 */
export function formFault(
  body: Buffer,
  { keys, string }: Pick<JsonLimits, 'keys' | 'string'>,
): SchemaFault | undefined {
  let count = 0;
  for (let start = 0; start < body.length; ) {
    const next = body.indexOf(AND, start);
    const end = next < 0 ? body.length : next;
    if (end - start > string)
      return { path: '', reason: `has a parameter of more than ${string} octets, its name included` };
    // Empty ones as well: they take as long.
    if (++count > keys) return { path: '', reason: `has more than ${keys} parameters` };
    start = end + 1;
  }
  return undefined;
}
