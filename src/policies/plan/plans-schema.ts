import { z } from 'zod';
import { isTimeZone } from '../../lib/calendar.ts';
import { ownerSchema } from '../../lib/entity-name.ts';
import { inexactOf, nameOf, rateLimitSchema } from '../rate-limit/schema.ts';

const MAX_LIMIT = 1_000_000_000_000;

const quota = z.strictObject({
  limit: z.int().min(1).max(MAX_LIMIT).describe('Requests in a period'),
  per: z.enum(['day', 'month']).describe('Of the calendar, in the time zone of the plan'),
  soft: z
    .number()
    .gt(0)
    .max(100)
    .optional()
    .describe('Per cent of the limit from which on answers warn; nothing is refused for it'),
});

const limits = rateLimitSchema.shape.limits;

/** What whoever has the plan may do. */
export const planSchema = z
  .strictObject({
    organization: ownerSchema,
    limits: limits.optional().describe('Rates and concurrency of each consumer, as those of rate-limit'),
    quotas: z
      .array(quota)
      .max(2)
      .default([])
      .describe('Requests of each consumer in a calendar day, a calendar month, or both'),
    timeZone: z
      .string()
      .refine(
        isTimeZone,
        'is not a time zone: write a name of the IANA database, such as Europe/Zurich or UTC',
      )
      .default('UTC')
      .describe('Where days and months begin'),
  })
  .superRefine(({ limits: rates, quotas }, context) => {
    const refuse = (path: (string | number)[], message: string) =>
      context.addIssue({ code: 'custom', path, message });
    if (rates === undefined && quotas.length === 0) refuse([], 'needs limits or quotas');
    const names = new Set<string>();
    for (const [i, { per }] of quotas.entries()) {
      if (names.has(per)) refuse(['quotas', i, 'per'], `there is a quota per ${per} already`);
      names.add(per);
    }
    for (const [i, entry] of (rates ?? []).entries()) {
      if (entry.key !== undefined)
        refuse(['limits', i, 'key'], 'is not for a plan, which counts by consumer');
      if (entry.algorithm === 'sliding-window' && entry.burst !== undefined)
        refuse(['limits', i, 'burst'], 'is for gcra: a sliding window has none');
      const inexact = inexactOf(entry, entry.algorithm ?? 'gcra');
      if (inexact !== undefined) refuse(['limits', i], inexact);
      const name = entry.name ?? nameOf(entry);
      if (names.has(name))
        refuse(['limits', i], `there is ${JSON.stringify(name)} already: give one of them another name`);
      names.add(name);
    }
  });

export type PlanConfig = z.output<typeof planSchema>;

/** A consumer with a plan. */
export interface PlannedConsumer {
  readonly plan: string;
  /** On whose routes alone it is known; undefined: on all. */
  readonly organization?: string | undefined;
}

/** What a worker gets of it. */
export interface PlansData {
  readonly plans: Readonly<Record<string, PlanConfig>>;
  /** Who has which; a consumer without a plan is left out. */
  readonly consumers: Readonly<Record<string, PlannedConsumer>>;
}

export const NO_PLANS: PlansData = { plans: {}, consumers: {} };
