import { z } from 'zod';

export const planPolicySchema = z
  .strictObject({
    unknown: z
      .enum(['refuse', 'pass'])
      .default('refuse')
      .describe(
        'What becomes of a request of nobody, or of somebody without a plan: 403, or nothing is counted',
      ),
  })
  .describe('Holds whoever calls to their plan: rates, and quotas by the calendar');

export type PlanOptions = z.output<typeof planPolicySchema>;
