import { commonRange, type SortedRanges, sortRanges } from '../../lib/address-table.ts';
import { formatCidr, parseCidr } from '../../lib/cidr.ts';
import type { CheckContext, OptionProblem } from '../../policy/contract.ts';
import { isTextKind } from '../address-lists.ts';
import { noList } from '../list-option.ts';
import type { IpFilterEntry, IpFilterOptions } from './schema.ts';

/** One entry that is a list, or all entries that are addresses. */
interface Source {
  /** Of the entry that has the range, which `commonRange` names. */
  readonly indexOf: (range: string) => number;
  /** Completes "10.0.0.0/8 of …". */
  readonly list: string | undefined;
  readonly ranges: SortedRanges;
}

/** Lists that are not there, and ranges that are allowed and denied alike: whoever writes both cannot mean both. */
export function checkIpFilter(
  { allow = [], deny = [] }: IpFilterOptions,
  { lists }: CheckContext,
): readonly OptionProblem[] {
  const missing = [...missingLists(allow, 'allow', lists), ...missingLists(deny, 'deny', lists)];
  if (missing.length > 0) return missing;
  const allowed = sourcesOf(allow, lists);
  return sourcesOf(deny, lists).flatMap((denied) =>
    allowed.flatMap((other): OptionProblem[] => {
      const range = commonRange(denied.ranges, other.ranges);
      if (range === undefined) return [];
      const within = denied.list === undefined ? '' : ` of the list ${denied.list}`;
      const there = other.list === undefined ? '' : `, in the list ${other.list}`;
      const message = `${range}${within} is allowed too: allow[${other.indexOf(range)}] has it${there}`;
      return [{ path: ['deny', denied.indexOf(range)], message }];
    }),
  );
}

function missingLists(
  entries: readonly IpFilterEntry[],
  side: 'allow' | 'deny',
  lists: CheckContext['lists'],
): OptionProblem[] {
  return entries.flatMap((entry, index): OptionProblem[] => {
    if (typeof entry === 'string') return [];
    const list = lists.get(entry.list);
    const path = [side, index, 'list'];
    if (list === undefined) return [noList(entry.list, path, lists)];
    return isTextKind(list.kind)
      ? [{ path, message: `the list ${JSON.stringify(entry.list)} holds texts, and no addresses` }]
      : [];
  });
}

function sourcesOf(entries: readonly IpFilterEntry[], lists: CheckContext['lists']): Source[] {
  const own = new Map<string, number>();
  const ownRanges = entries.flatMap((entry, index) => {
    const range = typeof entry === 'string' ? parseCidr(entry) : undefined;
    if (range?.kind !== 'range') return [];
    const text = formatCidr(range);
    if (!own.has(text)) own.set(text, index);
    return [range];
  });
  const written: Source = {
    indexOf: (range) => own.get(range) ?? 0,
    list: undefined,
    ranges: sortRanges(ownRanges),
  };
  const named = entries.flatMap((entry, index): Source[] => {
    const list = typeof entry === 'string' ? undefined : lists.get(entry.list);
    return typeof entry === 'string' || list === undefined
      ? []
      : [{ indexOf: () => index, list: entry.list, ranges: list.ranges }];
  });
  return [written, ...named];
}
