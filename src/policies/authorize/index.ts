import { clockMs } from '../../lib/clock.ts';
import { messageOf } from '../../lib/message-of.ts';
import {
  type Answer,
  definePolicy,
  type Exchange,
  type PolicyContext,
  type PolicyHooks,
} from '../../policy/contract.ts';
import { authenticated } from '../../policy/principal.ts';
import { FORBIDDEN, unauthenticated } from '../refusals.ts';
import { Rule } from './rule.ts';
import { type AuthorizeOptions, authorizeSchema, type Requirement, type Right } from './schema.ts';

/** An expression that fails is told of so often at most: each request may make it fail. */
const WARN_EVERY_MS = 10_000;

export const authorizePolicy = definePolicy({
  name: 'authorize',
  stage: 'authorization',
  unique: true,
  schema: authorizeSchema,
  create: (options, context): PolicyHooks => new Authorization(options, context),
});

/** Whether a caller may do what the request asks for. */
class Authorization implements PolicyHooks {
  /** For every method. */
  readonly #base: Rule | Word;
  /** By method, on top; undefined: methods make no difference. */
  readonly #methods: ReadonlyMap<string, Rule | Word> | undefined;
  readonly #others: Rule | Word;
  readonly #context: PolicyContext;
  #warnedMs = Number.NEGATIVE_INFINITY;

  constructor({ methods, default: fallback, ...requirement }: AuthorizeOptions, context: PolicyContext) {
    this.#context = context;
    const makeRule = (one: Requirement) => new Rule(one, (cause) => this.#tell(cause));
    const make = (right: Right) => (typeof right === 'string' ? right : makeRule(right));
    const isStated = Object.values(requirement).some((one) => one !== undefined);
    this.#base = isStated ? makeRule(requirement) : (fallback ?? 'allow');
    this.#methods =
      methods && new Map(Object.entries(methods).map(([method, right]) => [method, make(right)]));
    this.#others = this.#methods?.get('*') ?? 'deny';
  }

  onRequest(exchange: Exchange): Answer | undefined {
    const refusal = this.#refusal(this.#base, exchange);
    if (refusal !== undefined || this.#methods === undefined) return refusal;
    return this.#refusal(this.#rightOf(exchange.request.method, this.#methods), exchange);
  }

  #rightOf(method: string, methods: ReadonlyMap<string, Rule | Word>): Rule | Word {
    const right = methods.get(method) ?? (method === 'HEAD' ? methods.get('GET') : undefined);
    if (right !== undefined) return right;
    // `delete` is another method than DELETE (RFC 9110 section 9.1), but not to every service.
    const folded = method.toUpperCase();
    return folded !== method && (methods.has(folded) || folded === 'HEAD') ? 'deny' : this.#others;
  }

  #refusal(right: Rule | Word, exchange: Exchange): Answer | undefined {
    if (right === 'allow') return undefined;
    const principal = authenticated(exchange.principal);
    if (principal === undefined) return this.#refused('unauthenticated', unauthenticated(exchange));
    if (right === 'authenticated') return undefined;
    const answer = right === 'deny' ? FORBIDDEN : right.refusal(exchange, principal);
    return answer === undefined ? undefined : this.#refused(answer.code ?? '', answer);
  }

  #refused(event: string, answer: Answer): Answer {
    this.#context.count(event);
    return answer;
  }

  #tell(cause: unknown): void {
    this.#context.count('expression_failed');
    const now = clockMs();
    if (now - this.#warnedMs < WARN_EVERY_MS) return;
    this.#warnedMs = now;
    const reason = messageOf(cause);
    this.#context.warn(
      `authorize on route ${this.#context.route}: the expression failed, so the request is refused: ${reason}`,
    );
  }
}

type Word = 'allow' | 'authenticated' | 'deny';
