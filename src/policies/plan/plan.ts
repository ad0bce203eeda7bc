import type { Answer, Exchange, PolicyHooks } from '../../policy/contract.ts';
import { type Held, heldBy, hold, letGo } from '../../policy/held.ts';
import { authenticated } from '../../policy/principal.ts';
import type { Verdict } from '../../state/limiter.ts';
import { PERS, type QuotaCharge, type QuotaCompanion, type QuotaTaking } from '../../state/quota/quota.ts';
import type { HeldQuotas } from '../../state/quota/quotas.ts';
import { giveBackTaken, LIMITS_UNAVAILABLE } from '../rate-limit/rate-limit.ts';
import type { CompiledPlan } from './compiled-plan.ts';
import { putQuotaFields, putQuotaRetryAfter, putWarning } from './fields.ts';
import type { PlanQuota } from './plans.ts';
import type { PlanOptions } from './schema.ts';

export interface PlanPlace extends HeldQuotas {
  readonly plans: ReadonlyMap<string, CompiledPlan>;
  /** Name of the plan of a consumer who is known on the route. */
  readonly planOf: (consumer: string) => string | undefined;
  readonly count: (event: QuotaEvent) => void;
  readonly warn: (message: string) => void;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

type QuotaEvent = 'quota_exceeded' | 'soft_limit' | 'no_plan' | 'unavailable';

/** A request with a plan. One is used again when its request has ended. */
interface Holding extends Held {
  plan: CompiledPlan;
  readonly taking: QuotaTaking;
  /** What is known of the quotas; undefined before they are asked, and where they cannot be. */
  verdict: 'taken' | 'refused' | undefined;
  /** Not decided yet: whoever is asked still writes into it. */
  isPending: boolean;
}

const NO_PLAN: Answer = {
  status: 403,
  code: 'no_plan',
  detail: 'There is no plan for whoever sent this request.',
};

export class PlanHooks implements PolicyHooks {
  readonly #place: PlanPlace;
  readonly #refusesUnknown: boolean;
  readonly #unused: Holding[] = [];
  /** The answer for each set of quotas that is used up: bits of their places. */
  readonly #answers = new Map<number, Answer>();

  constructor({ unknown }: PlanOptions, place: PlanPlace) {
    this.#place = place;
    this.#refusesUnknown = unknown === 'refuse';
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const consumer = authenticated(exchange.principal)?.consumer ?? exchange.note('consumer');
    const plan =
      typeof consumer === 'string' && consumer !== '' ? this.#planOf(exchange, consumer) : undefined;
    if (plan === undefined) return this.#goOnUnknown();
    const holding = this.#hold(exchange, plan);
    holding.taking.consumer = consumer as string;
    const { rates } = plan;
    if (rates === undefined) return this.#takeQuotas(exchange, holding);
    // Rates first: what is over them costs nothing of the quotas. Where one decision is about both, it is so by itself.
    const along = plan.quotas !== undefined && rates.takesAlong ? holding.taking.companion : undefined;
    if (along !== undefined) {
      along.begin();
      this.#charge(holding);
    }
    const refused = rates.take(exchange, along);
    return refused instanceof Promise
      ? this.#afterRates(exchange, holding, along, refused)
      : (refused ?? this.#goOn(exchange, holding, along));
  }

  onResponse(exchange: Exchange): void {
    const holding = heldBy<Holding>(exchange, this);
    if (holding === undefined) return;
    const { plan, taking, verdict } = holding;
    plan.rates?.onResponse?.(exchange);
    if (verdict === undefined || plan.quotas === undefined) return;
    const { fields } = exchange.response;
    const nowMs = this.#place.nowMs();
    putQuotaFields(fields, taking, nowMs);
    if (verdict === 'refused') putQuotaRetryAfter(fields, taking, nowMs);
    else putWarning(fields, taking, plan.quotas);
  }

  onEnd(exchange: Exchange): void {
    const holding = heldBy<Holding>(exchange, this);
    if (holding === undefined) return;
    letGo(exchange, holding);
    holding.plan.rates?.onEnd?.(exchange);
    if (!holding.isPending) this.#unused.push(holding);
  }

  close(): void {
    for (const { rates } of this.#place.plans.values()) rates?.close();
    this.#place.release();
  }

  /** The plan that authentication names, else that of the consumer. */
  #planOf(exchange: Exchange, consumer: string): CompiledPlan | undefined {
    const named = exchange.note('plan');
    const name = typeof named === 'string' ? named : this.#place.planOf(consumer);
    return name === undefined ? undefined : this.#place.plans.get(name);
  }

  #goOnUnknown(): Answer | undefined {
    if (!this.#refusesUnknown) return undefined;
    this.#place.count('no_plan');
    return NO_PLAN;
  }

  #hold(exchange: Exchange, plan: CompiledPlan): Holding {
    const holding = this.#unused.pop() ?? {
      owner: this,
      next: undefined,
      plan,
      taking: this.#place.counter.taking(),
      verdict: undefined,
      isPending: false,
    };
    holding.plan = plan;
    holding.verdict = undefined;
    hold(exchange, holding);
    return holding;
  }

