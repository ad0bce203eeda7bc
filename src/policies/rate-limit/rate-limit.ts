import type { Answer, Exchange, PolicyHooks } from '../../policy/contract.ts';
import { giveBackTaken, heldBy, hold, letGo } from '../../policy/held.ts';
import { MAX_COST } from '../../state/exactness.ts';
import type { Charge, Decision, IfFull, Limit, Limiter, Verdict } from '../../state/limiter.ts';
import type { OnFailure } from '../../state/limiters.ts';
import type { Companion } from '../../state/redis/companion.ts';
import { CountingUse } from '../counting-use.ts';
import { putLegacyFields, putRetryAfter, StandardFields } from './fields.ts';
import type { CompiledLimit } from './limits.ts';
import type { RateLimitOptions } from './schema.ts';
import { Taking, type TakingOwner } from './taking.ts';
import { WaitingLines } from './waiting-lines.ts';

export interface RateLimitPlace {
  readonly limits: readonly CompiledLimit[];
  readonly limiter: Limiter;
  /** What becomes of requests that nobody can decide about. */
  readonly onFailure: OnFailure;
  /** The limiter is not used any more. */
  readonly release: () => void;
  /** What was taken may be given back. */
  readonly givesBack?: boolean;
  readonly count: (event: 'limited' | 'shadow_limited' | 'delayed' | 'unavailable') => void;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

export const LIMITS_UNAVAILABLE: Answer = {
  status: 503,
  code: 'limits_unavailable',
  detail: 'Whether the request is within its limits cannot be told now.',
};

const UNITS = /^\d+$/;
/** So many are kept to be used again. Keys are parts of the heads of requests: what a burst needed besides would keep those alive for good. */
const MAX_UNUSED = 256;

export class RateLimit extends CountingUse implements PolicyHooks, TakingOwner {
  /** There only where something is kept of a request until it has ended. */
  readonly onEnd?: (exchange: Exchange) => void;
  /** There only where what the answer tells is not known for good once the request is decided about. */
  readonly onResponse?: (exchange: Exchange) => void;
  /** There only where the service says what a request cost. */
  readonly onUpstreamResponse?: (exchange: Exchange) => void;
  readonly #place: RateLimitPlace;
  readonly #settings: readonly Limit[];
  readonly #cost: number;
  readonly #shadow: boolean;
  readonly #standard: StandardFields | undefined;
  readonly #legacy: boolean;
  readonly #lines: WaitingLines | undefined;
  readonly #ifFull: IfFull;
  readonly #unused: Taking[] = [];
  /** The answer for each set of limits that refused: bits of their places. */
  readonly #answers = new Map<number, Answer>();

  constructor(options: RateLimitOptions, place: RateLimitPlace) {
    super();
    this.#place = place;
    this.#settings = place.limits.map(({ limit }) => limit);
    const { cost, delay, headers, shadow } = options;
    this.#cost = typeof cost === 'number' ? cost : cost.default;
    this.#shadow = shadow;
    this.#ifFull = delay !== undefined ? 'wait' : shadow ? 'pass' : 'refuse';
    const isTold = place.limits.length > 0 && !shadow;
    this.#standard = headers.includes('standard') && isTold ? new StandardFields(place.limits) : undefined;
    this.#legacy = headers.includes('legacy') && isTold;
    this.#lines =
      delay === undefined
        ? undefined
        : new WaitingLines({ maxMs: delay.max, places: delay.queue, nowMs: place.nowMs });
    if (typeof cost !== 'number')
      this.onUpstreamResponse = (exchange) => this.#correct(exchange, cost.header);
    // The old fields take the place of those that the service sent.
    const tellsLate = typeof cost !== 'number' || place.givesBack === true || this.#legacy;
    if (tellsLate) this.onResponse = (exchange) => this.#tellLate(exchange);
    const isKept =
      tellsLate ||
      delay !== undefined ||
      !place.limiter.isInstant ||
      this.#settings.some(({ algorithm }) => algorithm === 'concurrency');
    if (isKept) this.onEnd = (exchange) => this.#end(exchange);
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    return this.take(exchange, undefined);
  }

