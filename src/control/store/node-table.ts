import type { StoreDatabase } from './database.ts';
import type { NodeRow } from './tables.ts';

/** What nodes tell of themselves. Those that were not seen since `forgottenBeforeMs` are taken out. */
export async function reportNode(
  database: StoreDatabase,
  row: NodeRow,
  forgottenBeforeMs: number,
): Promise<void> {
  await database.writing(async (transaction) => {
    await transaction
      .insertInto('nodes')
      .values(row)
      .onConflict((conflict) => conflict.column('node').doUpdateSet(row))
      .execute();
    await transaction.deleteFrom('nodes').where('seen_at_ms', '<', forgottenBeforeMs).execute();
  });
}

/** In order of names. */
export function readNodes(database: StoreDatabase): Promise<readonly NodeRow[]> {
  return database.queries.selectFrom('nodes').selectAll().orderBy('node').execute();
}

export async function forgetNode(database: StoreDatabase, node: string): Promise<void> {
  await database.writing(async (transaction) => {
    await transaction.deleteFrom('nodes').where('node', '=', node).execute();
  });
}
