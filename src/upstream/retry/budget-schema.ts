import { z } from 'zod';

export const retryBudgetSchema = z.strictObject({
  ratio: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('Retries in per cent of requests: of those under way at once, and of those of ten seconds'),
  min: z
    .int()
    .min(0)
    .max(10_000)
    .default(3)
    .describe('So many retries there may be in any case, at once and in ten seconds'),
});

export type RetryBudgetSettings = z.output<typeof retryBudgetSchema>;

/** Where hedging is configured and retries are not. */
export const DEFAULT_BUDGET: RetryBudgetSettings = retryBudgetSchema.parse({});
