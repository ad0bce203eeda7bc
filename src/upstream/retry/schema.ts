import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { duration, size } from '../../lib/units.ts';
import { retryBudgetSchema } from './budget-schema.ts';
import { CONDITION_NAMES } from './conditions.ts';

const condition = z
  .union([z.enum(CONDITION_NAMES), z.int().min(400).max(599)])
  .describe('What happened: nothing was sent, broken off, too late, 502 to 504, 500 to 599, or one status');

/** As written where the configuration says nothing. */
export const BACK_OFF_DEFAULTS = { base: '25ms', max: '250ms' } as const;

export const retrySchema = z.strictObject({
  attempts: z.int().min(2).max(10).default(2).describe('Attempts in all, the first one included'),
  on: z
    .array(condition)
    .min(1)
    .default(['connect', 'reset', 'gateway-error'])
    .describe('What is tried again'),
  methods: z
    .union([z.enum(['idempotent', 'all']), z.array(z.string().refine(isToken, 'is not a method')).min(1)])
    .default('idempotent')
    .describe('Requests that may be sent again; what was never sent may be in any case'),
  perTry: duration('From the beginning of one attempt to the head of its answer; 0s is no limit').prefault(
    '0s',
  ),
  backOff: z
    .strictObject({
      base: duration('Longest wait before the second attempt; doubles with each further one').prefault(
        BACK_OFF_DEFAULTS.base,
      ),
      max: duration('Longest wait before any attempt').prefault(BACK_OFF_DEFAULTS.max),
    })
    .prefault({})
    .describe('The wait is random, from nothing to this'),
  retryAfter: duration(
    'Longest Retry-After of a 429 or 503 that is waited for; what asks for more is passed on',
  ).prefault('1s'),
  bodyLimit: size(
    'Most of a request body that is kept to be sent again; 0b keeps none. A longer one is sent once',
  ).prefault('64kb'),
  budget: retryBudgetSchema
    .prefault({})
    .describe('How many attempts beyond the first there may be, hedged ones included'),
});

export const hedgeSchema = z.strictObject({
  after: duration('How long the first attempt may be without an answer before a second one goes out').refine(
    (ms) => ms > 0,
    'must be longer than 0s: leave hedge out to have none',
  ),
});

export type RetrySettings = z.output<typeof retrySchema>;
export type HedgeSettings = z.output<typeof hedgeSchema>;
