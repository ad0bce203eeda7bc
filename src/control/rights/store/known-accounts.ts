import { type Account, narrowed } from '../account.ts';
import { accountFrom, accountNamed } from './read-accounts.ts';
import type { RightsStore } from './rights-store.ts';
import { type AccountRow, rightsQueries } from './tables.ts';
import { hashOfSecret, reachOf } from './tokens.ts';

/** How exactly it is known when a token or a session was used last: not every request writes. */
const USE_NOTED_EVERY_MS = 60_000;

/** How long a session lives, in milliseconds. */
export interface SessionTimes {
  readonly idleMs: number;
  readonly lifetimeMs: number;
}

/** Finds accounts by what somebody sends. Every method rejects where the store cannot be reached. */
export class KnownAccounts {
  readonly #store: RightsStore;

  constructor(store: RightsStore) {
    this.#store = store;
  }

  /** The account of a token, as the token lets it be; undefined for one that is unknown, expired or revoked, or whose account is disabled. */
  async withToken(secret: string): Promise<Account | undefined> {
    const database = await this.#store.database();
    if (database === undefined) return undefined;
    const queries = rightsQueries(database);
    const row = await queries
      .selectFrom('account_tokens')
      .innerJoin('accounts', 'accounts.id', 'account_tokens.account')
      .select([
        'accounts.id as id',
        'accounts.name as name',
        'accounts.kind as kind',
        'account_tokens.id as token',
        'account_tokens.role as role',
        'account_tokens.organizations as organizations',
        'account_tokens.expires_at_ms as expiresAtMs',
        'account_tokens.used_at_ms as usedAtMs',
      ])
      .where('account_tokens.hash', '=', hashOfSecret(secret))
      .where('account_tokens.revoked_at_ms', 'is', null)
      .where('accounts.disabled', '=', 0)
      .executeTakeFirst();
    const nowMs = this.#store.nowMs();
    if (row === undefined || (row.expiresAtMs !== null && row.expiresAtMs <= nowMs)) return undefined;
    if (row.usedAtMs === null || row.usedAtMs + USE_NOTED_EVERY_MS <= nowMs)
      await this.#store.note((transaction) =>
        transaction
          .updateTable('account_tokens')
          .set({ used_at_ms: nowMs })
          .where('id', '=', row.token)
          .execute(),
      );
    return { ...narrowed(await accountFrom(queries, row), reachOf(row)), token: row.token };
  }

  /** The account of a session; undefined for one that is unknown or has ended. */
  async withSession(secret: string, { idleMs }: Pick<SessionTimes, 'idleMs'>): Promise<Account | undefined> {
    const database = await this.#store.database();
    if (database === undefined) return undefined;
    const queries = rightsQueries(database);
    const hash = hashOfSecret(secret);
    const row = await queries
      .selectFrom('account_sessions')
      .innerJoin('accounts', 'accounts.id', 'account_sessions.account')
      .select([
        'accounts.id as id',
        'accounts.name as name',
        'accounts.kind as kind',
        'account_sessions.used_at_ms as usedAtMs',
        'account_sessions.expires_at_ms as expiresAtMs',
      ])
      .where('account_sessions.hash', '=', hash)
      .where('accounts.disabled', '=', 0)
      .executeTakeFirst();
    const nowMs = this.#store.nowMs();
    if (row === undefined || row.expiresAtMs <= nowMs || row.usedAtMs + idleMs <= nowMs) return undefined;
    if (row.usedAtMs + Math.min(USE_NOTED_EVERY_MS, idleMs / 4) <= nowMs)
      await this.#store.note((transaction) =>
        transaction
          .updateTable('account_sessions')
          .set({ used_at_ms: nowMs })
          .where('hash', '=', hash)
          .execute(),
      );
    return accountFrom(queries, row);
  }

  /** A user with their password's hash; also one that is disabled or has no password, since the time of an answer must not tell. */
  async user(name: string): Promise<AccountRow | undefined> {
    const database = await this.#store.database();
    const row = database && (await accountNamed(rightsQueries(database), name));
    return row?.kind === 'user' ? row : undefined;
  }

  /** Of a user that is found, what they may do. */
  async accountOf(row: AccountRow): Promise<Account> {
    const database = await this.#store.database();
    if (database === undefined) return { id: row.id, name: row.name, kind: row.kind, roles: new Map() };
    return accountFrom(rightsQueries(database), row);
  }
}
