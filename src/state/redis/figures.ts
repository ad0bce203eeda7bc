import { MAX_EXACT } from '../exactness.ts';
import { findGcra, findUnderWay, findWindows, leaveGcra, leaveWindows } from '../findings.ts';
import type { Algorithm, Charge } from '../limiter.ts';

/** What the script tells of a charge: `owed`; or `current`, `previous` and `left`; or how many are under way. */
export type Figures = readonly [number, number, number];

export const NO_FIGURES: Figures = [0, 0, 0];

/** How many of them the script tells. */
export const FIGURES: Readonly<Record<Algorithm, number>> = { gcra: 1, 'sliding-window': 3, concurrency: 1 };

/** Where nothing was taken. Whether there was room. */
export function find(charge: Charge, [first, second, third]: Figures): boolean {
  switch (charge.limit.algorithm) {
    case 'gcra':
      return findGcra(charge, first);
    case 'sliding-window':
      return findWindows(charge, first, second, third);
    case 'concurrency':
      return findUnderWay(charge, first);
  }
}

/** After taking. */
export function leave(charge: Charge, [first, second, third]: Figures): void {
  charge.admitted = true;
  charge.retryAfterMs = 0;
  switch (charge.limit.algorithm) {
    case 'gcra':
      return leaveGcra(charge, first);
    case 'sliding-window':
      return leaveWindows(charge, first, second, third);
    case 'concurrency':
      charge.remaining = Math.max(0, charge.limit.quota - first);
      charge.resetMs = 0;
  }
}

/** With `units` more, or fewer. */
export function add({ limit }: Charge, [first, second, third]: Figures, units: number): Figures {
  if (limit.algorithm === 'gcra')
    return [Math.min(MAX_EXACT, Math.max(0, first + units * limit.windowMs)), 0, 0];
  return [Math.max(0, first + units), second, third];
}

/** The figures that begin there in an answer; undefined where that is none. Whoever is at that address may answer anything. */
export function figuresAt(reply: readonly unknown[], at: number, algorithm: Algorithm): Figures | undefined {
  const figures: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < FIGURES[algorithm]; i++) {
    const value = reply[at + i];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) return undefined;
    figures[i] = value;
  }
  return figures;
}
