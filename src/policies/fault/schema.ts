import { z } from 'zod';
import { percentage } from '../../lib/units.ts';
import { delay } from '../delay-option.ts';
import { fieldName } from '../field-options.ts';

const delaySchema = z.strictObject({
  percent: percentage('Share of the requests').default(100),
  time: delay('How long they are held back, up to 5m').refine((ms) => ms > 0, 'is no time at all'),
});

const abortSchema = z
  .strictObject({
    percent: percentage('Share of the requests').default(100),
    status: z.int().min(400).max(599).optional().describe('503 when it is not given'),
    reset: z
      .boolean()
      .default(false)
      .describe('Resets the connection instead of answering; over TLS it closes it without a word'),
  })
  .superRefine(({ status, reset }, context) => {
    if (!reset || status === undefined) return;
    context.addIssue({
      code: 'custom',
      path: ['status'],
      message: 'is for an answer: with reset there is none',
    });
  });

export const faultSchema = z
  .strictObject({
    delay: delaySchema.optional().describe('Holds requests back'),
    abort: abortSchema.optional().describe('Ends requests; one that is held back is ended after that'),
    header: fieldName
      .transform((name) => name.toLowerCase())
      .optional()
      .describe('Only requests that have this field'),
  })
  .superRefine(({ delay: held, abort }, context) => {
    if (held === undefined && abort === undefined)
      context.addIssue({ code: 'custom', message: 'needs delay, abort or both' });
  })
  .describe('Makes a share of the requests slow or fail, to try out what depends on them');

export type FaultOptions = z.output<typeof faultSchema>;
