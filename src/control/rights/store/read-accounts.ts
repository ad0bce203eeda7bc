import type { Account } from '../account.ts';
import { EVERYWHERE, higherOf, isRole, type Role } from '../roles.ts';
import type { AccountRow, RightsQueries, RightsTransaction } from './tables.ts';

/** A transaction or none. */
export type Reading = Pick<RightsQueries | RightsTransaction, 'selectFrom'>;

/** Whether a user who may log in is owner everywhere. */
export async function hasOwner(queries: Reading): Promise<boolean> {
  const found = await queries
    .selectFrom('account_roles')
    .innerJoin('accounts', 'accounts.id', 'account_roles.account')
    .select('accounts.id')
    .where('account_roles.organization', '=', EVERYWHERE)
    .where('account_roles.role', '=', 'owner')
    .where('accounts.kind', '=', 'user')
    .where('accounts.disabled', '=', 0)
    .limit(1)
    .executeTakeFirst();
  return found !== undefined;
}

export function accountNamed(queries: Reading, name: string): Promise<AccountRow | undefined> {
  return queries.selectFrom('accounts').selectAll().where('name', '=', name).executeTakeFirst();
}

/** What an account may do, by organization: the higher of what was given and what the last login said. */
export async function rolesOf(queries: Reading, id: string): Promise<ReadonlyMap<string, Role>> {
  const rows = await queries
    .selectFrom('account_roles')
    .select(['organization', 'role'])
    .where('account', '=', id)
    .execute();
  const roles = new Map<string, Role>();
  for (const { organization, role } of rows) {
    const higher = isRole(role) ? higherOf(roles.get(organization), role) : undefined;
    if (higher !== undefined) roles.set(organization, higher);
  }
  return roles;
}

/** The account of a row, with its roles as they are now. */
export async function accountFrom(
  queries: Reading,
  { id, name, kind }: Pick<AccountRow, 'id' | 'name' | 'kind'>,
): Promise<Account> {
  return { id, name, kind, roles: await rolesOf(queries, id) };
}
