import { isRecord } from '../../lib/is-record.ts';
import type { Io } from '../command-line.ts';
import { AdminFailure, placeText } from './admin-client.ts';
import { type Kind, singular } from './kinds.ts';
import { printable } from './output.ts';

/** What the gateway says of a change that it made or would make. */
export interface ChangeReply {
  readonly result: string;
  readonly revision: number;
  readonly changes: readonly ChangedEntity[];
  readonly warnings: readonly Readonly<Record<string, unknown>>[];
}

export interface ChangedEntity {
  readonly collection: Kind;
  readonly name: string;
  readonly action: 'create' | 'update' | 'delete';
  /** Pointers to what differs of an update (RFC 6901). */
  readonly differences: readonly string[];
}

const ACTIONS = ['create', 'update', 'delete'] as const;
const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const COLORS = { create: '\u001b[32m', update: '\u001b[33m', delete: '\u001b[31m' } as const;
const MAX_DIFFERENCES = 8;

/** Reads an answer; throws `AdminFailure` where it is of no such form. */
export function readChange(body: unknown): ChangeReply {
  const { result, revision, changes, warnings } = isRecord(body) ? body : {};
  if (typeof result !== 'string' || typeof revision !== 'number' || !Array.isArray(changes))
    throw new AdminFailure('the gateway answered something else than a change: is it another version?');
  return {
    result,
    revision,
    changes: changes.filter(isRecord).map((change) => ({
      collection: String(change['collection']) as Kind,
      name: String(change['name']),
      action: ACTIONS.find((action) => action === change['action']) ?? 'update',
      differences: Array.isArray(change['differences']) ? change['differences'].map(String) : [],
    })),
    warnings: Array.isArray(warnings) ? warnings.filter(isRecord) : [],
  };
}

/** A line for each entity, and how many are made, changed and deleted. */
export function planText({ changes, warnings }: ChangeReply, { terminal, color }: Io): string {
  const paint = (text: string, action: ChangedEntity['action']): string =>
    terminal && color ? `${COLORS[action]}${text}\u001b[0m` : text;
  const lines = changes.map((change) => {
    const what = `${SIGNS[change.action]} ${singular(change.collection)} ${change.name}`;
    return paint(printable(what), change.action) + printable(differencesText(change.differences));
  });
  const counts = ACTIONS.map((action) => changes.filter((change) => change.action === action).length);
  const [created, updated, deleted] = counts;
  return [
    ...lines,
    ...warnings.map((warning) => `warning:${printable(placeText(warning)).slice(1)}`),
    `${created} to create, ${updated} to change, ${deleted} to delete`,
    '',
  ].join('\n');
}

function differencesText(differences: readonly string[]): string {
  if (differences.length === 0) return '';
  const more =
    differences.length > MAX_DIFFERENCES ? `, and ${differences.length - MAX_DIFFERENCES} more` : '';
  return `: ${differences.slice(0, MAX_DIFFERENCES).join(', ')}${more}`;
}
