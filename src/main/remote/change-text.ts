import { membersOf, stepsOf } from '../../control/admin/v1/pointer.ts';
import { valueAt } from '../../control/config/place.ts';
import { isRecord } from '../../lib/is-record.ts';
import type { Io } from '../command-line.ts';
import { AdminFailure, type Found, placeText } from './admin-client.ts';
import { type Kind, singular } from './kinds.ts';
import { printable } from './output.ts';

/** What the gateway says of a change that it made or would make. */
export interface ChangeReply {
  readonly result: string;
  readonly revision: number;
  readonly changes: readonly ChangedEntity[];
  /** Of what is changed, or of what has to do with it. */
  readonly warnings: readonly Found[];
  /** All of it, as it was answered. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface ChangedEntity {
  readonly collection: Kind;
  readonly name: string;
  readonly action: 'create' | 'update' | 'delete';
  readonly before: unknown;
  readonly after: unknown;
  /** Pointers to what differs of an update (RFC 6901). */
  readonly differences: readonly string[];
}

const ACTIONS = ['create', 'update', 'delete'] as const;
const SIGNS = { create: '+', update: '~', delete: '-' } as const;
const COLORS = { create: '\u001b[32m', update: '\u001b[33m', delete: '\u001b[31m' } as const;
const MAX_DIFFERENCES = 8;
const MAX_VALUE = 60;

/** Reads an answer; throws `AdminFailure` where it is of no such form. */
export function readChange(body: unknown): ChangeReply {
  const answer = isRecord(body) ? body : {};
  const { result, revision, changes, warnings } = answer;
  if (typeof result !== 'string' || typeof revision !== 'number' || !Array.isArray(changes))
    throw new AdminFailure('the gateway answered something else than a change: is it another version?');
  const changed = changes.filter(isRecord).map((change) => ({
    collection: String(change['collection']) as Kind,
    name: String(change['name']),
    action: ACTIONS.find((action) => action === change['action']) ?? 'update',
    before: change['before'],
    after: change['after'],
    differences: Array.isArray(change['differences']) ? change['differences'].map(String) : [],
  }));
  return {
    result,
    revision,
    changes: changed,
    warnings: (Array.isArray(warnings) ? warnings.filter(isRecord) : []).filter((warning) =>
      changed.some((change) => concerns(warning, change)),
    ),
    body: answer,
  };
}

/** Whether a warning is of an entity, or of one that names it: what pointed to a service that is deleted. */
function concerns({ path, file, message }: Found, { collection, name }: ChangedEntity): boolean {
  const [of, its] = stepsOf(String(path));
  if (of === collection && its === name) return true;
  return file === `store:${collection}/${name}` || String(message).includes(JSON.stringify(name));
}

export function warningLines(warnings: readonly Found[]): string {
  return warnings.map((warning) => `warning:${printable(placeText(warning)).slice(1)}\n`).join('');
}

/** A line for each entity, what differs of it, and how many are made, changed and deleted. */
export function planText({ changes, warnings }: ChangeReply, { terminal, color }: Io): string {
  const paint = (text: string, action: ChangedEntity['action']): string =>
    terminal && color ? `${COLORS[action]}${text}\u001b[0m` : text;
  const lines = changes.flatMap((change) => [
    paint(printable(`${SIGNS[change.action]} ${singular(change.collection)} ${change.name}`), change.action),
    ...differenceLines(change),
  ]);
  const counts = ACTIONS.map((action) => changes.filter((change) => change.action === action).length);
  const [created, updated, deleted] = counts;
  const summary = `${created} to create, ${updated} to change, ${deleted} to delete\n`;
  return lines.map((line) => `${line}\n`).join('') + warningLines(warnings) + summary;
}

/** Of an update: `    /enabled: true → false`. */
function differenceLines({ differences, before, after }: ChangedEntity): string[] {
  const lines = differences.slice(0, MAX_DIFFERENCES).map((pointer) => {
    const members = membersOf(pointer);
    const [was, is] = [valueAt(before, members), valueAt(after, members)].map(valueText);
    // The gateway tells no secret.
    return printable(`    ${pointer}: ${was === is ? `${was}, another one` : `${was} → ${is}`}`);
  });
  const more = differences.length - MAX_DIFFERENCES;
  return more > 0 ? [...lines, `    and ${more} more`] : lines;
}

function valueText(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = typeof value === 'string' && /^[^\s"]+$/.test(value) ? value : JSON.stringify(value);
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE - 1)}…` : text;
}
