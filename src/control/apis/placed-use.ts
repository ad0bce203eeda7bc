import type { Path } from '../config/place.ts';

/** A use of a policy that follows from something else that is written. */
export interface PlacedUse {
  readonly use: Readonly<Record<string, unknown>>;
  /** Place of what it follows from. */
  readonly at: Path;
  /** How many steps of the way within the use are not there: 0 where the use itself is written, 1 where its options are. */
  readonly drop: number;
}

/** Where it is written what stands at `way` within the use, as far as that is written. */
export function placeWithin({ at, drop }: PlacedUse, way: Path): Path {
  return [...at, ...way.slice(drop)];
}
