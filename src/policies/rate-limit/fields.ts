import type { Fields } from '../../http/fields.ts';
import type { Charge, Decision } from '../../state/limiter.ts';
import type { CompiledLimit } from './limits.ts';

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10: RateLimit-Policy says what the limits are, RateLimit what is left of them. Both are
 * lists of structured fields (RFC 9651), so each policy of a route adds a line of its own.
 */
export class StandardFields {
  readonly #policies: string;
  /** What stands before the units that are left. */
  readonly #prefixes: readonly string[];

  constructor(limits: readonly CompiledLimit[]) {
    this.#policies = limits.map(policyItem).join(', ');
    this.#prefixes = limits.map(({ name }) => `"${name}";r=`);
  }

  add(fields: Fields, { charges }: Decision): void {
    let left = '';
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i] as Charge;
      if (charge.key === '') continue;
      if (left !== '') left += ', ';
      left += `${this.#prefixes[i]}${charge.remaining}`;
      if (charge.limit.windowMs > 0) left += `;t=${seconds(charge.resetMs)}`;
    }
    fields.push('ratelimit-policy', 'RateLimit-Policy', this.#policies);
    fields.push('ratelimit', 'RateLimit', left);
  }
}

/** The fields that clients know from before: of the limit of which least is left. */
export function putLegacyFields(fields: Fields, { charges }: Decision): void {
  let least: Charge | undefined;
  for (const charge of charges)
    if (charge.key !== '' && (least === undefined || charge.remaining < least.remaining)) least = charge;
  if (least === undefined) return;
  fields.put('x-ratelimit-limit', 'X-RateLimit-Limit', `${least.limit.quota}`);
  fields.put('x-ratelimit-remaining', 'X-RateLimit-Remaining', `${least.remaining}`);
  fields.put('x-ratelimit-reset', 'X-RateLimit-Reset', `${seconds(least.resetMs)}`);
}

/** Retry-After (RFC 9110 section 10.2.3) of a refusal. */
export function putRetryAfter(fields: Fields, decision: Decision): void {
  fields.put('retry-after', 'Retry-After', `${Math.max(1, seconds(waitOf(decision)))}`);
}

/** Milliseconds until every limit has room for the request, as far as is known. */
export function waitOf({ charges }: Decision): number {
  let waitMs = 0;
  for (const charge of charges) if (!charge.admitted) waitMs = Math.max(waitMs, charge.retryAfterMs);
  return waitMs;
}

function policyItem({ name, limit: { quota, windowMs } }: CompiledLimit): string {
  return windowMs > 0
    ? `"${name}";q=${quota};w=${windowMs / 1000}`
    : `"${name}";q=${quota};qu="concurrent-requests"`;
}

/** Rounded up: whoever comes back then is not too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
