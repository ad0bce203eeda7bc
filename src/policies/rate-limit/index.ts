import { clockMs } from '../../lib/clock.ts';
import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { isKnownEarly } from './keys.ts';
import { compileLimits } from './limits.ts';
import { RateLimit } from './rate-limit.ts';
import { keysOf, rateLimitSchema } from './schema.ts';

/** Between two synchronisations of the hybrid store. */
const DEFAULT_SYNC_MS = 100;

export const rateLimitPolicy = definePolicy({
  name: 'rate-limit',
  stage: 'quota',
  counts: true,
  schema: rateLimitSchema,
  // Who is over a limit should cost nothing, so it is refused as soon as it is known who it is.
  stageOf(options) {
    const isEarly =
      options.when === undefined
        ? keysOf(options).every(isKnownEarly)
        : options.when === 'before-authentication';
    return isEarly ? 'throttling' : 'quota';
  },
  async create(options, context: BuiltinContext) {
    const limits = compileLimits(options, context);
    // Made to be checked, and closed again.
    if (context.limiters === undefined) return {};
    const { store, onFailure, sync } = options;
    const held = await context.limiters.open({ store, onFailure, syncMs: sync ?? DEFAULT_SYNC_MS });
    return new RateLimit(options, {
      ...held,
      limits,
      givesBack: context.isCountedAgain,
      count: (event) => context.count(event),
      nowMs: clockMs,
    });
  },
});
