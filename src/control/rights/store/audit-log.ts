import type { StoreDatabase } from '../../store/database.ts';
import { type Actor, type AuditEntry, CHAIN_BEGIN, type Deed, isIntact, nextEntry } from '../audit-entry.ts';
import { type AuditRow, type RightsTransaction, rightsQueries } from './tables.ts';

/** Rows of one statement: far below what either database takes as parameters. */
const ROWS_AT_ONCE = 500;
const VERIFIED_AT_ONCE = 1000;

/** Which entries are wanted; all that is given has to fit. */
export interface AuditFilter {
  /** Those behind this number. */
  readonly after?: number | undefined;
  /** Those before this number. */
  readonly before?: number | undefined;
  /** Milliseconds since 1970, included. */
  readonly fromMs?: number | undefined;
  /** Not included. */
  readonly toMs?: number | undefined;
  /** Name of the account. */
  readonly name?: string | undefined;
  readonly action?: string | undefined;
  /** The object, or all of a collection where it ends in `/`. */
  readonly object?: string | undefined;
  /** Those of some organizations alone. */
  readonly organizations?: readonly string[] | undefined;
  readonly limit: number;
  readonly order: 'oldest' | 'newest';
}

export type AuditVerdict =
  | { readonly kind: 'intact'; readonly entries: number; readonly last: string }
  /** `number` is the first entry that is not as it was written, or the one that is missing. */
  | { readonly kind: 'broken'; readonly number: number };

/**
 * Writes down what was done, within the transaction that does it, which holds the lock of the store. There is no way to change or to delete an
 * entry.
 */
export async function appendAudit(
  transaction: RightsTransaction,
  atMs: number,
  actor: Actor,
  deeds: readonly Deed[],
): Promise<void> {
  const last = await transaction
    .selectFrom('audit')
    .select(['number', 'hash'])
    .orderBy('number', 'desc')
    .limit(1)
    .executeTakeFirst();
  let previous: { readonly number: number; readonly hash: string } | undefined = last;
  const rows = deeds.map((deed) => {
    const entry = nextEntry(previous, atMs, actor, deed);
    previous = entry;
    return rowOf(entry);
  });
  for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
    await transaction
      .insertInto('audit')
      .values(rows.slice(at, at + ROWS_AT_ONCE))
      .execute();
}

export async function readAudit(
  database: StoreDatabase,
  filter: AuditFilter,
): Promise<readonly AuditEntry[]> {
  const { after, before, fromMs, toMs, name, action, object, organizations, limit, order } = filter;
  let query = rightsQueries(database).selectFrom('audit').selectAll();
  if (after !== undefined) query = query.where('number', '>', after);
  if (before !== undefined) query = query.where('number', '<', before);
  if (fromMs !== undefined) query = query.where('at_ms', '>=', fromMs);
  if (toMs !== undefined) query = query.where('at_ms', '<', toMs);
  if (name !== undefined) query = query.where('name', '=', name);
  if (action !== undefined) query = query.where('action', '=', action);
  if (object?.endsWith('/')) query = query.where('object', 'like', `${object.replaceAll(/[%_\\]/g, '')}%`);
  else if (object !== undefined) query = query.where('object', '=', object);
  if (organizations !== undefined) {
    if (organizations.length === 0) return [];
    query = query.where('organization', 'in', organizations);
  }
  const rows = await query
    .orderBy('number', order === 'oldest' ? 'asc' : 'desc')
    .limit(limit)
    .execute();
  return rows.map(entryOf);
}

/** Whether every entry is there, as it was written. */
export async function verifyAudit(database: StoreDatabase): Promise<AuditVerdict> {
  let last: { readonly number: number; readonly hash: string } = { number: 0, hash: CHAIN_BEGIN };
  for (;;) {
    const entries = await readAudit(database, {
      after: last.number,
      limit: VERIFIED_AT_ONCE,
      order: 'oldest',
    });
    for (const entry of entries) {
      if (entry.number !== last.number + 1) return { kind: 'broken', number: last.number + 1 };
      if (entry.previous !== last.hash || !isIntact(entry)) return { kind: 'broken', number: entry.number };
      last = entry;
    }
    if (entries.length < VERIFIED_AT_ONCE) return { kind: 'intact', entries: last.number, last: last.hash };
  }
}

function rowOf({ number, atMs, actor, deed, previous, hash }: AuditEntry): AuditRow {
  return {
    number,
    at_ms: atMs,
    account: actor.account,
    name: actor.name,
    token: actor.token ?? null,
    address: actor.address ?? null,
    action: deed.action,
    object: deed.object,
    organization: deed.organization ?? null,
    revision: deed.revision ?? null,
    before_digest: deed.before ?? null,
    after_digest: deed.after ?? null,
    previous,
    hash,
  };
}

function entryOf(row: AuditRow): AuditEntry {
  return {
    number: row.number,
    atMs: row.at_ms,
    actor: {
      account: row.account,
      name: row.name,
      token: row.token ?? undefined,
      address: row.address ?? undefined,
    },
    deed: {
      action: row.action,
      object: row.object,
      organization: row.organization ?? undefined,
      revision: row.revision ?? undefined,
      before: row.before_digest ?? undefined,
      after: row.after_digest ?? undefined,
    },
    previous: row.previous,
    hash: row.hash,
  };
}
