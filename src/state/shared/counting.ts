import { MAX_COUNT, MAX_EXACT } from '../exactness.ts';
import { findGcra, findUnderWay, findWindows, leaveGcra, leaveWindows, waitFor } from '../findings.ts';
import type { Charge } from '../limiter.ts';
import type { LimitTable } from './limit-table.ts';

/** A charge with what is known of it between looking and taking. */
export interface CountedCharge extends Charge {
  /** Where its key stands in the table; -1 while it stands nowhere. */
  slot: number;
  /** Of concurrency: what gives it back; -1 when there is nothing to give back. */
  ticket: number;
}

/**
 * How one algorithm counts in a slot of the table. `admits` says whether there is room, and changes nothing. `take` comes after that at the
 * same moment, with a slot for the charge, and `add` takes units whether there is room or not; both tell what is left. `tell` tells it where
 * nothing was taken, and how long to wait. `nowMs` is positive.
 */
export interface Counting {
  admits(table: LimitTable, charge: CountedCharge, nowMs: number): boolean;
  tell(table: LimitTable, charge: CountedCharge, nowMs: number): void;
  take(table: LimitTable, charge: CountedCharge, nowMs: number): void;
  add(table: LimitTable, charge: CountedCharge, units: number, nowMs: number): void;
}

/**
 * The generic cell rate algorithm. What is stored is the theoretical arrival time (ITU-T I.371), the moment when the whole burst is there
 * again, times the quota: so that a unit counts a whole window, and no time is rounded.
 */
export const gcra: Counting = {
  admits(table, charge, nowMs) {
    const { quota, windowMs, burst } = charge.limit;
    const now = nowMs * quota;
    return arrival(table, charge.slot, now) - now + (charge.cost - burst) * windowMs <= 0;
  },
  tell(table, charge, nowMs) {
    const now = nowMs * charge.limit.quota;
    findGcra(charge, arrival(table, charge.slot, now) - now);
  },
  take(table, charge, nowMs) {
    gcra.add(table, charge, charge.cost, nowMs);
  },
  add(table, charge, units, nowMs) {
    const { quota, windowMs, burst } = charge.limit;
    const now = nowMs * quota;
    // What is given back beyond the burst is not saved up.
    const owed = arrival(table, charge.slot, now) - now + units * windowMs;
    const next = now + Math.min(MAX_EXACT, Math.max(0, owed));
    table.setFloat(charge.slot, next);
    table.setTimes(charge.slot, next / quota, (next + (1 - burst) * windowMs) / quota);
    leaveGcra(charge, next - now);
  },
};

/** Not before now: what has not been used is not saved up. */
function arrival(table: LimitTable, slot: number, now: number): number {
  return slot < 0 ? now : Math.max(now, table.float(slot));
}

const CURRENT = 0;
const PREVIOUS = 1;

/**
 * Two counters, of the window that runs and of the one before; the latter weighs as much as the last `windowMs` still reach into it, as
 * though its units had come evenly. When the window began follows from when the slot is full again, two windows after that.
 */
export const slidingWindow: Counting = {
  admits(table, charge, nowMs) {
    const { quota, windowMs } = charge.limit;
    const start = windowAt(table, charge.slot, windowMs, nowMs);
    const current = currentOf(table, charge.slot, windowMs, start);
    const previous = previousOf(table, charge.slot, windowMs, start);
    const left = start + windowMs - Math.max(start, nowMs);
    // Times the window, so that whole milliseconds are counted without rounding.
    return (current + charge.cost) * windowMs + previous * left <= quota * windowMs;
  },
  tell(table, charge, nowMs) {
    const { windowMs } = charge.limit;
    const start = windowAt(table, charge.slot, windowMs, nowMs);
    const current = currentOf(table, charge.slot, windowMs, start);
    const previous = previousOf(table, charge.slot, windowMs, start);
    findWindows(charge, current, previous, start + windowMs - Math.max(start, nowMs));
  },
  take(table, charge, nowMs) {
    slidingWindow.add(table, charge, charge.cost, nowMs);
  },
  add(table, charge, units, nowMs) {
    const { limit, slot } = charge;
    const { quota, windowMs } = limit;
    const start = windowAt(table, slot, windowMs, nowMs);
    const current = currentOf(table, slot, windowMs, start);
    const previous = previousOf(table, slot, windowMs, start);
    const left = start + windowMs - Math.max(start, nowMs);
    const now = Math.min(MAX_COUNT, Math.max(0, current + units));
    table.setWord(slot, CURRENT, now);
    table.setWord(slot, PREVIOUS, previous);
    const room = (quota - now) * windowMs - previous * left;
    const wait = room >= windowMs ? 0 : waitFor(1, limit, now, previous, left);
    table.setTimes(slot, start + 2 * windowMs, nowMs + wait);
    leaveWindows(charge, now, previous, left);
  },
};

/** Start of the window that runs; another thread may be a little ahead and have begun the next one. */
function windowAt(table: LimitTable, slot: number, windowMs: number, nowMs: number): number {
  const start = Math.floor(nowMs / windowMs) * windowMs;
  return slot < 0 ? start : Math.max(start, table.fullAt(slot) - 2 * windowMs);
}

function currentOf(table: LimitTable, slot: number, windowMs: number, start: number): number {
  if (slot < 0) return 0;
  return table.fullAt(slot) - 2 * windowMs === start ? table.word(slot, CURRENT) : 0;
}

function previousOf(table: LimitTable, slot: number, windowMs: number, start: number): number {
  if (slot < 0) return 0;
  const began = table.fullAt(slot) - 2 * windowMs;
  if (began === start) return table.word(slot, PREVIOUS);
  return began === start - windowMs ? table.word(slot, CURRENT) : 0;
}

/** What is under way, counted in the first word of the slot and by a ticket of the worker. */
export const concurrency: Counting = {
  admits(table, charge) {
    return charge.slot < 0 || table.word(charge.slot, 0) < charge.limit.quota;
  },
  tell(table, charge) {
    findUnderWay(charge, charge.slot < 0 ? 0 : table.word(charge.slot, 0));
  },
  take(table, charge) {
    charge.ticket = table.enter(charge.slot);
    charge.remaining = Math.max(0, charge.limit.quota - table.word(charge.slot, 0));
  },
  add() {},
};
