import { randomBytes } from 'node:crypto';
import { type Reading, rolesOf } from './read-accounts.ts';
import type { AccountRow, RightsTransaction } from './tables.ts';

/** What users and service accounts tell alike. */
export interface AccountView {
  readonly name: string;
  readonly id: string;
  readonly title?: string;
  readonly disabled: boolean;
  /** By organization; `*` is everywhere. */
  readonly roles: Readonly<Record<string, string>>;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly updatedAt: string;
  readonly updatedBy: string;
}

/** What an account is to be; the rest follows from who writes it, and from the one before. */
export interface WrittenAccount extends Pick<AccountRow, 'kind' | 'name' | 'organization' | 'password'> {
  readonly title: string | undefined;
  readonly disabled: boolean;
}

export function newId(prefix: string): string {
  return `${prefix}_${randomBytes(12).toString('base64url')}`;
}

/** Every account of a kind, by name. */
export function accountsOf(queries: Reading, kind: AccountRow['kind']): Promise<AccountRow[]> {
  return queries.selectFrom('accounts').selectAll().where('kind', '=', kind).orderBy('name').execute();
}

/** Makes an account, or makes the one before what is wanted. */
export async function writeAccount(
  transaction: RightsTransaction,
  before: AccountRow | undefined,
  { kind, name, title, organization, password, disabled }: WrittenAccount,
  author: string,
  nowMs: number,
): Promise<AccountRow> {
  const row: AccountRow = {
    id: before?.id ?? newId(kind === 'user' ? 'u' : 's'),
    kind,
    name,
    title: title ?? null,
    organization,
    password,
    disabled: disabled ? 1 : 0,
    created_at_ms: before?.created_at_ms ?? nowMs,
    created_by: before?.created_by ?? author,
    updated_at_ms: nowMs,
    updated_by: author,
  };
  if (before === undefined) await transaction.insertInto('accounts').values(row).execute();
  else await transaction.updateTable('accounts').set(row).where('id', '=', row.id).execute();
  return row;
}

export async function viewOfAccount(queries: Reading, row: AccountRow): Promise<AccountView> {
  return {
    name: row.name,
    id: row.id,
    ...(row.title === null ? {} : { title: row.title }),
    disabled: row.disabled === 1,
    roles: Object.fromEntries(await rolesOf(queries, row.id)),
    createdAt: new Date(row.created_at_ms).toISOString(),
    createdBy: row.created_by,
    updatedAt: new Date(row.updated_at_ms).toISOString(),
    updatedBy: row.updated_by,
  };
}
