import { isDeepStrictEqual } from 'node:util';
import { sha256 } from '../../lib/sha256.ts';
import { reduced } from '../../state/exactness.ts';
import type { Algorithm, Limit } from '../../state/limiter.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compileKey, type KeyOf } from './keys.ts';
import { nameOf, type RateLimitOptions } from './schema.ts';

/** A limit with what the policy says of it. */
export interface CompiledLimit {
  /** In the fields of answers and in problem details. */
  readonly name: string;
  /** As configured; of concurrency `windowMs` is 0. */
  readonly quota: number;
  readonly windowMs: number;
  readonly limit: Limit;
  readonly keyOf: KeyOf;
  /** Whether a request costs it what the options say; of concurrency it counts once. */
  readonly hasCost: boolean;
}

type Place = Pick<BuiltinContext, 'route' | 'service' | 'global'> &
  Partial<Pick<BuiltinContext, 'organization'>>;

export function compileLimits(options: RateLimitOptions, place: Place): readonly CompiledLimit[] {
  const scope = scopeOf(options, place);
  const keys = options.limits.map((entry) => entry.key ?? options.key);
  // In a cluster they lie with their key where they all have one, and else with each other.
  const sharedSlot = keys.every((other) => isDeepStrictEqual(other, keys[0])) ? undefined : scope;
  const { unknown, shadow } = options;
  return options.limits.map((entry) => {
    const { rate, concurrency } = entry;
    const name = entry.name ?? nameOf(entry);
    const key = entry.key ?? options.key;
    const algorithm: Algorithm =
      concurrency === undefined ? (entry.algorithm ?? options.algorithm) : 'concurrency';
    const quota = concurrency ?? rate?.count ?? 0;
    const windowMs = rate?.windowMs ?? 0;
    const counting = { algorithm, quota, windowMs, burst: entry.burst ?? quota };
    // What differs in anything counts for itself, also before and after a reload: the stored numbers would mean something else.
    const differs = digest([name, key, unknown, shadow, counting]);
    return {
      name,
      quota,
      windowMs,
      limit: {
        id: `${scope}/${differs}`,
        ...counting,
        ...(algorithm === 'gcra' ? reduced(quota, windowMs) : {}),
        ...(sharedSlot === undefined ? {} : { sharedSlot }),
      },
      keyOf: compileKey(key, options.unknown, place.service),
      hasCost: algorithm !== 'concurrency',
    };
  });
}

/** What shares the counts, as a text that no other scope has. */
function scopeOf(options: RateLimitOptions, place: Place): string {
  const { organization, global } = place;
  const scope = scopeWithin(options, place);
  // One organization must not use up what another counts, by a limit that says the same.
  return organization === undefined || global ? scope : `of/${organization}/${scope}`;
}

function scopeWithin({ scope }: RateLimitOptions, { route, service, global }: Place): string {
  if (typeof scope === 'object') return `named/${scope.name}`;
  switch (scope ?? (global ? 'gateway' : 'route')) {
    case 'gateway':
      return 'gateway';
    case 'service':
      return service === undefined ? `route/${route}` : `service/${service}`;
    case 'route':
      return `route/${route}`;
  }
}

function digest(data: unknown): string {
  return sha256(JSON.stringify(data)).slice(0, 16);
}
