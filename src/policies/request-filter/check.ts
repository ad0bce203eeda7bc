import type { CheckContext, OptionProblem } from '../../policy/contract.ts';
import { isTextKind } from '../address-lists.ts';
import { noList } from '../list-option.ts';
import {
  anchorKeys,
  anchorsOf,
  isAnchorAll,
  kindOf,
  MAX_ALIKE,
  MAX_FIELDS,
  MAX_LISTS,
  MAX_PATTERNS,
} from './anchors.ts';
import type { RequestFilterOptions, Rule, ValueMatch } from './schema.ts';

/** Lists that are not there, and rules that would make each request dearer the more there are of them. */
export function checkRequestFilter(
  { allow = [], deny = [] }: RequestFilterOptions,
  { lists }: CheckContext,
): readonly OptionProblem[] {
  const missing = [...listProblems('allow', allow, lists), ...listProblems('deny', deny, lists)];
  return missing.length > 0 ? missing : [...boundProblems('allow', allow), ...boundProblems('deny', deny)];
}

function listProblems(
  side: 'allow' | 'deny',
  rules: readonly Rule[],
  lists: CheckContext['lists'],
): readonly OptionProblem[] {
  return rules.flatMap(({ path, headers = {}, userAgent }, index) => {
    const fields = Object.entries(headers).map(([name, match]) => [['headers', name], match] as const);
    const places: readonly (readonly [readonly string[], ValueMatch | undefined])[] = [
      [['path'], path],
      ...fields,
      [['userAgent'], userAgent],
    ];
    return places.flatMap(([place, match]): OptionProblem[] => {
      if (typeof match !== 'object' || !('list' in match)) return [];
      const at = [side, index, ...place, 'list'];
      const list = lists.get(match.list);
      if (list === undefined) return [noList(match.list, at, lists)];
      return isTextKind(list.kind)
        ? []
        : [{ path: at, message: `the list ${JSON.stringify(match.list)} holds addresses, and no texts` }];
    });
  });
}

/** The first problem of each kind: the others are like it. */
function boundProblems(side: 'allow' | 'deny', rules: readonly Rule[]): readonly OptionProblem[] {
  const alike = new Map<string, number>();
  const closed = new Set<string>();
  const many = { pattern: new Map<string, Set<string>>(), list: new Map<string, Set<string>>() };
  const fields = new Set<string>();
  const problems = new Map<string, OptionProblem>();
  const tell = (kind: string, index: number, message: string): void => {
    if (!problems.has(kind)) problems.set(kind, { path: [side, index], message });
  };
  for (const [index, anchor] of anchorsOf(rules).entries()) {
    if (anchor.of === 'method') continue;
    const [key = ''] = anchorKeys(anchor);
    if (closed.has(key)) continue;
    if (isAnchorAll(rules[index] as Rule)) closed.add(key);
    const where = anchor.of === 'path' ? 'path' : anchor.name;
    const count = (alike.get(key) ?? 0) + 1;
    alike.set(key, count);
    if (count > MAX_ALIKE)
      tell(
        'alike',
        index,
        `is found by its ${where} as ${MAX_ALIKE} rules before it are, and each request would have to try them all: give it a path or value that few others have, or join rules by a pattern`,
      );
    if (anchor.of === 'field') fields.add(where);
    if (fields.size > MAX_FIELDS)
      tell(
        'fields',
        index,
        `needs another field to be looked for in each request: rules may need ${MAX_FIELDS}`,
      );
    const kind = kindOf(anchor.match);
    if (kind !== 'pattern' && kind !== 'list') continue;
    let those = many[kind].get(where);
    if (those === undefined) many[kind].set(where, (those = new Set()));
    those.add(key);
    if (kind === 'pattern' && those.size > MAX_PATTERNS)
      tell(
        'patterns',
        index,
        `is one pattern too many for the ${where}: there may be ${MAX_PATTERNS}; write prefixes or exact texts, of which there may be any number`,
      );
    if (kind === 'list' && those.size > MAX_LISTS)
      tell(
        'lists',
        index,
        `is one list too many for the ${where}: there may be ${MAX_LISTS}; a list may have any number of entries`,
      );
  }
  return [...problems.values()];
}
