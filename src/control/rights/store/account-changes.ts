import { type Account, mayGive } from '../account.ts';
import type { Role } from '../roles.ts';
import { type Reading, rolesOf } from './read-accounts.ts';
import { type Refusal, refused } from './rights-store.ts';
import type { AccountRow } from './tables.ts';

/** Nobody changes an account that may do more than they may themselves: they could become it. */
export async function refusalToChange(
  queries: Reading,
  asker: Account,
  { id, name }: Pick<AccountRow, 'id' | 'name'>,
): Promise<Refusal | undefined> {
  const roles = await rolesOf(queries, id);
  return beyond(asker, roles)
    ? refused('forbidden', `${name} may do more than you: only who has all of their roles may change them`)
    : undefined;
}

function beyond(asker: Account, roles: ReadonlyMap<string, Role>): boolean {
  return [...roles].some(([organization, role]) => !mayGive(asker, organization, role));
}
