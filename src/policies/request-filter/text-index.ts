import type { TextList } from '../../policy/contract.ts';
import { kindOf } from './anchors.ts';
import type { ListNamed } from './matcher.ts';
import { PatternTable } from './pattern-table.ts';
import { PrefixTable } from './prefix-table.ts';
import type { ValueMatch } from './schema.ts';

/** Numbers of rules, ascending. */
export type Numbers = readonly number[];

type FiledList = readonly [list: TextList, numbers: Numbers];

/** The rules that are found by one text, the path or the value of a field. */
export class TextIndex {
  readonly present: Numbers;
  readonly absent: Numbers;
  readonly #exact: ReadonlyMap<string, Numbers> | undefined;
  readonly #prefixes: PrefixTable<Numbers> | undefined;
  readonly #patterns: PatternTable<Numbers> | undefined;
  readonly #lists: readonly FiledList[];

  constructor(entries: Iterable<readonly [match: ValueMatch, numbers: Numbers]>, listNamed: ListNamed) {
    const tables = {
      exact: new Map<string, Numbers>(),
      prefix: new Map<string, Numbers>(),
      list: new Map<string, Numbers>(),
      pattern: new Map<string, Numbers>(),
      present: new Map<string, Numbers>(),
      absent: new Map<string, Numbers>(),
    };
    for (const [match, numbers] of entries) tables[kindOf(match)].set(textOf(match), numbers);
    this.present = tables.present.get('') ?? [];
    this.absent = tables.absent.get('') ?? [];
    this.#exact = tables.exact.size === 0 ? undefined : tables.exact;
    this.#prefixes = tables.prefix.size === 0 ? undefined : new PrefixTable(tables.prefix);
    this.#lists = [...tables.list].map(([name, numbers]) => [listNamed(name), numbers]);
    this.#patterns = tables.pattern.size === 0 ? undefined : new PatternTable(tables.pattern);
  }

  /** Adds to `found` what the text is found by. */
  find(text: string, found: Numbers[]): void {
    const exact = this.#exact?.get(text);
    if (exact !== undefined) found.push(exact);
    this.#prefixes?.find(text, found);
    for (let i = 0; i < this.#lists.length; i++) {
      const [list, numbers] = this.#lists[i] as FiledList;
      if (list.has(text)) found.push(numbers);
    }
    this.#patterns?.find(text, found);
  }
}

function textOf(match: ValueMatch): string {
  if (typeof match === 'string') return match;
  if ('prefix' in match) return match.prefix;
  if ('list' in match) return match.list;
  return 'pattern' in match ? match.pattern : '';
}
