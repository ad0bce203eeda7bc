import { z } from 'zod';

export const retryBudgetSchema = z.strictObject({
  ratio: z
    .number()
    .min(0)
    .max(100)
    .default(20)
    .describe('Retries under way at once, in per cent of the requests under way'),
  min: z.int().min(0).max(10_000).default(3).describe('So many retries may always be under way at once'),
});

export type RetryBudgetSettings = z.output<typeof retryBudgetSchema>;
