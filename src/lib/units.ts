import { z } from 'zod';

const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/;
const DURATION_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
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
