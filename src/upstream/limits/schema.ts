import { z } from 'zod';
import { duration } from '../../lib/units.ts';

const MOST = 1_000_000;

const adaptiveSchema = z
  .strictObject({
    min: z.int().min(1).max(MOST).default(3).describe('The limit never falls below this'),
    max: z.int().min(1).max(MOST).default(1000).describe('The limit never rises above this'),
    window: duration('Between two corrections of the limit').prefault('100ms'),
    headroom: z
      .number()
      .min(0)
      .max(1000)
      .default(25)
      .describe('Per cent by which latency may rise above that without a queue before the limit falls'),
    measureEvery: duration(
      'Between two measurements of the latency without a queue, for which the limit is halved',
    ).prefault('60s'),
    measureRequests: z
      .int()
      .min(10)
      .max(10_000)
      .default(50)
      .describe('Requests that such a measurement takes'),
  })
  .superRefine((adaptive, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (adaptive.max < adaptive.min) refuse('max', 'is below min');
    if (adaptive.window < 10) refuse('window', 'is below 10ms');
    if (adaptive.measureEvery < 1000) refuse('measureEvery', 'is below 1s');
  });

export type AdaptiveSettings = z.output<typeof adaptiveSchema>;

export const limitsSchema = z.strictObject({
  requests: z
    .int()
    .min(0)
    .max(MOST)
    .default(0)
    .describe('Requests under way at once, in all workers; beyond it 503. 0 is no limit'),
  pending: z
    .int()
    .min(0)
    .max(MOST)
    .default(0)
    .describe('Requests that wait for a connection at once, in all workers; beyond it 503. 0 is no limit'),
  connections: z
    .int()
    .min(0)
    .max(MOST)
    .default(0)
    .describe(
      'Open connections at once, to all targets and in all workers; beyond it requests wait. 0 is no limit. A target to which a worker has none may always have one',
    ),
  adaptive: adaptiveSchema
    .optional()
    .describe(
      'A limit of requests that follows what the service can do; with `requests`, the lower one counts',
    ),
});

export type LimitsSettings = z.output<typeof limitsSchema>;
