import type { Transaction } from 'kysely';
import { resealAcme } from '../acme/rows.ts';
import type { StoreTransaction } from './database.ts';
import type { Collection } from './entity.ts';
import type { Sealer } from './sealer.ts';

/** Encrypts with the first key what was encrypted with another one, of entities and of their history; gives how many values that were. */
export async function resealRows(transaction: StoreTransaction, sealer: Sealer): Promise<number> {
  let count = 0;
  const anew = (collection: string, name: string, value: string | null, secrets: string | null) => {
    if (value === null || !sealer.isOutdated(secrets)) return undefined;
    count++;
    const own = collection as Collection;
    return sealer.close(own, name, sealer.open(own, name, { value, secrets }));
  };
  const entities = await transaction
    .selectFrom('entities')
    .selectAll()
    .where('secrets', 'is not', null)
    .execute();
  for (const { collection, name, value, secrets } of entities) {
    const sealed = anew(collection, name, value, secrets);
    if (sealed === undefined) continue;
    await transaction
      .updateTable('entities')
      .set(sealed)
      .where('collection', '=', collection)
      .where('name', '=', name)
      .execute();
  }
  const changes = await transaction
    .selectFrom('changes')
    .selectAll()
    .where((where) =>
      where.or([where('before_secrets', 'is not', null), where('after_secrets', 'is not', null)]),
    )
    .execute();
  for (const row of changes) {
    const { revision, collection, name } = row;
    const before = anew(collection, name, row.before_value, row.before_secrets);
    const after = anew(collection, name, row.after_value, row.after_secrets);
    if (before === undefined && after === undefined) continue;
    await transaction
      .updateTable('changes')
      .set({
        ...(before && { before_value: before.value, before_secrets: before.secrets }),
        ...(after && { after_value: after.value, after_secrets: after.secrets }),
      })
      .where('revision', '=', revision)
      .where('collection', '=', collection)
      .where('name', '=', name)
      .execute();
  }
  return count + (await resealAcme(transaction as unknown as Transaction<unknown>, sealer));
}
