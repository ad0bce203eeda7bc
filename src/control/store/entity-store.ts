import { sameData } from '../../lib/same-data.ts';
import type { StoreDatabase, StoreTransaction } from './database.ts';
import type { Collection, Entity, EntityChange, Revision, StoreState } from './entity.ts';
import { forgetNode, readNodes, reportNode } from './node-table.ts';
import { resealRows } from './reseal.ts';
import { changeFrom, changeRow, entityFrom, entityRow } from './rows.ts';
import type { Sealer } from './sealer.ts';
import { EMPTY_STATE } from './state.ts';
import type { NodeRow, RevisionRow } from './tables.ts';

/** Rows of one statement: far below what either database takes as parameters. */
const ROWS_AT_ONCE = 500;

/** What the store holds, over either database. Every method rejects where the database cannot be reached. */
export class EntityStore {
  readonly database: StoreDatabase;
  readonly #sealer: Sealer;
  readonly #keep: number;

  /** `keep` is how many revisions can be compared with. */
  constructor(database: StoreDatabase, sealer: Sealer, keep: number) {
    this.database = database;
    this.#sealer = sealer;
    this.#keep = keep;
  }

  async newest(queries: Pick<StoreTransaction, 'selectFrom'> = this.database.queries): Promise<number> {
    const row = await queries
      .selectFrom('revisions')
      .select(({ fn }) => fn.max('number').as('newest'))
      .executeTakeFirst();
    return row?.newest ?? 0;
  }

  /** The newest state: what did not change since `known` is the same object. Rejects with StoreRefused where a key is missing. */
  read(known: StoreState = EMPTY_STATE): Promise<StoreState> {
    return this.database.reading((transaction) => this.readWithin(transaction, known));
  }

  /** The same within a transaction, which sees one moment or holds the lock. */
  async readWithin(transaction: StoreTransaction, known: StoreState): Promise<StoreState> {
    const newest = await this.newest(transaction);
    if (newest === known.revision) return known;
    const oldest = await transaction
      .selectFrom('revisions')
      .select(({ fn }) => fn.min('number').as('number'))
      .executeTakeFirst();
    const canFollow =
      known.revision > 0 && newest > known.revision && (oldest?.number ?? 0) <= known.revision + 1;
    return canFollow ? this.#follow(transaction, known, newest) : this.#readAll(transaction, known, newest);
  }

