import type { Collection, Entity, EntityChange, Revision, StoreState } from './entity.ts';

/** The store before its first change. */
export const EMPTY_STATE: StoreState = { revision: 0, entities: new Map() };

/** A state after a revision. What it did not change is the same object; a collection that it did not touch is the same map. */
export function stateAfter(
  state: StoreState,
  { number, atMs, author }: Revision,
  changes: readonly EntityChange[],
): StoreState {
  const entities = new Map(state.entities);
  for (const [collection, own] of Map.groupBy(changes, (change) => change.collection)) {
    const changed = new Map(entities.get(collection));
    for (const { name, after } of own) {
      const before = changed.get(name);
      if (after === undefined) changed.delete(name);
      else
        changed.set(name, {
          collection,
          name,
          value: after,
          createdAtMs: before?.createdAtMs ?? atMs,
          createdBy: before?.createdBy ?? author,
          updatedAtMs: atMs,
          updatedBy: author,
          revision: number,
        });
    }
    entities.set(collection, changed);
  }
  return { revision: number, entities };
}

export function entityOf(state: StoreState, collection: Collection, name: string): Entity | undefined {
  return state.entities.get(collection)?.get(name);
}
