import { clockMs } from '../../lib/clock.ts';
import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { isKnownEarly } from './keys.ts';
import { compileLimits } from './limits.ts';
import { RateLimit } from './rate-limit.ts';
import { keysOf, rateLimitSchema } from './schema.ts';

export const rateLimitPolicy = definePolicy({
  name: 'rate-limit',
  stage: 'quota',
  schema: rateLimitSchema,
  // Who is over a limit should cost nothing, so it is refused as soon as it is known who it is.
  stageOf(options) {
    const isEarly =
      options.when === undefined
        ? keysOf(options).every(isKnownEarly)
        : options.when === 'before-authentication';
    return isEarly ? 'admission' : 'quota';
  },
  create(options, context: BuiltinContext) {
    const limits = compileLimits(options, context);
    // Made to be checked, and closed again.
    if (context.limiter === undefined) return {};
    return new RateLimit(options, {
      limits,
      limiter: context.limiter,
      count: (event) => context.count(event),
      nowMs: clockMs,
    });
  },
});
