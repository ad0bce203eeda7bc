import { duration } from '../lib/units.ts';

/** A worker holds the request for so long; more would be a leak. */
const MAX_DELAY_MS = 300_000;

/** Schema of how long a policy holds a request back. */
export function delay(description: string) {
  return duration(description).refine((ms) => ms <= MAX_DELAY_MS, 'is longer than 5m');
}
