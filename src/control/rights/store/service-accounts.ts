import type { Account } from '../account.ts';
import { decide, maySee } from '../decide.ts';
import { EVERYWHERE } from '../roles.ts';
import { refusalToChange } from './account-changes.ts';
import { type AccountView, accountsOf, viewOfAccount, writeAccount } from './account-rows.ts';
import { accountNamed, type Reading } from './read-accounts.ts';
import {
  type Asker,
  type Done,
  type Outcome,
  type Refusal,
  type RightsStore,
  refused,
} from './rights-store.ts';
import { type AccountRow, rightsQueries } from './tables.ts';

/** An account of a program. It has no password: it is known by its tokens. */
export interface ServiceAccountView extends AccountView {
  /** Whose it is, and who manages it; absent: it is managed by admins everywhere. */
  readonly organization?: string;
}

export interface WantedServiceAccount {
  readonly title?: string | undefined;
  readonly organization?: string | undefined;
  readonly disabled?: boolean | undefined;
}

/** Those that the account may see, by name. */
export async function listServiceAccounts(
  store: RightsStore,
  account: Account,
): Promise<readonly ServiceAccountView[]> {
  const database = await store.database();
  if (database === undefined) return [];
  const queries = rightsQueries(database);
  const rows = await accountsOf(queries, 'service');
  const seen = rows.filter((row) => maySee(account, objectOf(row)));
  return Promise.all(seen.map((row) => viewOf(queries, row, account)));
}

export async function readServiceAccount(
  store: RightsStore,
  account: Account,
  name: string,
): Promise<Outcome<ServiceAccountView>> {
  const database = await store.database();
  const queries = database && rightsQueries(database);
  const row = queries && (await accountNamed(queries, name));
  if (queries === undefined || row === undefined) return missing(name);
  const refusal = refusalOf(account, 'read', row, name);
  return refusal ?? { ok: true, result: await viewOf(queries, row, account) };
}

export function putServiceAccount(
  store: RightsStore,
  asker: Asker,
  name: string,
  { title, organization, disabled = false }: WantedServiceAccount,
): Promise<Outcome<{ readonly created: boolean; readonly serviceAccount: ServiceAccountView }>> {
  return store.change(asker, async (transaction) => {
    const before = await accountNamed(transaction, name);
    const refusal =
      (before && (await refusalOfChange(transaction, asker.account, before, name))) ??
      decided(asker.account, organization);
    if (refusal !== undefined) return refusal;
    if (organization !== undefined && !(await store.hasOrganization(transaction, organization)))
      return refused('not_found', `there is no organization ${organization}`);
    const written = {
      kind: 'service',
      name,
      title,
      organization: organization ?? null,
      password: null,
      disabled,
    } as const;
    const row = await writeAccount(transaction, before, written, asker.account.name, store.nowMs());
    const action = before === undefined ? 'create' : 'update';
    const deed = { action, object: `service-accounts/${name}` };
    const left = before?.organization ?? undefined;
    // Whose admins it had before are told that it is gone.
    const leaving = left === undefined || left === organization ? [] : [{ ...deed, organization: left }];
    return {
      result: {
        created: before === undefined,
        serviceAccount: await viewOf(transaction, row, asker.account),
      },
      deeds: [...leaving, { ...deed, organization }],
    };
  });
}

export function deleteServiceAccount(
  store: RightsStore,
  asker: Asker,
  name: string,
): Promise<Outcome<undefined>> {
  return store.change(asker, async (transaction): Promise<Done<undefined> | Refusal> => {
    const row = await accountNamed(transaction, name);
    if (row?.kind !== 'service' || decide(asker.account, 'change', objectOf(row)) === 'hidden')
      return missing(name);
    const refusal = await refusalOfChange(transaction, asker.account, row, name);
    if (refusal !== undefined) return refusal;
    await transaction.deleteFrom('accounts').where('id', '=', row.id).execute();
    return {
      result: undefined,
      deeds: [
        { action: 'delete', object: `service-accounts/${name}`, organization: row.organization ?? undefined },
      ],
    };
  });
}

/** Why an account may not act for a service account, or change it. */
export async function refusalOfChange(
  queries: Reading,
  account: Account,
  row: AccountRow,
  name: string,
): Promise<Refusal | undefined> {
  return refusalOf(account, 'change', row, name) ?? (await refusalToChange(queries, account, row));
}

function refusalOf(
  account: Account,
  action: 'read' | 'change',
  row: AccountRow,
  name: string,
): Refusal | undefined {
  const decision = decide(account, action, objectOf(row));
  // Users and service accounts have one set of names, which all organizations share.
  if (row.kind !== 'service' || decision === 'hidden')
    return action === 'change' ? refused('name_taken', `the name ${name} is taken`) : missing(name);
  return decision === 'allowed' ? undefined : decided(account, row.organization ?? undefined);
}

function decided(account: Account, organization: string | undefined): Refusal | undefined {
  if (decide(account, 'change', { kind: 'service-accounts', organization }) === 'allowed') return undefined;
  const where = organization === undefined ? 'everywhere (*)' : `in the organization ${organization}`;
  return refused('forbidden', `service accounts take the role admin ${where}`);
}

function missing(name: string): Refusal {
  return refused('not_found', `there is no service account ${name}`);
}

function objectOf({ organization }: AccountRow) {
  return { kind: 'service-accounts', organization: organization ?? undefined } as const;
}

/** As an account may see it: without its roles in organizations whose members are not for that account to see. */
async function viewOf(queries: Reading, row: AccountRow, viewer: Account): Promise<ServiceAccountView> {
  const { organization } = row;
  const view = await viewOfAccount(queries, row);
  const roles = Object.entries(view.roles).filter(([of]) =>
    maySee(viewer, { kind: 'memberships', organization: of === EVERYWHERE ? undefined : of }),
  );
  return {
    ...view,
    roles: Object.fromEntries(roles),
    ...(organization === null ? {} : { organization }),
  };
}