  /** Writes a revision, and forgets the oldest. `state` is what it makes. Throws NoStoreKey where a secret cannot be encrypted. */
  async append(
    transaction: StoreTransaction,
    { number, atMs, author, message }: Revision,
    changes: readonly EntityChange[],
    state: StoreState,
  ): Promise<void> {
    await transaction
      .insertInto('revisions')
      .values({ number, at_ms: atMs, author, message: message ?? null })
      .execute();
    for (const some of chunks(changes)) {
      await transaction
        .insertInto('changes')
        .values(some.map((change) => changeRow(number, change, this.#sealer)))
        .execute();
      const kept = some.flatMap(({ collection, name }) => state.entities.get(collection)?.get(name) ?? []);
      if (kept.length > 0) await this.#put(transaction, kept);
      const gone = some.filter(({ after }) => after === undefined);
      for (const { collection, name } of gone)
        await transaction
          .deleteFrom('entities')
          .where('collection', '=', collection)
          .where('name', '=', name)
          .execute();
    }
    await transaction
      .deleteFrom('changes')
      .where('revision', '<=', number - this.#keep)
      .execute();
    await transaction
      .deleteFrom('revisions')
      .where('number', '<=', number - this.#keep)
      .execute();
  }

  /** The newest first; those before `before`. */
  async revisions(before: number | undefined, limit: number): Promise<readonly Revision[]> {
    let query = this.database.queries.selectFrom('revisions').selectAll();
    if (before !== undefined) query = query.where('number', '<', before);
    const rows = await query.orderBy('number', 'desc').limit(limit).execute();
    return rows.map(revisionFrom);
  }

  /** What lies between two revisions, in the order of collections and names; undefined where one is not known (any more). */
  between(from: number, to: number): Promise<readonly EntityChange[] | undefined> {
    return this.database.reading((transaction) => this.betweenWithin(transaction, from, to));
  }

  async betweenWithin(
    transaction: StoreTransaction,
    from: number,
    to: number,
  ): Promise<readonly EntityChange[] | undefined> {
    const [low, high] = from <= to ? [from, to] : [to, from];
    const range = await transaction
      .selectFrom('revisions')
      .select(({ fn }) => [fn.min('number').as('oldest'), fn.max('number').as('newest')])
      .executeTakeFirst();
    const { oldest, newest } = { oldest: range?.oldest ?? 1, newest: range?.newest ?? 0 };
    if (high > newest || low < oldest - 1) return undefined;
    const rows = await transaction
      .selectFrom('changes')
      .selectAll()
      .where('revision', '>', low)
      .where('revision', '<=', high)
      .orderBy('collection')
      .orderBy('name')
      .orderBy('revision')
      .execute();
    const changes = rows.map((row) => changeFrom(row, this.#sealer));
    const forth = mergeChanges(changes);
    if (from <= to) return forth;
    return forth.map(({ before, after, ...entity }) => ({ ...entity, before: after, after: before }));
  }

  /** What a node tells of itself. Those that were not seen since `forgottenBeforeMs` are taken out. */
  reportNode(row: NodeRow, forgottenBeforeMs: number): Promise<void> {
    return reportNode(this.database, row, forgottenBeforeMs);
  }

  /** A node that has gone is not waited for. */
  forgetNode(node: string): Promise<void> {
    return forgetNode(this.database, node);
  }

  /** In order of names. */
  nodes(): Promise<readonly NodeRow[]> {
    return readNodes(this.database);
  }

  /** Encrypts anew what was encrypted with a key that is not the first any more; gives how many values that were. */
  reseal(): Promise<number> {
    return this.database.writing(async (transaction) => {
      await this.database.lock(transaction);
      return resealRows(transaction, this.#sealer);
    });
  }

  async #put(transaction: StoreTransaction, entities: readonly Entity[]): Promise<void> {
    await transaction
      .insertInto('entities')
      .values(entities.map((entity) => entityRow(entity, this.#sealer)))
      .onConflict((conflict) =>
        conflict.columns(['collection', 'name']).doUpdateSet((wanted) => ({
          value: wanted.ref('excluded.value'),
          secrets: wanted.ref('excluded.secrets'),
          created_at_ms: wanted.ref('excluded.created_at_ms'),
          created_by: wanted.ref('excluded.created_by'),
          updated_at_ms: wanted.ref('excluded.updated_at_ms'),
          updated_by: wanted.ref('excluded.updated_by'),
          revision: wanted.ref('excluded.revision'),
        })),
      )
      .execute();
  }

  /** Reads what changed since a state that the database still knows. */
  async #follow(transaction: StoreTransaction, known: StoreState, newest: number): Promise<StoreState> {
    const rows = await transaction
      .selectFrom('entities')
      .selectAll()
      .where('revision', '>', known.revision)
      .orderBy('collection')
      .orderBy('name')
      .execute();
    const gone = await transaction
      .selectFrom('changes')
      .select(['collection', 'name'])
      .where('revision', '>', known.revision)
      .where('after_value', 'is', null)
      .execute();
    const entities = new Map<Collection, Map<string, Entity>>();
    const collectionOf = (collection: Collection): Map<string, Entity> => {
      let own = entities.get(collection);
      if (own === undefined) {
        own = new Map(known.entities.get(collection));
        entities.set(collection, own);
      }
      return own;
    };
    // One that went and came again is among the rows.
    for (const { collection, name } of gone) collectionOf(collection as Collection).delete(name);
    for (const row of rows)
      collectionOf(row.collection as Collection).set(row.name, entityFrom(row, this.#sealer));
    return { revision: newest, entities: new Map([...known.entities, ...entities]) };
  }

  async #readAll(transaction: StoreTransaction, known: StoreState, newest: number): Promise<StoreState> {
    const rows = await transaction
      .selectFrom('entities')
      .selectAll()
      .orderBy('collection')
      .orderBy('name')
      .execute();
    const entities = new Map<Collection, Map<string, Entity>>();
    for (const row of rows) {
      const collection = row.collection as Collection;
      const own = entities.get(collection) ?? new Map<string, Entity>();
      entities.set(collection, own);
      const before = known.entities.get(collection)?.get(row.name);
      const isSame = before?.revision === row.revision && before.updatedAtMs === row.updated_at_ms;
      own.set(row.name, isSame ? before : entityFrom(row, this.#sealer));
    }
    return { revision: newest, entities };
  }
}

/** Several changes of one entity, which follow each other, as one; none where it is as it was. */
function mergeChanges(changes: readonly EntityChange[]): EntityChange[] {
  const merged = new Map<string, EntityChange>();
  for (const change of changes) {
    const key = `${change.collection}/${change.name}`;
    merged.set(key, { ...change, before: merged.has(key) ? merged.get(key)?.before : change.before });
  }
  return [...merged.values()].filter(({ before, after }) => !sameData(before, after));
}

function revisionFrom({ number, at_ms, author, message }: RevisionRow): Revision {
  return { number, atMs: at_ms, author, message: message ?? undefined };
}

function* chunks<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += ROWS_AT_ONCE) yield all.slice(at, at + ROWS_AT_ONCE);
}
