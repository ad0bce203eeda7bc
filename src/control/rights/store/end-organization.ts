import type { Deed } from '../audit-entry.ts';
import type { RightsTransaction, RoleRow } from './tables.ts';

/**
 * Takes away what accounts had in an organization that is deleted: roles, its service accounts with their tokens, and its name in tokens of
 * others. Whoever makes one of the same name later begins with nobody. Returns what the audit log is to have of it.
 */
export async function endOrganization(
  transaction: RightsTransaction,
  organization: string,
): Promise<readonly Deed[]> {
  return [
    ...(await endServiceAccounts(transaction, organization)),
    ...(await endRoles(transaction, organization, ['given', 'login'])),
    ...(await endReach(transaction, organization)),
  ];
}

/** The same of what was left behind by one that nobody deleted; what identity providers say is said of the new one. */
export async function endRemains(
  transaction: RightsTransaction,
  organization: string,
): Promise<readonly Deed[]> {
  return [
    ...(await endServiceAccounts(transaction, organization)),
    ...(await endRoles(transaction, organization, ['given'])),
    ...(await endReach(transaction, organization)),
  ];
}

async function endServiceAccounts(transaction: RightsTransaction, organization: string): Promise<Deed[]> {
  const rows = await transaction
    .selectFrom('accounts')
    .select('name')
    .where('kind', '=', 'service')
    .where('organization', '=', organization)
    .orderBy('name')
    .execute();
  await transaction
    .deleteFrom('accounts')
    .where('kind', '=', 'service')
    .where('organization', '=', organization)
    .execute();
  return rows.map(({ name }) => ({ action: 'delete', object: `service-accounts/${name}`, organization }));
}

async function endRoles(
  transaction: RightsTransaction,
  organization: string,
  sources: readonly RoleRow['source'][],
): Promise<Deed[]> {
  const rows = await transaction
    .selectFrom('account_roles')
    .innerJoin('accounts', 'accounts.id', 'account_roles.account')
    .select(['accounts.name as name', 'account_roles.role as role'])
    .where('account_roles.organization', '=', organization)
    .where('account_roles.source', 'in', sources)
    .orderBy('accounts.name')
    .orderBy('account_roles.source')
    .execute();
  await transaction
    .deleteFrom('account_roles')
    .where('organization', '=', organization)
    .where('source', 'in', sources)
    .execute();
  return rows.map(({ name, role }) => ({
    action: 'delete',
    object: `memberships/${organization}/${name}`,
    organization,
    before: role,
  }));
}

/** A token that reached nowhere else reaches nowhere from now on. */
async function endReach(transaction: RightsTransaction, organization: string): Promise<Deed[]> {
  const rows = await transaction
    .selectFrom('account_tokens')
    .innerJoin('accounts', 'accounts.id', 'account_tokens.account')
    .select([
      'account_tokens.id as id',
      'accounts.name as name',
      'account_tokens.organizations as organizations',
    ])
    .where('account_tokens.organizations', 'is not', null)
    .orderBy('account_tokens.id')
    .execute();
  const deeds: Deed[] = [];
  for (const { id, name, organizations } of rows) {
    const names = JSON.parse(organizations ?? '[]') as string[];
    if (!names.includes(organization)) continue;
    await transaction
      .updateTable('account_tokens')
      .set({ organizations: JSON.stringify(names.filter((each) => each !== organization)) })
      .where('id', '=', id)
      .execute();
    deeds.push({ action: 'update', object: `tokens/${name}/${id}`, organization });
  }
  return deeds;
}
