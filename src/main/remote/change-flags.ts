/** Flags of every command that changes something. */
export const CHANGE_FLAGS = {
  message: { short: 'm', value: 'text', description: 'Why, for the list of revisions' },
  'dry-run': { description: 'Only say what would change' },
  output: { short: 'o', value: 'form', description: 'text (default), or json or yaml with what changes' },
} as const;
