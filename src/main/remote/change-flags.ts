/** Flags of every command that changes something. */
export const CHANGE_FLAGS = {
  message: { short: 'm', value: 'text', description: 'Why, for the list of revisions' },
  'dry-run': { description: 'Only say what would change' },
} as const;
