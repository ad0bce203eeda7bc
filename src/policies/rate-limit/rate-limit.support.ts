import { exchangeFor, type RequestDescription, type TestExchange } from '../../../test/support/exchange.ts';
import type { Answer } from '../../policy/contract.ts';
import type { Limiter } from '../../state/limiter.ts';
import type { OnFailure } from '../../state/limiters.ts';
import { LimitPlay } from '../../state/shared/limiter.support.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { compileLimits } from './limits.ts';
import { RateLimit } from './rate-limit.ts';
import { rateLimitSchema } from './schema.ts';

type Place = Partial<
  Pick<BuiltinContext, 'route' | 'service' | 'global' | 'organization' | 'isCountedAgain'>
>;

/** Uses of the policy over one table, on a clock that a test moves. */
export class PolicyPlay {
  readonly limits = new LimitPlay();
  /** What was counted, in order. */
  readonly events: string[] = [];

  policy(
    options: object,
    place: Place = {},
    limiter: Limiter = this.limits.limiter(),
    onFailure: OnFailure = 'open',
  ): RateLimit {
    const parsed = rateLimitSchema.parse(options);
    return new RateLimit(parsed, {
      limits: compileLimits(parsed, { route: 'route-1', service: undefined, global: false, ...place }),
      limiter,
      givesBack: place.isCountedAgain === true,
      onFailure,
      release: () => {},
      count: (event) => this.events.push(event),
      nowMs: () => this.limits.nowMs,
    });
  }
}

/** What came of one request: the policy's answer, if it gave one, and the fields of the answer that was sent. */
export interface Outcome {
  readonly answer: Answer | undefined;
  readonly lines: readonly string[];
  readonly exchange: TestExchange;
}

/** Lets a request through a policy that answers at once, up to the answer's fields; it has not ended yet. */
export function begin(policy: RateLimit, request: RequestDescription = {}, notes: object = {}): Outcome {
  const exchange = exchangeFor(request);
  for (const [name, value] of Object.entries(notes)) exchange.notes.set(name, value);
  const answer = policy.onRequest(exchange);
  if (answer instanceof Promise) throw new Error('the request has to wait');
  exchange.response.status = answer?.status ?? 200;
  answered(policy, exchange);
  return { answer, lines: exchange.responseLines, exchange };
}

/** An answer is sent. */
export function answered(policy: RateLimit, exchange: TestExchange): void {
  exchange.response.fields.pushAll(exchange.answerFields);
  policy.onResponse?.(exchange);
}

export function send(policy: RateLimit, request: RequestDescription = {}, notes: object = {}): Outcome {
  const outcome = begin(policy, request, notes);
  policy.onEnd?.(outcome.exchange);
  return outcome;
}

/** How many of `count` such requests are let through. */
export function admitted(
  policy: RateLimit,
  count: number,
  request: RequestDescription = {},
  notes: object = {},
): number {
  let through = 0;
  for (let i = 0; i < count; i++) if (send(policy, request, notes).answer === undefined) through++;
  return through;
}
