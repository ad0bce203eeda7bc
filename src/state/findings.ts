import type { Charge, Limit } from './limiter.ts';

/**
 * What follows for a charge from what is counted, wherever that is. `find...` is for where nothing is taken: it tells what there is and
 * how long to wait, and returns whether there is room. `leave...` is for where something was taken, and tells what is left.
 */

/** `owed` is what is missing to the whole burst, in units times the window. */
export function findGcra(charge: Charge, owed: number): boolean {
  const { quota, windowMs, burst } = charge.limit;
  const over = owed + (charge.cost - burst) * windowMs;
  leaveGcra(charge, owed);
  charge.retryAfterMs = over <= 0 ? 0 : charge.cost > burst ? Number.POSITIVE_INFINITY : over / quota;
  return over <= 0;
}

export function leaveGcra(charge: Charge, owed: number): void {
  const { quota, windowMs, burst } = charge.limit;
  charge.remaining = Math.max(0, Math.floor((burst * windowMs - owed) / windowMs));
  charge.resetMs = owed / quota;
}

/** Units of the window that runs and of the one before; the former ends `left` milliseconds from now. */
export function findWindows(charge: Charge, current: number, previous: number, left: number): boolean {
  const { quota, windowMs } = charge.limit;
  // Times the window, so that whole milliseconds are counted without rounding.
  const room = (quota - current) * windowMs - previous * left;
  const hasRoom = charge.cost * windowMs <= room;
  charge.remaining = Math.max(0, Math.floor(room / windowMs));
  charge.resetMs = current > 0 ? left + windowMs : previous > 0 ? left : 0;
  charge.retryAfterMs = hasRoom ? 0 : waitFor(charge.cost, charge.limit, current, previous, left);
  return hasRoom;
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

export function findUnderWay(charge: Charge, count: number): boolean {
  const { quota } = charge.limit;
  charge.remaining = Math.max(0, quota - count);
  charge.resetMs = 0;
  charge.retryAfterMs = count < quota ? 0 : ASK_AGAIN_MS;
  return count < quota;
}
