import type { OptionProblem } from '../../policy/contract.ts';
import {
  anchorKeys,
  anchorsOf,
  isAnchorAll,
  kindOf,
  MAX_ALIKE,
  MAX_FIELDS,
  MAX_PATTERNS,
} from './anchors.ts';
import type { RequestFilterOptions, Rule } from './schema.ts';

/** Rules that would make each request dearer the more there are of them. */
export function checkRequestFilter({
  allow = [],
  deny = [],
}: RequestFilterOptions): readonly OptionProblem[] {
  return [...boundProblems('allow', allow), ...boundProblems('deny', deny)];
}

/** The first problem of each kind: the others are like it. */
function boundProblems(side: 'allow' | 'deny', rules: readonly Rule[]): readonly OptionProblem[] {
  const alike = new Map<string, number>();
  const closed = new Set<string>();
  const patterns = new Map<string, Set<string>>();
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
    if (kindOf(anchor.match) !== 'pattern') continue;
    let those = patterns.get(where);
    if (those === undefined) patterns.set(where, (those = new Set()));
    those.add(key);
    if (those.size > MAX_PATTERNS)
      tell(
        'patterns',
        index,
        `is one pattern too many for the ${where}: there may be ${MAX_PATTERNS}; write prefixes or exact texts, of which there may be any number`,
      );
  }
  return [...problems.values()];
}
