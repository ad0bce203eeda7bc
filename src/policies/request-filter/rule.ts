import { fieldsOf, methodsOf } from './anchors.ts';
import { type ListNamed, Matcher } from './matcher.ts';
import type { Rule } from './schema.ts';
import type { FilteredRequest } from './spelled-fields.ts';

/** Conditions that must all hold, the cheapest first. */
export class CompiledRule {
  readonly #methods: readonly string[] | undefined;
  readonly #path: Matcher | undefined;
  readonly #fieldNames: readonly string[];
  readonly #fieldMatchers: readonly Matcher[];
  readonly #values: 'some' | 'every';

  /** `values`: how many of the values of a field that is sent several times have to fit. */
  constructor(rule: Rule, values: 'some' | 'every', listNamed: ListNamed) {
    this.#values = values;
    this.#methods = methodsOf(rule);
    this.#path = rule.path === undefined ? undefined : new Matcher(rule.path, listNamed);
    const fields = fieldsOf(rule);
    this.#fieldNames = fields.map(([name]) => name);
    this.#fieldMatchers = fields.map(([, match]) => new Matcher(match, listNamed));
  }

  matches(request: FilteredRequest): boolean {
    if (this.#methods?.includes(request.method) === false) return false;
    if (this.#path?.matches(request.path) === false) return false;
    for (let i = 0; i < this.#fieldNames.length; i++) {
      const matcher = this.#fieldMatchers[i] as Matcher;
      if (!matcher.matchesField(request.fields, this.#fieldNames[i] as string, this.#values)) return false;
    }
    return true;
  }
}
