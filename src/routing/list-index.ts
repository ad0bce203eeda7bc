import type { Candidate } from './precedence.ts';
import type { Ranked } from './tree.ts';

/** A candidate with its place in the order of precedence. */
export interface Ordered extends Ranked {
  readonly candidate: Candidate;
}

/** Candidates by one header or query parameter for which they ask an exact value, and those that ask for none. */
interface ByValue {
  readonly others: Ordered[];
  readonly fields: Map<string, Map<string, Ordered[]>>;
}

/**
 * Finds, among many candidates with one host and one path, the few that could have to do with another, so that thousands of
 * routes told apart by a header need not be compared each with each. Lists are in the order of rank.
 */
export class ListIndex {
  readonly #all: ByValue = { others: [], fields: new Map() };
  /** Apart for those that cannot tie. */
  readonly #ties = new Map<string, ByValue>();

  constructor(list: readonly Ordered[]) {
    const uses = new Map<string, number>();
    for (const { candidate } of list) {
      for (const { field, value } of exactValues(candidate)) {
        const key = `${field}=${value}`;
        uses.set(key, (uses.get(key) ?? 0) + 1);
      }
    }
    for (const ordered of list) {
      // The value that the fewest ask for leads to the shortest list.
      const use = ({ field, value }: ExactValue) => uses.get(`${field}=${value}`) ?? 0;
      const rarest = exactValues(ordered.candidate).sort((a, b) => use(a) - use(b))[0];
      add(this.#all, rarest, ordered);
      const key = tieKey(ordered.candidate);
      let ties = this.#ties.get(key);
      if (ties === undefined) {
        ties = { others: [], fields: new Map() };
        this.#ties.set(key, ties);
      }
      add(ties, rarest, ordered);
    }
  }

  /** Lists of those whose conditions may be wider than the candidate's: they ask for no value that it does not ask for. */
  wider(candidate: Candidate): Ordered[][] {
    const lists = [this.#all.others];
    for (const { field, value } of exactValues(candidate)) {
      const list = this.#all.fields.get(field)?.get(value);
      if (list !== undefined) lists.push(list);
    }
    return lists;
  }

  /** Lists of those that precedence cannot tell from the candidate and that may match a request together with it. */
  *tied(candidate: Candidate): Iterable<readonly Ordered[]> {
    const ties = this.#ties.get(tieKey(candidate));
    if (ties === undefined) return;
    yield ties.others;
    const own = new Map(exactValues(candidate).map(({ field, value }) => [field, value]));
    for (const [field, values] of ties.fields) {
      const value = own.get(field);
      // One that asks for no single value of the field may meet any.
      if (value === undefined) yield* values.values();
      else yield values.get(value) ?? [];
    }
  }
}

interface ExactValue {
  readonly field: string;
  readonly value: string;
}

function exactValues({ headers, query }: Candidate): ExactValue[] {
  const values: ExactValue[] = [];
  for (const { kind, name, value } of headers)
    if (kind === 'exact') values.push({ field: `header ${name}`, value });
  for (const { kind, name, value } of query)
    if (kind === 'exact') values.push({ field: `query ${name}`, value });
  return values;
}

/** Equal for candidates of one list that `compareCandidates` finds equal. */
function tieKey({ priority, methodScore, headers, query, protocols }: Candidate): string {
  return `${priority} ${methodScore} ${headers.length} ${query.length} ${protocols !== undefined}`;
}

function add(index: ByValue, exact: ExactValue | undefined, ordered: Ordered): void {
  if (exact === undefined) {
    index.others.push(ordered);
    return;
  }
  let values = index.fields.get(exact.field);
  if (values === undefined) {
    values = new Map();
    index.fields.set(exact.field, values);
  }
  const list = values.get(exact.value);
  if (list === undefined) values.set(exact.value, [ordered]);
  else list.push(ordered);
}
