import type { RE2JS } from 're2js';
import type { Fields } from '../../http/fields.ts';
import type { TextList } from '../../policy/contract.ts';
import { compilePattern } from '../pattern-option.ts';
import type { MatchKind } from './anchors.ts';
import type { ValueMatch } from './schema.ts';

/** The list of a name. */
export type ListNamed = (name: string) => TextList;

/** A condition on a text, or on a field that may not be there. */
export class Matcher {
  readonly #kind: MatchKind;
  readonly #text: string;
  readonly #pattern: RE2JS | undefined;
  readonly #list: TextList | undefined;

  constructor(match: ValueMatch, listNamed: ListNamed) {
    if (typeof match === 'string') {
      this.#kind = 'exact';
      this.#text = match;
    } else if ('prefix' in match) {
      this.#kind = 'prefix';
      this.#text = match.prefix;
    } else if ('list' in match) {
      this.#kind = 'list';
      this.#text = '';
      this.#list = listNamed(match.list);
    } else if ('pattern' in match) {
      this.#kind = 'pattern';
      this.#text = '';
      this.#pattern = compilePattern(match.pattern);
    } else {
      this.#kind = match.present ? 'present' : 'absent';
      this.#text = '';
    }
  }

  matches(text: string): boolean {
    switch (this.#kind) {
      case 'exact':
        return text === this.#text;
      case 'prefix':
        return text.startsWith(this.#text);
      case 'list':
        return this.#list?.has(text) === true;
      case 'pattern':
        return this.#pattern?.test(text) === true;
      case 'present':
        return true;
      case 'absent':
        return false;
    }
  }

  /** Whether the field of that name, which is in small letters, has such a value: where it is sent several times, `some` or `every` one. */
  matchesField(fields: Fields, name: string, which: 'some' | 'every'): boolean {
    const first = fields.get(name);
    if (first === undefined) return this.#kind === 'absent';
    const every = which === 'every';
    if (this.matches(first) !== every) return !every;
    // Who sends the field twice must not get round a rule; it is rare, so that only then the fields are taken apart.
    return fields.repeats(name) ? this.#matchesAll(fields.getAll(name), every) : every;
  }

  #matchesAll(values: readonly string[], every: boolean): boolean {
    for (const value of values) if (this.matches(value) !== every) return !every;
    return every;
  }
}
