import { z } from 'zod';

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const RATE = /^(\d{1,9})\/(\d{1,6})?(s|min|h|d)$/;
const RATE_MS = { s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const SIZE = /^(\d{1,12})(b|kb|mb|gb)$/;
const SIZE_BYTES = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 } as const;

/** Milliseconds of a duration such as `250ms`, `30s`, `5m`, `1.5h`, `7d`; undefined for any other text. */
export function parseDuration(text: string): number | undefined {
  const match = DURATION.exec(text);
  if (!match) return undefined;
  return Math.round(Number(match[1]) * DURATION_MS[match[2] as keyof typeof DURATION_MS]);
}

/** A duration as it would be written, in the largest unit of which it is a whole number: `250ms`, `90s`, `2m`. */
export function durationText(ms: number): string {
  for (const [unit, unitMs] of Object.entries(DURATION_MS).reverse())
    if (ms >= unitMs && ms % unitMs === 0) return `${ms / unitMs}${unit}`;
  return `${ms}ms`;
}

/** So many in so long a time. */
export interface Rate {
  readonly count: number;
  readonly windowMs: number;
  /** As it was written. */
  readonly text: string;
}

/** A rate such as `10/s`, `100/min`, `1000/h`, `5/15min`; undefined for any other text. */
export function parseRate(text: string): Rate | undefined {
  const match = RATE.exec(text);
  if (!match) return undefined;
  const windowMs = Number(match[2] ?? 1) * RATE_MS[match[3] as keyof typeof RATE_MS];
  return { count: Number(match[1]), windowMs, text };
}

/** Bytes of a size such as `512b`, `64kb`, `1mb` (powers of 1024); undefined for any other text. */
export function parseSize(text: string): number | undefined {
  const match = SIZE.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * SIZE_BYTES[match[2] as keyof typeof SIZE_BYTES];
}

/** Schema of a duration: text in, milliseconds out. `0s` switches the limit that it stands for off. */
export function duration(description: string) {
  return z
    .string()
    .regex(DURATION, 'is not a duration: write a number and a unit, such as 250ms, 30s, 5m or 1h')
    .transform((text) => parseDuration(text) ?? 0)
    .describe(description);
}

/** Longer than this nothing is counted in memory. */
const MAX_WINDOW_MS = 31 * RATE_MS.d;

/** Beyond it a unit of GCRA would come close to what a number rounds to on a machine that has run for months. */
const MAX_PER_SECOND = 1_000_000;

/** Schema of a rate: text in, count and window out. */
export function rate(description: string) {
  return z
    .string()
    .regex(
      RATE,
      'is not a rate: write a whole number and a time, such as 10/s, 100/min, 1000/h, 5/15min or 10000/d',
    )
    .transform((text) => parseRate(text) ?? { count: 0, windowMs: 0, text })
    .refine(({ count }) => count > 0, 'lets nothing through: the number is at least 1')
    .refine(({ windowMs }) => windowMs > 0, 'is no time at all')
    .refine(({ windowMs }) => windowMs <= MAX_WINDOW_MS, 'is longer than 31d')
    .refine(
      ({ count, windowMs }) => windowMs === 0 || (count * 1000) / windowMs <= MAX_PER_SECOND,
      'is more than a million in a second',
    )
    .describe(description);
}

/** Schema of a size: text in, bytes out. `0b` switches the limit that it stands for off. */
export function size(description: string) {
  return z
    .string()
    .regex(SIZE, 'is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb')
    .transform((text) => parseSize(text) ?? 0)
    .describe(description);
}

/** Schema of a share of requests in per cent, fractions of one included. */
export function percentage(description: string) {
  return z.number().min(0).max(100).describe(description);
}
