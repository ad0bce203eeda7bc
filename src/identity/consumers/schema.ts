import { z } from 'zod';

/** Somebody who calls, by the name that authentication has for them. */
export const consumerSchema = z.strictObject({
  plan: z.string().min(1).optional().describe('Name of one of the plans'),
  groups: z
    .array(z.string().min(1).max(200))
    .max(100)
    .default([])
    .describe('What authorization knows the consumer to belong to'),
});

export type ConsumerConfig = z.output<typeof consumerSchema>;
