import { z } from 'zod';
import { duration } from '../../lib/units.ts';

const inARow = (description: string) => z.int().min(0).max(1_000_000).describe(`${description}; 0 is off`);
const requests = (fallback: number) =>
  z
    .int()
    .min(1)
    .max(1_000_000)
    .default(fallback)
    .describe('Requests in the interval below which a target is not judged');
const minTargets = z
  .int()
  .min(1)
  .max(10_000)
  .default(5)
  .describe('Targets with so many requests below which none is judged');

export const outlierSchema = z
  .strictObject({
    consecutive5xx: inARow('Answers of 500 to 599 in a row at which a target is ejected').default(5),
    consecutiveGatewayErrors: inARow(
      'Answers of 502, 503 or 504 in a row at which a target is ejected',
    ).default(0),
    consecutiveLocalErrors: inARow(
      'Requests in a row without an answer (no connection, reset, timeout) at which a target is ejected. While it is off, they count as answers of 503',
    ).default(0),
    interval: duration('Between two looks at success rates and at what may return').prefault('10s'),
    baseEjection: duration(
      'How long a target is out the first time; twice that the second time, and so on',
    ).prefault('30s'),
    maxEjection: duration('Longest time that a target is out').prefault('300s'),
    maxEjected: z
      .int()
      .min(1)
      .max(100)
      .default(10)
      .describe('Per cent of the targets that may be out at once; one always may'),
    successRate: z
      .strictObject({
        minTargets,
        requests: requests(100),
        deviations: z
          .number()
          .gt(0)
          .max(100)
          .default(1.9)
          .describe('Standard deviations below the mean success rate of all targets at which one is ejected'),
      })
      .or(z.literal(false))
      .prefault({})
      .describe('false is off'),
    failurePercentage: z
      .strictObject({
        minTargets,
        requests: requests(50),
        threshold: z
          .number()
          .gt(0)
          .max(100)
          .default(85)
          .describe('Per cent of failed requests at which a target is ejected'),
      })
      .optional(),
    shadow: z.boolean().default(false).describe('true ejects nothing and only tells what would have been'),
  })
  .superRefine((outlier, context) => {
    const refuse = (key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [key], message });
    if (outlier.interval === 0) refuse('interval', 'is 0: nothing would ever return');
    if (outlier.baseEjection === 0) refuse('baseEjection', 'is 0: a target would return at once');
    if (outlier.maxEjection < outlier.baseEjection)
      refuse('maxEjection', 'is below baseEjection; it is 300s where it is not given');
    if (outlier.maxEjection > LONGEST_EJECTION_MS) refuse('maxEjection', 'is above 1d');
  });

/** Far below the 24 days that a cell can tell apart. */
const LONGEST_EJECTION_MS = 86_400_000;

export type OutlierSettings = z.output<typeof outlierSchema>;
