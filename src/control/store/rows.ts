import type { Collection, Entity, EntityChange } from './entity.ts';
import type { Sealer } from './sealer.ts';
import type { ChangeRow, EntityRow } from './tables.ts';

export function entityRow(entity: Entity, sealer: Sealer): EntityRow {
  const { collection, name } = entity;
  return {
    collection,
    name,
    ...sealer.close(collection, name, entity.value),
    created_at_ms: entity.createdAtMs,
    created_by: entity.createdBy,
    updated_at_ms: entity.updatedAtMs,
    updated_by: entity.updatedBy,
    revision: entity.revision,
  };
}

/** Throws StoreRefused where its secrets cannot be decrypted. */
export function entityFrom(row: EntityRow, sealer: Sealer): Entity {
  const collection = collectionOf(row);
  return {
    collection,
    name: row.name,
    value: sealer.open(collection, row.name, row),
    createdAtMs: row.created_at_ms,
    createdBy: row.created_by,
    updatedAtMs: row.updated_at_ms,
    updatedBy: row.updated_by,
    revision: row.revision,
  };
}

export function changeRow(revision: number, change: EntityChange, sealer: Sealer): ChangeRow {
  const { collection, name } = change;
  const before = change.before && sealer.close(collection, name, change.before);
  const after = change.after && sealer.close(collection, name, change.after);
  return {
    revision,
    collection,
    name,
    before_value: before?.value ?? null,
    before_secrets: before?.secrets ?? null,
    after_value: after?.value ?? null,
    after_secrets: after?.secrets ?? null,
  };
}

/** Throws StoreRefused where its secrets cannot be decrypted. */
export function changeFrom(row: ChangeRow, sealer: Sealer): EntityChange {
  const collection = collectionOf(row);
  const open = (value: string | null, secrets: string | null) =>
    value === null ? undefined : sealer.open(collection, row.name, { value, secrets });
  return {
    collection,
    name: row.name,
    before: open(row.before_value, row.before_secrets),
    after: open(row.after_value, row.after_secrets),
  };
}

function collectionOf({ collection }: { readonly collection: string }): Collection {
  return collection as Collection;
}
