import { z } from 'zod';
import { duration } from '../../lib/units.ts';
import { MAX_PROBES } from './probes.ts';

const ratio = (description: string) =>
  z
    .number()
    .gt(0, 'is not above 0: a breaker that always opens lets nothing through')
    .max(1)
    .default(0.5)
    .describe(description);

export const breakerSchema = z
  .strictObject({
    scope: z
      .enum(['service', 'target', 'both'])
      .default('service')
      .describe('What trips: the service as a whole, each target for itself, or both'),
    errorRatio: ratio('Share of failed requests in the window at which it opens'),
    slowAfter: duration('An answer that takes longer is slow; without it none is').optional(),
    slowRatio: ratio('Share of slow requests in the window at which it opens'),
    minRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(20)
      .describe('Requests in the window below which the ratios open nothing'),
    window: duration('How far back requests count').prefault('10s'),
    consecutive: z
      .int()
      .min(1)
      .max(1_000_000)
      .optional()
      .describe(
        'Failures in a row at which it opens, however few requests there were; without it, ratios alone do',
      ),
    openFor: duration('How long all is refused; twice as long each time in a row').prefault('5s'),
    maxOpenFor: duration('Longest time that all is refused').prefault('60s'),
    probes: z
      .int()
      .min(1)
      .max(MAX_PROBES)
      .default(3)
      .describe('Requests that may be under way at once to try whether the service is well again'),
    closeAfter: z
      .int()
      .min(1)
      .max(MAX_PROBES)
      .default(3)
      .describe('Such requests that must succeed before it closes'),
    rampUp: duration(
      'After closing, the time in which the share of requests let through grows to all',
    ).prefault('10s'),
  })
  .superRefine((breaker, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (breaker.window < 100) refuse('window', 'is below 100ms');
    if (breaker.slowAfter === 0) refuse('slowAfter', 'is 0: leave it out where no answer is slow');
    if (breaker.openFor === 0) refuse('openFor', 'is 0: the breaker would not stay open');
    if (breaker.maxOpenFor < breaker.openFor)
      refuse('maxOpenFor', 'is below openFor; it is 60s where it is not given');
  });

export type BreakerSettings = z.output<typeof breakerSchema>;
