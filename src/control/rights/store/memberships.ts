import { type Account, mayGive } from '../account.ts';
import { decide, maySee } from '../decide.ts';
import { EVERYWHERE, isRole, type Role } from '../roles.ts';
import { accountNamed } from './read-accounts.ts';
import {
  type Asker,
  type Done,
  type Outcome,
  type Refusal,
  type RightsStore,
  refused,
} from './rights-store.ts';
import { type RightsTransaction, rightsQueries } from './tables.ts';

/** What an account may do in an organization. */
export interface MembershipView {
  /** `*` is everywhere. */
  readonly organization: string;
  readonly account: string;
  readonly kind: 'user' | 'service';
  readonly role: string;
  /** `login`: the identity provider says so at every login. */
  readonly source: 'given' | 'login';
}

export interface MembershipFilter {
  readonly organization?: string | undefined;
  readonly account?: string | undefined;
}

const ABOVE = refused('forbidden', 'nobody gives or takes a role that is above their own');

/** Those that the account may see, by organization and name. */
export async function listMemberships(
  store: RightsStore,
  account: Account,
  filter: MembershipFilter,
): Promise<readonly MembershipView[]> {
  const database = await store.database();
  if (database === undefined) return [];
  let query = rightsQueries(database)
    .selectFrom('account_roles')
    .innerJoin('accounts', 'accounts.id', 'account_roles.account')
    .select([
      'account_roles.organization as organization',
      'accounts.name as account',
      'accounts.kind as kind',
      'account_roles.role as role',
      'account_roles.source as source',
    ]);
  if (filter.organization !== undefined)
    query = query.where('account_roles.organization', '=', filter.organization);
  if (filter.account !== undefined) query = query.where('accounts.name', '=', filter.account);
  const rows = await query
    .orderBy('account_roles.organization')
    .orderBy('accounts.name')
    .orderBy('account_roles.source')
    .execute();
  return rows.filter(({ organization }) => maySee(account, objectOf(organization)));
}

/** Gives an account a role in an organization, instead of the one that was given before. */
export function giveRole(
  store: RightsStore,
  asker: Asker,
  organization: string,
  name: string,
  role: Role,
): Promise<Outcome<{ readonly created: boolean; readonly membership: MembershipView }>> {
  return store.change(
    asker,
    async (transaction) => {
      const refusal = refusalIn(asker.account, organization);
      if (refusal !== undefined) return refusal;
      if (!(await store.hasOrganization(transaction, organization))) return noOrganization(organization);
      // Before it is looked whether there is such an account: what is refused anyway does not tell.
      if (!mayGive(asker.account, organization, role)) return ABOVE;
      const row = await accountNamed(transaction, name);
      if (row === undefined) return refused('not_found', `there is no account ${name}`);
      const before = await givenRole(transaction, row.id, organization);
      if (isAbove(asker.account, organization, before)) return ABOVE;
      if (before === undefined)
        await transaction
          .insertInto('account_roles')
          .values({ account: row.id, organization, source: 'given', role })
          .execute();
      else
        await transaction
          .updateTable('account_roles')
          .set({ role })
          .where('account', '=', row.id)
          .where('organization', '=', organization)
          .where('source', '=', 'given')
          .execute();
      const { kind } = row;
      return {
        result: {
          created: before === undefined,
          membership: { organization, account: name, kind, role, source: 'given' },
        },
        deeds: [deedOf(before === undefined ? 'create' : 'update', organization, name, before, role)],
      };
    },
    'takes',
  );
}

export function takeRole(
  store: RightsStore,
  asker: Asker,
  organization: string,
  name: string,
): Promise<Outcome<undefined>> {
  return store.change(
    asker,
    async (transaction): Promise<Done<undefined> | Refusal> => {
      const refusal = refusalIn(asker.account, organization);
      if (refusal !== undefined) return refusal;
      const row = await accountNamed(transaction, name);
      const before = row && (await givenRole(transaction, row.id, organization));
      if (row === undefined || before === undefined)
        return refused('not_found', `${name} was given no role there`);
      if (isAbove(asker.account, organization, before)) return ABOVE;
      await transaction
        .deleteFrom('account_roles')
        .where('account', '=', row.id)
        .where('organization', '=', organization)
        .where('source', '=', 'given')
        .execute();
      return { result: undefined, deeds: [deedOf('delete', organization, name, before, undefined)] };
    },
    'takes',
  );
}

function refusalIn(account: Account, organization: string): Refusal | undefined {
  switch (decide(account, 'change', objectOf(organization))) {
    case 'allowed':
      return undefined;
    case 'hidden':
      return noOrganization(organization);
    case 'forbidden':
      return refused('forbidden', 'members are managed by admins of the organization');
  }
}

/** The same where there is none, and where it may not be seen. */
function noOrganization(organization: string): Refusal {
  return refused('not_found', `there is no organization ${organization}`);
}

function isAbove(account: Account, organization: string, role: Role | undefined): boolean {
  return role !== undefined && !mayGive(account, organization, role);
}

async function givenRole(
  transaction: RightsTransaction,
  account: string,
  organization: string,
): Promise<Role | undefined> {
  const row = await transaction
    .selectFrom('account_roles')
    .select('role')
    .where('account', '=', account)
    .where('organization', '=', organization)
    .where('source', '=', 'given')
    .executeTakeFirst();
  return isRole(row?.role) ? row.role : undefined;
}

function objectOf(organization: string) {
  return {
    kind: 'memberships',
    organization: organization === EVERYWHERE ? undefined : organization,
  } as const;
}

function deedOf(
  action: string,
  organization: string,
  name: string,
  before: Role | undefined,
  after: Role | undefined,
) {
  const object = `memberships/${organization}/${name}`;
  return organization === EVERYWHERE
    ? { action, object, before, after }
    : { action, object, organization, before, after };
}
