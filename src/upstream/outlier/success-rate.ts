import type { OutlierSettings } from './schema.ts';

/** Of one target, in one interval. */
export interface Rate {
  readonly requests: number;
  readonly successes: number;
}

export interface LowRate {
  /** Which of the rates. */
  readonly index: number;
  readonly rule: 'success-rate' | 'failure-percentage';
}

/** The targets that fail more than the others, and then those that fail more than is bearable, each once. */
export function lowSuccessRates(
  rates: readonly Rate[],
  settings: Pick<OutlierSettings, 'successRate' | 'failurePercentage'>,
): LowRate[] {
  const low = new Map<number, LowRate['rule']>();
  for (const index of belowTheOthers(rates, settings.successRate)) low.set(index, 'success-rate');
  for (const index of failingTooOften(rates, settings.failurePercentage))
    if (!low.has(index)) low.set(index, 'failure-percentage');
  return Array.from(low, ([index, rule]) => ({ index, rule }));
}

/** Below the mean of all by more than so many standard deviations (of the population, as Envoy has it). */
function belowTheOthers(rates: readonly Rate[], rule: OutlierSettings['successRate']): number[] {
  if (rule === false) return [];
  const judged = enoughRequests(rates, rule.requests);
  if (judged.length < rule.minTargets) return [];
  const mean = judged.reduce((sum, { rate }) => sum + rate, 0) / judged.length;
  const variance = judged.reduce((sum, { rate }) => sum + (rate - mean) ** 2, 0) / judged.length;
  const threshold = mean - rule.deviations * Math.sqrt(variance);
  return judged.filter(({ rate }) => rate < threshold).map(({ index }) => index);
}

function failingTooOften(rates: readonly Rate[], rule: OutlierSettings['failurePercentage']): number[] {
  if (rule === undefined) return [];
  const judged = enoughRequests(rates, rule.requests);
  if (judged.length < rule.minTargets) return [];
  return judged.filter(({ rate }) => (1 - rate) * 100 >= rule.threshold).map(({ index }) => index);
}

function enoughRequests(rates: readonly Rate[], requests: number): { index: number; rate: number }[] {
  return rates
    .map((rate, index) => ({ index, requests: rate.requests, rate: rate.successes / rate.requests }))
    .filter((rate) => rate.requests >= requests);
}