  /** `along` is what is taken with the limits or not at all, where the limiter takes in turn. Nothing waits then. */
  take(exchange: Exchange, along: Companion | undefined): Answer | undefined | Promise<Answer | undefined> {
    if (this.limiter.takeInTurn !== undefined) {
      const ahead = heldBy<Taking>(exchange, this);
      if (ahead !== undefined) {
        ahead.isAhead = false;
        return this.#decideOrDelay(exchange, ahead, ahead.verdict as Verdict);
      }
    }
    const taking = this.#unused.pop() ?? this.#make();
    if (!this.#identify(taking, exchange) && along === undefined) {
      this.#unused.push(taking);
      return undefined;
    }
    if (this.onEnd === undefined) {
      const answer = this.#decide(exchange, taking, taking.decision.take() as Verdict);
      this.#recycle(taking);
      return answer;
    }
    hold(exchange, taking);
    const lines = this.#lines;
    if (lines !== undefined && !lines.isEmpty) {
      const first = lines.first(lineOf(taking.decision));
      if (first !== undefined) {
        refuseAll(taking.decision, first);
        return this.#delay(exchange, taking, lines);
      }
    }
    if (along !== undefined || this.behind.length > 0) return this.#takeInTurn(exchange, taking, along);
    const verdict = taking.decision.take();
    return typeof verdict === 'string'
      ? this.#decideOrDelay(exchange, taking, verdict)
      : this.#decideLater(exchange, taking, verdict);
  }

  get limiter(): Limiter {
    return this.#place.limiter;
  }

  get counts(): readonly string[] {
    return this.#settings.map(({ id }) => id);
  }

  prepare(exchange: Exchange): Taking | 'skip' | 'stop' {
    return this.prepareWith(exchange, undefined);
  }

  prepareWith(exchange: Exchange, along: Companion | undefined): Taking | 'skip' | 'stop' {
    const taking = this.#unused.pop() ?? this.#make();
    const isCounted = this.#identify(taking, exchange) || along !== undefined;
    // Others wait for the same: it has its turn after them.
    const waits = this.#lines?.first(lineOf(taking.decision)) !== undefined;
    if (!isCounted || waits) {
      this.#unused.push(taking);
      return isCounted ? 'stop' : 'skip';
    }
    hold(exchange, taking);
    taking.along = along;
    taking.isPending = true;
    return taking;
  }

  settle(exchange: Exchange, taking: Taking): void {
    taking.isPending = false;
    const isHere = heldBy(exchange, this) === taking;
    if (isHere && taking.verdict !== undefined) {
      taking.isAhead = true;
      return;
    }
    if (isHere) letGo(exchange, taking);
    this.#recycle(taking);
  }

  giveBack(taking: Taking): void {
    if (!taking.isTaken) return;
    taking.isTaken = false;
    taking.decision.correct(-this.#cost);
  }

  close(): void {
    this.#place.release();
  }

  #end(exchange: Exchange): void {
    const taking = heldBy<Taking>(exchange, this);
    if (taking === undefined) return;
    letGo(exchange, taking);
    if (!taking.isPending) this.#recycle(taking);
    // A client that left is not waited for; what it waited with is used again when nobody is asked about it any more.
    else if (taking.line !== '') this.#lines?.leave(taking.line, taking.decision);
  }

  /** Of what is decided now, unless it may turn out to be otherwise. */
  #tell(exchange: Exchange, taking: Taking): void {
    if (this.onResponse !== undefined) return;
    if (this.#standard !== undefined) this.#standard.add(exchange.answerFields, taking.decision);
    if (taking.isRefused) putRetryAfter(exchange.answerFields, taking.decision);
  }

  #tellLate(exchange: Exchange): void {
    const taking = heldBy<Taking>(exchange, this);
    // Until it is decided, what stands in the decision is of the request that had it before.
    if (taking === undefined || taking.isUnknown || taking.isPending || taking.isAhead) return;
    const { fields } = exchange.response;
    this.#standard?.add(fields, taking.decision);
    if (this.#legacy) putLegacyFields(fields, taking.decision, this.#place.limits);
    if (taking.isRefused) putRetryAfter(fields, taking.decision);
  }

  #make(): Taking {
    const decision = this.#place.limiter.decision(this.#settings);
    for (const [i, { hasCost }] of this.#place.limits.entries())
      if (hasCost) (decision.charges[i] as Charge).cost = this.#cost;
    return new Taking(this, decision, this.#ifFull);
  }

  /** Whether there is anybody to count. */
  #identify({ decision }: Taking, exchange: Exchange): boolean {
    const { limits } = this.#place;
    let known = false;
    for (let i = 0; i < limits.length; i++) {
      const key = (limits[i] as CompiledLimit).keyOf(exchange);
      (decision.charges[i] as Charge).key = key;
      if (key !== '') known = true;
    }
    return known;
  }

  #decideOrDelay(
    exchange: Exchange,
    taking: Taking,
    verdict: Verdict,
  ): Answer | undefined | Promise<Answer | undefined> {
    return verdict === 'refused' && this.#lines !== undefined
      ? this.#delay(exchange, taking, this.#lines)
      : this.#decide(exchange, taking, verdict);
  }

