import type { Kysely } from 'kysely';
import type { StoreConnection } from '../store/store-connection.ts';
import { CertificateSnapshot } from './certificate-snapshot.ts';
import type { Challenge } from './order.ts';
import { accountFrom, accountRow, certificateRow, certificatesFrom, typed } from './rows.ts';
import type { ChallengeType } from './schema.ts';
import type { AccountRecord, AcmeState, AcmeStorage, CertificateRecord, FailureRecord } from './storage.ts';
import type { AcmeTables } from './tables.ts';

type Connection = Pick<StoreConnection, 'existing' | 'open' | 'sealer'>;

const EMPTY: AcmeState = { version: 0, certificates: new Map(), failures: new Map(), challenges: [] };

/** In the store that entities are kept in, private keys encrypted as their secrets are. A file is made at the first write. */
export class StoreStorage implements AcmeStorage {
  readonly isShared: boolean;
  readonly #connection: Connection;
  readonly #snapshot: CertificateSnapshot | undefined;

  constructor(connection: Connection & Pick<StoreConnection, 'settings'>) {
    const { place, snapshotFile } = connection.settings;
    this.isShared = place.kind === 'postgres';
    this.#connection = connection;
    // A file that is there needs no copy.
    this.#snapshot = this.isShared ? new CertificateSnapshot(`${snapshotFile}.certificates`) : undefined;
  }

  async version(): Promise<number> {
    const queries = await this.#queries();
    if (queries === undefined) return EMPTY.version;
    const { version } = await queries
      .selectFrom('acme_state')
      .select('version')
      .where('id', '=', 1)
      .executeTakeFirstOrThrow();
    return version;
  }

  async read(): Promise<AcmeState> {
    const store = await this.#connection.existing();
    if (store === undefined) return EMPTY;
    const sealer = this.#connection.sealer();
    const { database } = store;
    const { certificates, ...state } = await database.reading(async (transaction) => {
      const queries = typed(transaction);
      const nowMs = await database.nowMs(transaction);
      const { version } = await queries
        .selectFrom('acme_state')
        .select('version')
        .where('id', '=', 1)
        .executeTakeFirstOrThrow();
      const rows = await queries.selectFrom('acme_certificates').selectAll().execute();
      const failures = await queries.selectFrom('acme_failures').selectAll().execute();
      const challenges = await queries
        .selectFrom('acme_challenges')
        .selectAll()
        .where('until_ms', '>', nowMs)
        .execute();
      return {
        version,
        certificates: rows,
        failures: new Map(
          failures.map(({ at_ms, retry_at_ms, ...failure }) => [
            failure.name,
            { ...failure, atMs: at_ms, retryAtMs: retry_at_ms },
          ]),
        ),
        challenges: challenges.map(({ type, host, token, key_authorization }) => ({
          type: type as ChallengeType,
          host,
          token,
          keyAuthorization: key_authorization,
        })),
      };
    });
    // A node that cannot write it goes on, and is only worse off at a start without the store.
    await this.#snapshot?.write(certificates).catch(() => {});
    return { ...state, certificates: certificatesFrom(certificates, sealer) };
  }

  async lastKnown(): Promise<AcmeState['certificates']> {
    const rows = (await this.#snapshot?.read()) ?? [];
    return certificatesFrom(rows, this.#connection.sealer());
  }

  async account(id: string): Promise<AccountRecord | undefined> {
    const queries = await this.#queries();
    const row = await queries
      ?.selectFrom('acme_accounts')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && accountFrom(row, this.#connection.sealer());
  }

  async saveAccount(account: AccountRecord): Promise<void> {
    const row = accountRow(account, this.#connection.sealer());
    await this.#write(async (queries) => {
      await queries
        .insertInto('acme_accounts')
        .values(row)
        .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
        .execute();
    });
  }

  async saveCertificate(certificate: CertificateRecord): Promise<void> {
    const row = certificateRow(certificate, this.#connection.sealer());
    await this.#write(async (queries) => {
      await queries
        .insertInto('acme_certificates')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute();
      await queries.deleteFrom('acme_failures').where('name', '=', row.name).execute();
      await renumber(queries);
    });
  }

  async saveFailure({ atMs, retryAtMs, ...failure }: FailureRecord): Promise<void> {
    const row = { ...failure, at_ms: atMs, retry_at_ms: retryAtMs };
    await this.#write(async (queries) => {
      await queries
        .insertInto('acme_failures')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
        .execute();
      await renumber(queries);
    });
  }

  async saveChallenges(name: string, challenges: readonly Challenge[], lifeMs: number): Promise<void> {
    await this.#write(async (queries, nowMs) => {
      const { numDeletedRows } = await queries
        .deleteFrom('acme_challenges')
        // A node that lost the store, or died, left its own behind.
        .where((is) => is.or([is('name', '=', name), is('until_ms', '<=', nowMs)]))
        .executeTakeFirstOrThrow();
      if (challenges.length === 0 && numDeletedRows === 0n) return;
      if (challenges.length > 0)
        await queries
          .insertInto('acme_challenges')
          .values(
            challenges.map(({ keyAuthorization, ...challenge }) => ({
              ...challenge,
              name,
              key_authorization: keyAuthorization,
              until_ms: nowMs + lifeMs,
            })),
          )
          .execute();
      await renumber(queries);
    });
  }

  async lease(holder: string, lifeMs: number): Promise<boolean> {
    return this.#write(async (queries, nowMs) => {
      const { numUpdatedRows } = await queries
        .updateTable('acme_state')
        .set({ holder, leased_until_ms: nowMs + lifeMs })
        .where('id', '=', 1)
        .where((is) =>
          is.or([is('holder', 'is', null), is('holder', '=', holder), is('leased_until_ms', '<=', nowMs)]),
        )
        .executeTakeFirstOrThrow();
      return numUpdatedRows === 1n;
    });
  }

  async release(holder: string): Promise<void> {
    if ((await this.#connection.existing()) === undefined) return;
    await this.#write(async (queries) => {
      await queries
        .updateTable('acme_state')
        .set({ holder: null, leased_until_ms: 0 })
        .where('id', '=', 1)
        .where('holder', '=', holder)
        .execute();
    });
  }

  async #queries(): Promise<Kysely<AcmeTables> | undefined> {
    const store = await this.#connection.existing();
    return store && typed(store.database.queries);
  }

  async #write<Result>(
    act: (queries: Kysely<AcmeTables>, nowMs: number) => Promise<Result>,
  ): Promise<Result> {
    const { database } = await this.#connection.open();
    return database.writing(async (transaction) =>
      act(typed(transaction), await database.nowMs(transaction)),
    );
  }
}

async function renumber(queries: Kysely<AcmeTables>): Promise<void> {
  await queries
    .updateTable('acme_state')
    .set(({ eb }) => ({ version: eb('version', '+', 1) }))
    .where('id', '=', 1)
    .execute();
}
