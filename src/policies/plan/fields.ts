import type { Fields } from '../../http/fields.ts';
import { PERS, type QuotaCharge, type QuotaTaking } from '../../state/quota/quota.ts';
import type { PlanQuota } from './plans.ts';

/** RateLimit-Policy and RateLimit, as of `rate-limit`: one item for each quota, called `day` or `month`. */
export function putQuotaFields(fields: Fields, { charges }: QuotaTaking, nowMs: number): void {
  let policies = '';
  let left = '';
  for (let i = 0; i < charges.length; i++) {
    const { limit, period, used } = charges[i] as QuotaCharge;
    if (limit === 0) continue;
    const separator = policies === '' ? '' : ', ';
    policies += `${separator}"${PERS[i]}";q=${limit};w=${seconds(period.endMs - period.startMs)}`;
    left += `${separator}"${PERS[i]}";r=${Math.max(0, limit - used)};t=${seconds(Math.max(0, period.endMs - nowMs))}`;
  }
  fields.push('ratelimit-policy', 'RateLimit-Policy', policies);
  fields.push('ratelimit', 'RateLimit', left);
}

/** X-Quota-Warning, where a soft limit is reached. */
export function putWarning(fields: Fields, { charges }: QuotaTaking, quotas: readonly PlanQuota[]): void {
  for (let i = 0; i < charges.length; i++) {
    const { limit, used } = charges[i] as QuotaCharge;
    if (limit > 0 && used >= (quotas[i] as PlanQuota).softAt)
      fields.push('x-quota-warning', 'X-Quota-Warning', `"${PERS[i]}";used=${used};limit=${limit}`);
  }
}

/** Retry-After, when the last of the periods that are used up ends. */
export function putQuotaRetryAfter(fields: Fields, { charges }: QuotaTaking, nowMs: number): void {
  let endMs = nowMs;
  for (const charge of charges)
    if (charge.limit > 0 && !charge.admitted) endMs = Math.max(endMs, charge.period.endMs);
  fields.put('retry-after', 'Retry-After', `${Math.max(1, seconds(endMs - nowMs))}`);
}

/** Rounded up: whoever comes back then is not too early. */
function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}