  async #afterRates(
    exchange: Exchange,
    holding: Holding,
    along: QuotaCompanion | undefined,
    pending: Promise<Answer | undefined>,
  ): Promise<Answer | undefined> {
    holding.isPending = true;
    const refused = await pending;
    holding.isPending = false;
    if (this.#isGone(exchange, holding)) return undefined;
    return refused ?? this.#goOn(exchange, holding, along);
  }

  /** The rates refuse nothing. */
  #goOn(
    exchange: Exchange,
    holding: Holding,
    along: QuotaCompanion | undefined,
  ): Answer | undefined | Promise<Answer | undefined> {
    const verdict = along?.verdict;
    // That nobody could be asked was told by the rates.
    if (verdict === 'unavailable') return undefined;
    return verdict === undefined
      ? this.#takeQuotas(exchange, holding)
      : this.#decide(exchange, holding, verdict);
  }

  /** What a request takes of each quota of its plan. */
  #charge({ plan, taking }: Holding): void {
    if (plan.quotas === undefined) return;
    taking.plan = plan.name;
    const nowMs = this.#place.nowMs();
    for (let i = 0; i < plan.quotas.length; i++) {
      const { limit, calendar } = plan.quotas[i] as PlanQuota;
      const charge = taking.charges[i] as QuotaCharge;
      charge.limit = limit;
      charge.period = calendar.at(nowMs);
    }
  }

  #takeQuotas(exchange: Exchange, holding: Holding): Answer | undefined | Promise<Answer | undefined> {
    const { plan, taking } = holding;
    if (plan.quotas === undefined) return undefined;
    this.#charge(holding);
    const verdict = taking.take();
    return typeof verdict === 'string'
      ? this.#decide(exchange, holding, verdict)
      : this.#decideLater(exchange, holding, verdict);
  }

  async #decideLater(
    exchange: Exchange,
    holding: Holding,
    pending: Promise<Verdict>,
  ): Promise<Answer | undefined> {
    holding.isPending = true;
    const verdict = await pending;
    holding.isPending = false;
    return this.#isGone(exchange, holding) ? undefined : this.#decide(exchange, holding, verdict);
  }

  #decide(exchange: Exchange, holding: Holding, verdict: Verdict): Answer | undefined {
    const { plan, taking } = holding;
    if (verdict === 'unavailable') {
      this.#place.count('unavailable');
      if (this.#place.onFailure === 'open') return undefined;
      giveBackTaken(exchange);
      return LIMITS_UNAVAILABLE;
    }
    holding.verdict = verdict;
    if (verdict === 'refused') {
      giveBackTaken(exchange);
      this.#place.count('quota_exceeded');
      return this.#answerFor(taking);
    }
    for (let i = 0; i < taking.charges.length; i++) {
      const charge = taking.charges[i] as QuotaCharge;
      // One of all requests of a period is the one that reaches it, in whichever worker or node.
      if (charge.limit > 0 && charge.used === plan.quotas?.[i]?.softAt) this.#tellSoft(holding, i);
    }
    return undefined;
  }

  #tellSoft({ plan, taking: { consumer, charges } }: Holding, which: number): void {
    const { used, limit } = charges[which] as QuotaCharge;
    this.#place.count('soft_limit');
    this.#place.warn(
      `consumer ${JSON.stringify(consumer)} has used ${used} of ${limit} requests a ${PERS[which]} of the plan ${plan.name}`,
    );
  }

  #answerFor({ charges }: QuotaTaking): Answer {
    let refused = 0;
    for (let i = 0; i < charges.length; i++) if (!(charges[i] as QuotaCharge).admitted) refused |= 1 << i;
    let answer = this.#answers.get(refused);
    if (answer === undefined) {
      answer = {
        status: 429,
        code: 'quota_exceeded',
        detail: 'The plan has no requests left in this period.',
        problem: { 'violated-policies': PERS.filter((_, i) => (refused & (1 << i)) !== 0) },
      };
      this.#answers.set(refused, answer);
    }
    return answer;
  }

  /** Whether the request ended while it was decided. What it took of its quotas stays taken. */
  #isGone(exchange: Exchange, holding: Holding): boolean {
    if (heldBy(exchange, this) === holding) return false;
    this.#unused.push(holding);
    return true;
  }
}
