import type { ValueMatch } from './schema.ts';

/** What a route asks of one header field or query parameter. */
export interface Condition {
  readonly name: string;
  readonly kind: 'exact' | 'prefix' | 'present' | 'absent';
  /** Empty for `present` and `absent`. */
  readonly value: string;
}

/** The conditions of `headers` or `query`, in the order of the configuration. */
export function conditionsOf(record: Readonly<Record<string, ValueMatch>> | undefined): readonly Condition[] {
  if (record === undefined) return NONE;
  return Object.entries(record).map(([name, match]) => {
    if (typeof match === 'string') return { name, kind: 'exact', value: match };
    if ('prefix' in match) return { name, kind: 'prefix', value: match.prefix };
    return { name, kind: match.present ? 'present' : 'absent', value: '' };
  });
}

const NONE: readonly Condition[] = [];

/** Whether a value satisfies a condition; undefined stands for a field or parameter that is not there. */
export function satisfies(value: string | undefined, condition: Condition): boolean {
  if (value === undefined) return condition.kind === 'absent';
  switch (condition.kind) {
    case 'exact':
      return value === condition.value;
    case 'prefix':
      return value.startsWith(condition.value);
    case 'present':
      return true;
    case 'absent':
      return false;
  }
}

/**
 * First value of a query parameter, percent-decoded and with `+` as a space, as the URL Standard reads a query.
 * A plain query is searched in place; `parse` is called only for one with escapes.
 */
export function queryValue(
  search: string,
  name: string,
  parse: (search: string) => URLSearchParams,
): string | undefined {
  if (search.length < 2) return undefined;
  if (search.includes('%') || search.includes('+')) return parse(search).get(name) ?? undefined;
  for (let from = 1; from < search.length; ) {
    let end = search.indexOf('&', from);
    if (end === -1) end = search.length;
    // `a=b=c` is a with the value b=c; `a` alone has an empty value; `&&` is nothing.
    if (end !== from && search.startsWith(name, from)) {
      const equals = from + name.length;
      if (equals === end) return '';
      if (equals < end && search.charCodeAt(equals) === 0x3d) return search.slice(equals + 1, end);
    }
    from = end + 1;
  }
  return undefined;
}
