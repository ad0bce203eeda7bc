import type { Account } from '../account.ts';
import type { Role } from '../roles.ts';
import { newId } from './account-rows.ts';
import { accountFrom, accountNamed } from './read-accounts.ts';
import { type Outcome, type RightsStore, refused } from './rights-store.ts';
import type { AccountRow, RightsTransaction } from './tables.ts';

/** Who an identity provider says that somebody is. */
export interface ExternalUser {
  readonly provider: string;
  readonly subject: string;
  /** What they would be called here, the best first. */
  readonly names: readonly string[];
  /** What the claims of this login stand for, by organization. */
  readonly roles: ReadonlyMap<string, Role>;
}

/**
 * The account of somebody whom an identity provider knows: the one that is bound to them; or a new one, where their claims give them a role. The roles
 * by login are from now on those of this login.
 */
export function logInExternal(
  store: RightsStore,
  user: ExternalUser,
  address: string | undefined,
): Promise<Outcome<Account>> {
  const { provider, subject, roles } = user;
  const actor: Account = { id: 'login', name: `${provider}#${subject}`, kind: 'user', roles: new Map() };
  return store.change({ account: actor, address }, async (transaction) => {
    const known = await boundTo(transaction, user);
    if (known?.disabled === 1) return refused('forbidden', 'this account is disabled');
    if (known === undefined && roles.size === 0)
      return refused('forbidden', 'nobody here has given this user a role');
    const row = known ?? (await newUser(transaction, user, store.nowMs()));
    const changed = await setLoginRoles(transaction, row.id, roles);
    const object = `users/${row.name}`;
    return {
      result: await accountFrom(transaction, row),
      deeds: [
        ...(known === undefined ? [{ action: 'create', object }] : []),
        ...(changed ? [{ action: 'roles', object, after: textOf(roles) }] : []),
      ],
    };
  });
}

async function boundTo(
  transaction: RightsTransaction,
  { provider, subject }: ExternalUser,
): Promise<AccountRow | undefined> {
  return transaction
    .selectFrom('accounts')
    .innerJoin('account_identities', 'account_identities.account', 'accounts.id')
    .selectAll('accounts')
    .where('account_identities.provider', '=', provider)
    .where('account_identities.subject', '=', subject)
    .executeTakeFirst();
}

async function newUser(
  transaction: RightsTransaction,
  { provider, subject, names }: ExternalUser,
  nowMs: number,
): Promise<AccountRow> {
  const id = newId('u');
  const row: AccountRow = {
    id,
    kind: 'user',
    name: (await freeName(transaction, names, provider)) ?? id,
    title: null,
    organization: null,
    password: null,
    disabled: 0,
    created_at_ms: nowMs,
    created_by: provider,
    updated_at_ms: nowMs,
    updated_by: provider,
  };
  await transaction.insertInto('accounts').values(row).execute();
  await transaction.insertInto('account_identities').values({ provider, subject, account: id }).execute();
  return row;
}

/** Nobody gets the name of another, whatever their provider calls them. */
async function freeName(
  transaction: RightsTransaction,
  names: readonly string[],
  provider: string,
): Promise<string | undefined> {
  for (const name of names.flatMap((each) => [each, `${each}@${provider}`]))
    if (isAccountName(name) && (await accountNamed(transaction, name)) === undefined) return name;
  return undefined;
}

const ACCOUNT_NAME = /^(?!(?:local|bootstrap|login)$)[A-Za-z0-9_][A-Za-z0-9._@+-]{0,99}$/;

export function isAccountName(text: string): boolean {
  return ACCOUNT_NAME.test(text);
}

async function setLoginRoles(
  transaction: RightsTransaction,
  account: string,
  roles: ReadonlyMap<string, Role>,
): Promise<boolean> {
  const before = await transaction
    .selectFrom('account_roles')
    .select(['organization', 'role'])
    .where('account', '=', account)
    .where('source', '=', 'login')
    .execute();
  const same =
    before.length === roles.size &&
    before.every(({ organization, role }) => roles.get(organization) === role);
  if (same) return false;
  await transaction
    .deleteFrom('account_roles')
    .where('account', '=', account)
    .where('source', '=', 'login')
    .execute();
  for (const [organization, role] of roles)
    await transaction
      .insertInto('account_roles')
      .values({ account, organization, source: 'login', role })
      .execute();
  return true;
}

function textOf(roles: ReadonlyMap<string, Role>): string {
  return Array.from(roles, ([organization, role]) => `${organization}=${role}`)
    .toSorted()
    .join(' ');
}
