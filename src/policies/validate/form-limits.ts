import type { JsonLimits } from '../../lib/json-scanner.ts';
import type { SchemaFault } from './compile-schema.ts';

const AND = 0x26;

/**
 * Tells why a form is not taken apart: parameters count as keys, and what stands between two `&` is a string, as it is written. Told before
 * anything is made of it: a megabyte of `a=1&` would keep a worker busy for a third of a second. The form may come in pieces.
 */
export class FormReading {
  readonly #keys: number;
  readonly #string: number;
  /** Where the parameter at hand begins, and how far it was looked at. */
  #start = 0;
  #at = 0;
  #count = 0;
  #fault: SchemaFault | undefined;

  constructor({ keys, string }: Pick<JsonLimits, 'keys' | 'string'>) {
    this.#keys = keys;
    this.#string = string;
  }

  /** `data` is what there is of it until now, from its beginning. */
  more(data: Buffer): SchemaFault | undefined {
    while (this.#fault === undefined && this.#at < data.length) {
      const next = data.indexOf(AND, this.#at);
      const end = next < 0 ? data.length : next;
      // Empty ones as well: they take as long.
      const isNew = this.#at === this.#start;
      if (isNew && ++this.#count > this.#keys)
        this.#fault = { path: '', reason: `has more than ${this.#keys} parameters` };
      else if (end - this.#start > this.#string)
        this.#fault = {
          path: '',
          reason: `has a parameter of more than ${this.#string} octets, its name included`,
        };
      this.#at = end;
      if (next >= 0) this.#start = ++this.#at;
    }
    return this.#fault;
  }
}