  #decide(exchange: Exchange, taking: Taking, verdict: Verdict): Answer | undefined {
    if (verdict === 'unavailable') return this.#goOnWithout(exchange, taking);
    if (verdict === 'refused') return this.#refuse(exchange, taking);
    taking.isTaken = true;
    this.#tell(exchange, taking);
    return undefined;
  }

  async #decideLater(
    exchange: Exchange,
    taking: Taking,
    pending: Promise<Verdict>,
  ): Promise<Answer | undefined> {
    taking.isPending = true;
    const verdict = await pending;
    taking.isPending = false;
    return this.#isGone(exchange, taking) ? undefined : this.#decideOrDelay(exchange, taking, verdict);
  }

  /** Asks for the uses behind this one, too, in the same question. */
  async #takeInTurn(
    exchange: Exchange,
    taking: Taking,
    along: Companion | undefined,
  ): Promise<Answer | undefined> {
    const turns = [taking];
    const others: CountingUse[] = [];
    taking.along = along;
    taking.isPending = true;
    for (const use of this.behind) {
      const turn = use.prepare(exchange);
      if (turn === 'stop') break;
      if (turn === 'skip') continue;
      turns.push(turn);
      others.push(use);
    }
    await this.limiter.takeInTurn?.(turns);
    taking.isPending = false;
    for (const [i, use] of others.entries()) use.settle(exchange, turns[i + 1] as Taking);
    return this.#isGone(exchange, taking)
      ? undefined
      : this.#decideOrDelay(exchange, taking, taking.verdict as Verdict);
  }

  #delay(
    exchange: Exchange,
    taking: Taking,
    lines: WaitingLines,
  ): Answer | undefined | Promise<Answer | undefined> {
    taking.line = lineOf(taking.decision);
    const pending = lines.wait(taking.line, taking.decision);
    if (pending === undefined) return this.#refuse(exchange, taking);
    this.#place.count('delayed');
    return this.#answerWaiting(exchange, taking, pending);
  }

  async #answerWaiting(
    exchange: Exchange,
    taking: Taking,
    pending: Promise<Verdict>,
  ): Promise<Answer | undefined> {
    taking.isPending = true;
    const verdict = await pending;
    taking.isPending = false;
    return this.#isGone(exchange, taking) ? undefined : this.#decide(exchange, taking, verdict);
  }

  #goOnWithout(exchange: Exchange, taking: Taking): Answer | undefined {
    taking.isUnknown = true;
    this.#place.count('unavailable');
    if (this.#place.onFailure !== 'closed' || this.#shadow) return undefined;
    giveBackTaken(exchange);
    return LIMITS_UNAVAILABLE;
  }

  /** Whether the request ended while it was decided; what it took then is let go of. */
  #isGone(exchange: Exchange, taking: Taking): boolean {
    if (heldBy(exchange, this) === taking) return false;
    this.#recycle(taking);
    return true;
  }

  #refuse(exchange: Exchange, taking: Taking): Answer | undefined {
    if (this.#shadow) {
      this.#place.count('shadow_limited');
      return undefined;
    }
    taking.isRefused = true;
    giveBackTaken(exchange);
    this.#place.count('limited');
    this.#tell(exchange, taking);
    const { charges } = taking.decision;
    let refused = 0;
    for (let i = 0; i < charges.length; i++) if (!(charges[i] as Charge).admitted) refused |= 1 << i;
    let answer = this.#answers.get(refused);
    if (answer === undefined) {
      answer = this.#answerFor(refused);
      this.#answers.set(refused, answer);
    }
    return answer;
  }

  #answerFor(refused: number): Answer {
    const violated = this.#place.limits.filter((_, i) => (refused & (1 << i)) !== 0).map(({ name }) => name);
    return {
      status: 429,
      code: 'rate_limited',
      detail: 'There were more requests than are allowed here.',
      problem: { 'violated-policies': violated },
    };
  }

  #correct(exchange: Exchange, header: string): void {
    const taking = heldBy<Taking>(exchange, this);
    const units = exchange.response.fields.get(header);
    if (taking?.isTaken !== true || units === undefined || !UNITS.test(units)) return;
    const more = Math.min(Number(units), MAX_COST) - this.#cost;
    if (more !== 0) taking.decision.correct(more);
  }

  #recycle(taking: Taking): void {
    taking.decision.release();
    taking.clear();
    if (this.#unused.length < MAX_UNUSED) this.#unused.push(taking);
  }
}

/** What stands in a decision that nobody is asked about because others wait before it: there is no room before there is for the first. */
function refuseAll({ charges }: Decision, first: Decision): void {
  for (let i = 0; i < charges.length; i++) {
    const charge = charges[i] as Charge;
    const { resetMs, retryAfterMs } = first.charges[i] as Charge;
    charge.admitted = charge.key === '';
    charge.remaining = 0;
    charge.resetMs = resetMs;
    charge.retryAfterMs = retryAfterMs;
  }
}

/** Those with the same keys wait in one line. */
function lineOf({ charges }: Decision): string {
  let line = '';
  for (const { key } of charges) line += `${key.length}:${key}`;
  return line;
}
