import { z } from 'zod';
import { duration } from '../../../lib/units.ts';
import { targetEntrySchema } from '../target-description.ts';

const MIN_TTL_MS = 1000;
const MAX_TTL_MS = 86_400_000;

const service = z
  .string()
  .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/, 'is not the name of a service')
  .describe('Name of the service in the configuration');

/** What is sent to register a target. */
export const registrationSchema = targetEntrySchema.extend({
  service,
  ttl: duration('How long the target stays without a heartbeat, from 1s to 24h')
    .refine((ms) => ms >= MIN_TTL_MS && ms <= MAX_TTL_MS, 'is not from 1s to 24h')
    .prefault('30s'),
});

/** Which target is meant: a service has each address once. */
export const targetKeySchema = registrationSchema.pick({ service: true, url: true });
export type TargetKey = z.output<typeof targetKeySchema>;

const state = z.enum(['active', 'inactive']).describe('`inactive` finishes what it has and gets nothing new');

/** What is sent to drain a target, or to take it in again. */
export const targetStateSchema = targetKeySchema.extend({ state });

/** A registration as it is kept, also in the file: how long it lasts, not until when, because a gateway that is down hears no heartbeat. */
export const keptSchema = targetEntrySchema.extend({
  service,
  ttlMs: z.int().min(MIN_TTL_MS).max(MAX_TTL_MS),
  state,
});
export type Registration = z.output<typeof keptSchema>;
