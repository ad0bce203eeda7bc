import type { Answer, Exchange, PolicyHooks } from '../../policy/contract.ts';
import { giveBackTaken, type Held, heldBy, hold, letGo } from '../../policy/held.ts';
import { authenticated } from '../../policy/principal.ts';
import type { Limiter, Verdict } from '../../state/limiter.ts';
import { PERS, type QuotaCharge, type QuotaCompanion, type QuotaTaking } from '../../state/quota/quota.ts';
import type { HeldQuotas } from '../../state/quota/quotas.ts';
import { CountingUse } from '../counting-use.ts';
import { LIMITS_UNAVAILABLE } from '../rate-limit/rate-limit.ts';
import type { Taking } from '../rate-limit/taking.ts';
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
class Holding implements Held {
  readonly owner: PlanHooks;
  next: Held | undefined;
  plan: CompiledPlan;
  readonly taking: QuotaTaking;
  /** What is known of the quotas; undefined before they are asked, and where they cannot be. */
  verdict: 'taken' | 'refused' | undefined;
  /** The request is counted. */
  isTaken = false;
  /** Not decided yet: whoever is asked still writes into it. */
  isPending = false;

  constructor(owner: PlanHooks, plan: CompiledPlan, taking: QuotaTaking) {
    this.owner = owner;
    this.plan = plan;
    this.taking = taking;
  }

  giveBack(): void {
    if (!this.isTaken) return;
    this.isTaken = false;
    this.taking.giveBack();
  }
}

const NO_PLAN: Answer = {
  status: 403,
  code: 'no_plan',
  detail: 'There is no plan for whoever sent this request.',
};

export class PlanHooks extends CountingUse implements PolicyHooks {
  readonly #place: PlanPlace;
  readonly #refusesUnknown: boolean;
  readonly #unused: Holding[] = [];
  /** The answer for each set of quotas that is used up: bits of their places. */
  readonly #answers = new Map<number, Answer>();

  constructor({ unknown }: PlanOptions, place: PlanPlace) {
    super();
    this.#place = place;
    this.#refusesUnknown = unknown === 'refuse';
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    const holding = heldBy<Holding>(exchange, this) ?? this.#begin(exchange);
    if (holding === undefined) return this.#goOnUnknown();
    const { rates } = holding.plan;
    if (rates === undefined) return this.#takeQuotas(exchange, holding);
    // Rates first: what is over them costs nothing of the quotas. Where one decision is about both, it is so by itself.
    const along = companionOf(holding);
    const refused = rates.take(exchange, along);
    return refused instanceof Promise
      ? this.#afterRates(exchange, holding, along, refused)
      : (refused ?? this.#goOn(exchange, holding, along));
  }

  get limiter(): Limiter | undefined {
    for (const { rates } of this.#place.plans.values()) if (rates !== undefined) return rates.limiter;
    return undefined;
  }

  get counts(): readonly string[] {
    return [...this.#place.plans.values()].flatMap(({ rates }) => rates?.counts ?? []);
  }

  override askFor(behind: readonly CountingUse[]): void {
    super.askFor(behind);
    for (const { rates } of this.#place.plans.values()) rates?.askFor(behind);
  }

  prepare(exchange: Exchange): Taking | 'skip' | 'stop' {
    const holding = this.#begin(exchange);
    if (holding === undefined) return this.#refusesUnknown ? 'stop' : 'skip';
    const { rates } = holding.plan;
    const prepared = rates?.prepareWith(exchange, companionOf(holding)) ?? 'skip';
    if (typeof prepared === 'string') this.#drop(exchange, holding);
    else holding.isPending = true;
    return prepared;
  }

  settle(exchange: Exchange, taking: Taking): void {
    const { along, verdict } = taking;
    taking.owner.settle(exchange, taking);
    const holding = heldBy<Holding>(exchange, this);
    // Where the request has ended, and another may be in its place, nobody uses it again.
    if (holding === undefined || holding.plan.rates !== taking.owner || companionOf(holding) !== along)
      return;
    holding.isPending = false;
    if (verdict === undefined) this.#drop(exchange, holding);
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

  /** undefined: whoever sent it has no plan. */
  #begin(exchange: Exchange): Holding | undefined {
    const consumer = authenticated(exchange.principal)?.consumer ?? exchange.note('consumer');
    const plan =
      typeof consumer === 'string' && consumer !== '' ? this.#planOf(exchange, consumer) : undefined;
    if (plan === undefined) return undefined;
    const holding = this.#unused.pop() ?? new Holding(this, plan, this.#place.counter.taking());
    holding.plan = plan;
    holding.verdict = undefined;
    holding.isTaken = false;
    holding.isPending = false;
    holding.taking.consumer = consumer as string;
    hold(exchange, holding);
    const along = companionOf(holding);
    if (along !== undefined) {
      along.begin();
      this.#charge(holding);
    }
    return holding;
  }

  #drop(exchange: Exchange, holding: Holding): void {
    letGo(exchange, holding);
    this.#unused.push(holding);
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
      : this.#decide(exchange, holding, verdict, along?.isTaken);
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

  /** It is not taken where a use behind refuses, which was asked about in the same question. */
  #decide(
    exchange: Exchange,
    holding: Holding,
    verdict: Verdict,
    isTaken = verdict === 'taken',
  ): Answer | undefined {
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
    holding.isTaken = isTaken;
    if (!isTaken) return undefined;
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

/** There where limits and quotas are asked about in one question. */
function companionOf({ plan: { quotas, rates }, taking }: Holding): QuotaCompanion | undefined {
  return quotas !== undefined && rates?.limiter.takeInTurn !== undefined ? taking.companion : undefined;
}
