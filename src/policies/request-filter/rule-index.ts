import type { Fields } from '../../http/fields.ts';
import { anchorKeys, anchorsOf, fieldsOf, isAnchorAll } from './anchors.ts';
import type { ListNamed } from './matcher.ts';
import { CompiledRule } from './rule.ts';
import type { Rule, ValueMatch } from './schema.ts';
import { type FilteredRequest, SpelledFields } from './spelled-fields.ts';
import { type Numbers, TextIndex } from './text-index.ts';

/**
 * Finds the first of many rules that takes a request. Each rule is filed under one of its conditions, so that a request costs a look
 * for its method, its path and each field that rules are filed under, and the few rules found there; not a walk along all of them.
 */
export class RuleIndex {
  readonly #rules: readonly CompiledRule[];
  readonly #methods = new Map<string, Numbers>();
  readonly #path: TextIndex | undefined;
  readonly #fieldNames: readonly string[];
  readonly #fields: readonly TextIndex[];
  readonly #isEachValueAsked: boolean;
  readonly #spelled: SpelledFields;
  /** Used again for each request. */
  readonly #found: Numbers[] = [];

  /** `values`: how many of the values of a field that is sent several times have to fit. */
  constructor(rules: readonly Rule[], values: 'some' | 'every', listNamed: ListNamed) {
    this.#rules = rules.map((rule) => new CompiledRule(rule, values, listNamed));
    this.#spelled = new SpelledFields(rules.flatMap((rule) => fieldsOf(rule).map(([name]) => name)));
    this.#isEachValueAsked = values === 'some';
    const paths = new Map<string, Filed>();
    const fields = new Map<string, Map<string, Filed>>();
    for (const [number, anchor] of anchorsOf(rules).entries()) {
      const isAll = isAnchorAll(rules[number] as Rule);
      const [key = ''] = anchorKeys(anchor);
      if (anchor.of === 'path') file(paths, key, anchor.match, number, isAll);
      else if (anchor.of === 'field') {
        let named = fields.get(anchor.name);
        if (named === undefined) fields.set(anchor.name, (named = new Map()));
        file(named, key, anchor.match, number, isAll);
        // Filed under its methods alone, it takes whatever has one: no later rule that is filed there is ever the first.
      } else
        for (const method of anchor.methods)
          if (!this.#methods.has(method)) this.#methods.set(method, [number]);
    }
    this.#path = paths.size === 0 ? undefined : indexOf(paths, listNamed);
    this.#fieldNames = [...fields.keys()];
    this.#fields = [...fields.values()].map((filed) => indexOf(filed, listNamed));
  }

  /** Number of the first rule that takes the request; -1: none does. */
  find(sent: FilteredRequest): number {
    const request = this.#spelled.of(sent);
    const found = this.#found;
    found.length = 0;
    const byMethod = this.#methods.get(request.method);
    if (byMethod !== undefined) found.push(byMethod);
    this.#path?.find(request.path, found);
    for (let i = 0; i < this.#fields.length; i++)
      this.#findField(this.#fields[i] as TextIndex, request.fields, this.#fieldNames[i] as string);
    return found.length === 0 ? -1 : this.#firstOf(found, request);
  }

  #findField(index: TextIndex, fields: Fields, name: string): void {
    const found = this.#found;
    const value = fields.get(name);
    if (value === undefined) {
      if (index.absent.length > 0) found.push(index.absent);
      return;
    }
    if (index.present.length > 0) found.push(index.present);
    // Where every value has to fit, so has the first.
    if (!this.#isEachValueAsked || !fields.repeats(name)) index.find(value, found);
    else for (const each of fields.getAll(name)) index.find(each, found);
  }

  #firstOf(found: readonly Numbers[], request: FilteredRequest): number {
    let first = this.#rules.length;
    for (let i = 0; i < found.length; i++) {
      const numbers = found[i] as Numbers;
      for (let at = 0; at < numbers.length; at++) {
        const number = numbers[at] as number;
        if (number >= first) break;
        if ((this.#rules[number] as CompiledRule).matches(request)) first = number;
      }
    }
    return first === this.#rules.length ? -1 : first;
  }
}

/** The rules with one anchor. */
interface Filed {
  readonly match: ValueMatch;
  readonly numbers: number[];
  /** The last one takes all that is found here: a later one is never the first. */
  isClosed: boolean;
}

function file(
  filed: Map<string, Filed>,
  key: string,
  match: ValueMatch,
  number: number,
  isAll: boolean,
): void {
  let place = filed.get(key);
  if (place === undefined) filed.set(key, (place = { match, numbers: [], isClosed: false }));
  if (place.isClosed) return;
  place.numbers.push(number);
  place.isClosed = isAll;
}

function indexOf(filed: ReadonlyMap<string, Filed>, listNamed: ListNamed): TextIndex {
  const entries = [...filed.values()].map(({ match, numbers }) => [match, numbers] as const);
  return new TextIndex(entries, listNamed);
}
