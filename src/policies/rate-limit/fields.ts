import { type Fields, initialBit } from '../../http/fields.ts';
import { keptText } from '../../lib/kept-text.ts';
import type { Charge, Decision } from '../../state/limiter.ts';
import type { CompiledLimit } from './limits.ts';

/** Of the names of both fields. */
const INITIALS = initialBit(0x72);

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers-10: RateLimit-Policy says what the limits are, RateLimit what is left of them. Both are
 * lists of structured fields (RFC 9651), so each policy of a route adds a line of its own.
 */
export class StandardFields {
  /** What stands before the units that are left; that of the first limit begins with all that stands before it. */
  readonly #prefixes: readonly string[];
  /** Of the first limit that is named, up to its value. */
  readonly #start: string;
  /** What the last lines were made of: of an only limit many requests in a row are told the same. */
  #remaining = -1;
  #wait = -1;
  #lines = '';

  constructor(limits: readonly CompiledLimit[]) {
    this.#start = `RateLimit-Policy: ${limits.map(policyItem).join(', ')}\r\nRateLimit: `;
    const first = limits.length === 1 ? this.#start : '';
    this.#prefixes = limits.map(({ name }) => keptText(`${first}"${name}";r=`));
  }

  /** Of a decision in which somebody was counted. */
  add(fields: Fields, { charges }: Decision): void {
    fields.pushLines(
      charges.length === 1 ? this.#linesOf(charges[0] as Charge) : this.#linesOfAll(charges),
      INITIALS,
    );
  }

  #linesOf(charge: Charge): string {
    const { remaining, limit } = charge;
    const wait = limit.windowMs > 0 ? windowEnd(charge) : 0;
    if (remaining !== this.#remaining || wait !== this.#wait) {
      this.#remaining = remaining;
      this.#wait = wait;
      const end = limit.windowMs > 0 ? `;t=${wait}\r\n` : '\r\n';
      this.#lines = (this.#prefixes[0] as string) + remaining + end;
    }
    return this.#lines;
  }

  #linesOfAll(charges: readonly Charge[]): string {
    let left = '';
    for (let i = 0; i < charges.length; i++) {
      const charge = charges[i] as Charge;
      if (charge.key === '') continue;
      if (left !== '') left += ', ';
      left += `${this.#prefixes[i]}${charge.remaining}`;
      if (charge.limit.windowMs > 0) left += `;t=${windowEnd(charge)}`;
    }
    return `${this.#start}${left}\r\n`;
  }
}

/** The fields that clients know from before: of the limit of which least is left. */
export function putLegacyFields(
  fields: Fields,
  { charges }: Decision,
  limits: readonly CompiledLimit[],
): void {
  let least: Charge | undefined;
  let quota = 0;
  for (let i = 0; i < charges.length; i++) {
    const charge = charges[i] as Charge;
    if (charge.key === '' || (least !== undefined && charge.remaining >= least.remaining)) continue;
    least = charge;
    quota = (limits[i] as CompiledLimit).quota;
  }
  if (least === undefined) return;
  fields.put('x-ratelimit-limit', 'X-RateLimit-Limit', `${quota}`);
  fields.put('x-ratelimit-remaining', 'X-RateLimit-Remaining', `${least.remaining}`);
  fields.put('x-ratelimit-reset', 'X-RateLimit-Reset', `${seconds(least.resetMs)}`);
}

/** Retry-After (RFC 9110 section 10.2.3) of a refusal. */
export function putRetryAfter(fields: Fields, decision: Decision): void {
  fields.put('retry-after', 'Retry-After', `${secondsToWait(waitOf(decision))}`);
}

/**
 * Seconds until all is there again, where something is left; otherwise until the request would be let through, because Retry-After SHOULD
 * NOT be earlier (draft-ietf-httpapi-ratelimit-headers-10, section 5).
 */
function windowEnd({ admitted, resetMs, retryAfterMs }: Charge): number {
  return admitted ? seconds(resetMs) : secondsToWait(retryAfterMs);
}

function secondsToWait(ms: number): number {
  return Math.max(1, seconds(ms));
}

/** Milliseconds until every limit has room for the request, as far as is known. */
export function waitOf({ charges }: Decision): number {
  let waitMs = 0;
  for (const charge of charges) if (!charge.admitted) waitMs = Math.max(waitMs, charge.retryAfterMs);
  return waitMs;
}

function policyItem({ name, quota, windowMs }: CompiledLimit): string {
  return windowMs > 0
    ? `"${name}";q=${quota};w=${windowMs / 1000}`
    : `"${name}";q=${quota};qu="concurrent-requests"`;
}

/** Rounded up: whoever comes back then is not too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
