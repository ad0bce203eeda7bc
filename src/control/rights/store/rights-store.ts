import { type StoreDatabase, StoreUnavailable } from '../../store/database.ts';
import type { Account } from '../account.ts';
import type { Actor, Deed } from '../audit-entry.ts';
import { EVERYWHERE } from '../roles.ts';
import { appendAudit } from './audit-log.ts';
import { hasOwner } from './read-accounts.ts';
import { type RightsTransaction, rightsQueries, rightsWithin } from './tables.ts';

/** The way to the database, which is made at the first write. */
export interface StoreAccess {
  /** Undefined where a file would have to be made. */
  existing(): Promise<{ readonly database: StoreDatabase } | undefined>;
  open(): Promise<{ readonly database: StoreDatabase }>;
}

/** Where the configuration has no store: then nobody has an account. */
export const NO_STORE: StoreAccess = {
  existing: async () => undefined,
  open: () => Promise.reject(new StoreUnavailable('store.enabled is false')),
};

/** Who asks for something, and from where. */
export interface Asker {
  readonly account: Account;
  readonly address?: string | undefined;
}

/** Why something was not done. Nothing changed. */
export interface Refusal {
  readonly ok: false;
  readonly code: RefusalCode;
  readonly message: string;
}

export type RefusalCode =
  | 'not_found'
  | 'forbidden'
  | 'name_taken'
  | 'identity_taken'
  | 'last_owner'
  | 'too_many'
  | 'wrong_password';

export type Outcome<Result> = { readonly ok: true; readonly result: Result } | Refusal;

export function refused(code: RefusalCode, message: string): Refusal {
  return { ok: false, code, message };
}

/** What was done, with what the audit log is to have of it. */
export interface Done<Result> {
  readonly result: Result;
  readonly deeds: readonly Deed[];
}

class Withdrawn extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(refusal.message);
    this.refusal = refusal;
  }
}

export function actorOf({ account, address }: Asker): Actor {
  const { id, name, token } = account;
  return { account: id, name, token, address };
}

/** Accounts and the audit log in the database of the store. Every method rejects where that cannot be reached. */
export class RightsStore {
  readonly #access: StoreAccess;
  readonly #isOfFile: (organization: string) => boolean;
  readonly nowMs: () => number;

  /** `isOfFile`: whether the configuration file has an organization, beside those of the store. */
  constructor(
    access: StoreAccess,
    nowMs: () => number,
    isOfFile: (organization: string) => boolean = () => false,
  ) {
    this.#access = access;
    this.#isOfFile = isOfFile;
    this.nowMs = nowMs;
  }

  /** Undefined where there is no database yet: then nobody has an account. */
  async database(): Promise<StoreDatabase | undefined> {
    return (await this.#access.existing())?.database;
  }

  /**
   * One change, written down in the audit log with it, after the changes of all other nodes. One that takes rights away (`takes`) and would leave
   * nobody who owns the gateway is refused: whoever made it could not take it back.
   */
  async change<Result>(
    asker: Asker,
    act: (transaction: RightsTransaction) => Promise<Done<Result> | Refusal>,
    kind?: 'takes',
  ): Promise<Outcome<Result>> {
    const { database } = await this.#access.open();
    try {
      return await database.writing(async (transaction) => {
        await database.lock(transaction);
        const rights = rightsWithin(transaction);
        const wasOwned = kind === 'takes' && (await hasOwner(rights));
        const done = await act(rights);
        if ('ok' in done) throw new Withdrawn(done);
        if (wasOwned && !(await hasOwner(rights)))
          throw new Withdrawn(
            refused('last_owner', 'nobody would be left who is owner everywhere: make another one first'),
          );
        if (done.deeds.length > 0) await appendAudit(rights, this.nowMs(), actorOf(asker), done.deeds);
        return { ok: true, result: done.result };
      });
    } catch (error) {
      if (error instanceof Withdrawn) return error.refusal;
      throw error;
    }
  }

  /** Whether there is an organization. Within a change that stays so until the change is made. */
  async hasOrganization(transaction: RightsTransaction, organization: string): Promise<boolean> {
    if (organization === EVERYWHERE || this.#isOfFile(organization)) return true;
    const found = await transaction
      .selectFrom('entities')
      .select('name')
      .where('collection', '=', 'organizations')
      .where('name', '=', organization)
      .executeTakeFirst();
    return found !== undefined;
  }

  /** Something that is remembered and changes nothing, such as when a token was used: if it fails, nobody has to know. */
  async note(act: (transaction: RightsTransaction) => Promise<unknown>): Promise<void> {
    const database = await this.database();
    await database?.writing((transaction) => act(rightsWithin(transaction))).catch(() => {});
  }

  /** Whether somebody is owner everywhere. */
  async isOwned(): Promise<boolean> {
    const database = await this.database();
    return database !== undefined && hasOwner(rightsQueries(database));
  }
}
