import type { BodyBounds } from '../policy/contract.ts';

const DEFAULT_BYTES = 1024 * 1024;
const DEFAULT_RATIO = 100;

/** What holds where several policies look at the same body; undefined stands for a policy that looks at none. */
export function strictestBounds(all: readonly (BodyBounds | undefined)[]): Required<BodyBounds> {
  const bounds = all.filter((each) => each !== undefined);
  return {
    maxBytes: least(
      bounds.map(({ maxBytes }) => maxBytes),
      DEFAULT_BYTES,
    ),
    maxRatio: least(
      bounds.map(({ maxRatio }) => maxRatio),
      DEFAULT_RATIO,
    ),
    unchecked: bounds.length > 0 && bounds.every(({ unchecked }) => unchecked === 'pass') ? 'pass' : 'refuse',
  };
}

/** A policy that says nothing asks for the default only where no other asks for anything. */
function least(values: readonly (number | undefined)[], otherwise: number): number {
  const given = values.filter((value) => value !== undefined);
  return given.length === 0 ? otherwise : Math.min(...given);
}
