export interface BackOffSettings {
  readonly base: number;
  readonly max: number;
}

/**
 * Milliseconds to wait before the nth retry, from 1: anything between nothing and a bound that doubles with each retry up to `max`. Waits
 * that are spread so evenly ("full jitter") keep requests that failed together from coming back together.
 */
export function backOffMs({ base, max }: BackOffSettings, retry: number, random: () => number): number {
  return random() * Math.min(max, base * 2 ** (retry - 1));
}
