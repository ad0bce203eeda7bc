import { z } from 'zod';
import { duration, percentage } from '../../lib/units.ts';

const BETWEEN = 'must be more than start';

const eventLoop = z
  .strictObject({
    start: duration('Average delay from which on requests are refused')
      .refine((ms) => ms > 0, 'is no time at all')
      .prefault('100ms'),
    full: duration('Delay at which all are refused but the critical ones').prefault('500ms'),
  })
  .refine(({ start, full }) => full > start, { path: ['full'], message: BETWEEN });

const memory = z
  .strictObject({
    start: percentage('Share of the usable memory from which on requests are refused').gt(0).default(85),
    full: percentage('Share at which all are refused but the critical ones').default(95),
  })
  .refine(({ start, full }) => full > start, { path: ['full'], message: BETWEEN });

export const loadShedSchema = z
  .strictObject({
    priority: z
      .enum(['critical', 'high', 'normal', 'low'])
      .default('normal')
      .describe('Low is refused first, high last, critical never'),
    eventLoop: eventLoop.prefault({}).describe('How late the worker may turn to its requests'),
    memory: memory.prefault({}).describe('How much of the memory that it may use the process may take'),
    retryAfter: duration('What Retry-After says, in whole seconds')
      .refine((ms) => ms >= 1000, 'is less than 1s')
      .prefault('2s'),
  })
  .describe('Refuses requests of less priority while the gateway itself is overloaded');

export type LoadShedOptions = z.output<typeof loadShedSchema>;
export type Priority = LoadShedOptions['priority'];
