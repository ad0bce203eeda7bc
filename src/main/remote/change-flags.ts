import type { Given } from '../command-line.ts';

/** Flags of every command that changes something. */
export const CHANGE_FLAGS = {
  message: { short: 'm', value: 'text', description: 'Why, for the list of revisions' },
  'dry-run': { description: 'Only say what would change' },
  output: { short: 'o', value: 'form', description: 'text (default), or json or yaml with what changes' },
} as const;

/** How files are taken, as `apply` and `diff` say it. What is not said is left out: a gateway that does not know of it would refuse it. */
export function scopeOf(given: Given): {
  readonly prune: true | undefined;
  readonly organization: string | undefined;
} {
  return { prune: given.has('prune') || undefined, organization: given.value('organization') };
}
