/**
 * How what is asked for after a change compares with what was asked for before. `changed` is what is neither: it lets in some who were
 * refused and refuses some who were let in, or nobody can tell.
 */
export type Comparison = 'same' | 'weaker' | 'stronger' | 'changed';

/** From the two halves of the question: whether all of before are let in after, and the other way round. */
export function comparisonOf(letsInAll: boolean, letInAllBefore: boolean): Comparison {
  if (letsInAll) return letInAllBefore ? 'same' : 'weaker';
  return letInAllBefore ? 'stronger' : 'changed';
}

/** Of several things that are all asked for: one that got weaker is not made good by another that got stronger. */
export function worst(comparisons: readonly Comparison[]): Comparison {
  return ORDER.find((each) => comparisons.includes(each)) ?? 'same';
}

const ORDER: readonly Comparison[] = ['weaker', 'changed', 'stronger'];
