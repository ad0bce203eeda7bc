import { decide } from '../decide.ts';
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
import { type AccountRow, type RightsTransaction, rightsQueries } from './tables.ts';

export interface Identity {
  readonly provider: string;
  readonly subject: string;
}

/** A user as others see them. */
export interface UserView extends AccountView {
  /** Whether they have a password here. */
  readonly password: boolean;
  readonly identities: readonly Identity[];
}

/** What a user is to be. */
export interface WantedUser {
  readonly title?: string | undefined;
  readonly disabled?: boolean | undefined;
  /** PHC string; undefined keeps the one that they have, null takes it away. */
  readonly password?: string | null | undefined;
  readonly identities?: readonly Identity[] | undefined;
}

/** To whoever is no admin of the whole gateway. */
export const USERS_FORBIDDEN = refused('forbidden', 'users are managed by admins everywhere (*)');

/** Users by name. */
export async function listUsers(store: RightsStore): Promise<readonly UserView[]> {
  const database = await store.database();
  if (database === undefined) return [];
  const queries = rightsQueries(database);
  const rows = await accountsOf(queries, 'user');
  return Promise.all(rows.map((row) => viewOf(queries, row)));
}

export async function readUser(store: RightsStore, name: string): Promise<UserView | undefined> {
  const database = await store.database();
  if (database === undefined) return undefined;
  const queries = rightsQueries(database);
  const row = await accountNamed(queries, name);
  return row?.kind === 'user' ? viewOf(queries, row) : undefined;
}

/** Makes a user, or makes them what is wanted. */
export function putUser(
  store: RightsStore,
  asker: Asker,
  name: string,
  wanted: WantedUser,
): Promise<Outcome<{ readonly created: boolean; readonly user: UserView }>> {
  return store.change(
    asker,
    async (transaction) => {
      if (decide(asker.account, 'change', { kind: 'users' }) !== 'allowed') return USERS_FORBIDDEN;
      const before = await accountNamed(transaction, name);
      if (before?.kind === 'service') return refused('name_taken', `a service account is called ${name}`);
      const refusal = before && (await refusalToChange(transaction, asker.account, before));
      if (refusal !== undefined) return refusal;
      const { title, disabled = false, password = before?.password ?? null } = wanted;
      const written = { kind: 'user', name, title, organization: null, password, disabled } as const;
      const row = await writeAccount(transaction, before, written, asker.account.name, store.nowMs());
      const taken = await writeIdentities(transaction, row.id, wanted.identities ?? []);
      if (taken !== undefined) return taken;
      // Whoever knew the old password, or must not come in any more, has no session left.
      if (before !== undefined && (wanted.password !== undefined || row.disabled === 1))
        await transaction.deleteFrom('account_sessions').where('account', '=', row.id).execute();
      return {
        result: { created: before === undefined, user: await viewOf(transaction, row) },
        deeds: [{ action: before === undefined ? 'create' : 'update', object: `users/${name}` }],
      };
    },
    'takes',
  );
}

export function deleteUser(store: RightsStore, asker: Asker, name: string): Promise<Outcome<undefined>> {
  return store.change(
    asker,
    async (transaction): Promise<Done<undefined> | Refusal> => {
      if (decide(asker.account, 'change', { kind: 'users' }) !== 'allowed') return USERS_FORBIDDEN;
      const row = await accountNamed(transaction, name);
      if (row?.kind !== 'user') return refused('not_found', `there is no user ${name}`);
      const refusal = await refusalToChange(transaction, asker.account, row);
      if (refusal !== undefined) return refusal;
      await transaction.deleteFrom('accounts').where('id', '=', row.id).execute();
      return { result: undefined, deeds: [{ action: 'delete', object: `users/${name}` }] };
    },
    'takes',
  );
}

/** A user's own new password. Every session of theirs ends. */
export function changeOwnPassword(
  store: RightsStore,
  asker: Asker,
  password: string,
): Promise<Outcome<undefined>> {
  const { id, name } = asker.account;
  return store.change(asker, async (transaction) => {
    await transaction
      .updateTable('accounts')
      .set({ password, updated_at_ms: store.nowMs(), updated_by: name })
      .where('id', '=', id)
      .execute();
    await transaction.deleteFrom('account_sessions').where('account', '=', id).execute();
    return { result: undefined, deeds: [{ action: 'password', object: `users/${name}` }] };
  });
}

async function writeIdentities(
  transaction: RightsTransaction,
  account: string,
  identities: readonly Identity[],
): Promise<Refusal | undefined> {
  await transaction.deleteFrom('account_identities').where('account', '=', account).execute();
  for (const { provider, subject } of identities) {
    const other = await transaction
      .selectFrom('account_identities')
      .select('account')
      .where('provider', '=', provider)
      .where('subject', '=', subject)
      .executeTakeFirst();
    if (other !== undefined) return refused('identity_taken', `that user of ${provider} is bound already`);
    await transaction.insertInto('account_identities').values({ provider, subject, account }).execute();
  }
  return undefined;
}

async function viewOf(queries: Reading, row: AccountRow): Promise<UserView> {
  const identities = await queries
    .selectFrom('account_identities')
    .select(['provider', 'subject'])
    .where('account', '=', row.id)
    .orderBy('provider')
    .orderBy('subject')
    .execute();
  return { ...(await viewOfAccount(queries, row)), password: row.password !== null, identities };
}
