import type { Charge, Limit } from './limiter.ts';

/**
 * What follows for a charge from what is counted, wherever that is. `find...` comes before taking and says whether there is room;
 * `leave...` comes after and says what is left. Both change the charge and nothing else.
 */

/** `owed` is what is missing to the whole burst, in units times the window. */
export function findGcra(charge: Charge, owed: number): void {
  const { quota, windowMs, burst } = charge.limit;
  const over = owed + (charge.cost - burst) * windowMs;
  leaveGcra(charge, owed);
  charge.admitted = over <= 0;
  charge.retryAfterMs = over <= 0 ? 0 : charge.cost > burst ? Number.POSITIVE_INFINITY : over / quota;
}

export function leaveGcra(charge: Charge, owed: number): void {
  const { quota, windowMs, burst } = charge.limit;
  charge.remaining = Math.max(0, Math.floor((burst * windowMs - owed) / windowMs));
  charge.resetMs = owed / quota;
}

/** Units of the window that runs and of the one before; the former ends `left` milliseconds from now. */
export function findWindows(charge: Charge, current: number, previous: number, left: number): void {
  const { quota, windowMs } = charge.limit;
  // Times the window, so that whole milliseconds are counted without rounding.
  const room = (quota - current) * windowMs - previous * left;
  charge.admitted = charge.cost * windowMs <= room;
  charge.remaining = Math.max(0, Math.floor(room / windowMs));
  charge.resetMs = current > 0 ? left + windowMs : previous > 0 ? left : 0;
  charge.retryAfterMs = charge.admitted ? 0 : waitFor(charge.cost, charge.limit, current, previous, left);
}

export function leaveWindows(charge: Charge, current: number, previous: number, left: number): void {
  const { quota, windowMs } = charge.limit;
  charge.remaining = Math.max(0, Math.floor(((quota - current) * windowMs - previous * left) / windowMs));
  charge.resetMs = left + windowMs;
}

/** Milliseconds until `cost` has room if nothing else is taken, `left` before the end of the window. */
export function waitFor(
  cost: number,
  { quota, windowMs }: Limit,
  current: number,
  previous: number,
  left: number,
): number {
  if (cost > quota) return Number.POSITIVE_INFINITY;
  const room = quota - current - cost;
  if (room >= 0) return left - (room * windowMs) / previous;
  return left + windowMs - ((quota - cost) * windowMs) / current;
}

/** When something under way will end is nobody's to know; this is when to ask again. */
export const ASK_AGAIN_MS = 100;

export function findUnderWay(charge: Charge, count: number): void {
  const { quota } = charge.limit;
  charge.admitted = count < quota;
  charge.remaining = Math.max(0, quota - count);
  charge.resetMs = 0;
  charge.retryAfterMs = charge.admitted ? 0 : ASK_AGAIN_MS;
}
