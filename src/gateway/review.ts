import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { copyOf } from '../lib/octets.ts';
import type { Answer } from '../policy/contract.ts';
import type { UpstreamFailure } from '../upstream/failure.ts';
import { failPolicy, isPending } from './answer.ts';
import type { AnswerReceiver, Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';

export interface ReviewOwner {
  /** A policy has to be waited for. */
  onReviewPending(review: Review): void;
  /** The policies have looked at the answer: the request is to be sent again, or the answer goes on. */
  onReviewed(review: Review, again: boolean): void;
  /** A policy answers in the upstream's place. */
  onReplaced(review: Review, policy: string, answer: Answer): void;
}

/** Policies look at the head of an answer, and say whether the request is to be sent again in another way, or answer themselves. */
export class Review implements AnswerReceiver {
  readonly attempt: Attempt;
  readonly head: ResponseHead;
  readonly #exchange: Exchange;
  readonly #owner: ReviewOwner;
  #pending = false;
  #stopped = false;
  /** What came of the answer while a policy made up its mind: as much as was read already. */
  readonly #pieces: (Buffer | { readonly trailers: Fields | undefined })[] = [];
  #failure: UpstreamFailure | undefined;

  constructor(exchange: Exchange, attempt: Attempt, head: ResponseHead, owner: ReviewOwner) {
    this.#exchange = exchange;
    this.attempt = attempt;
    this.head = head;
    this.#owner = owner;
  }

  start(): void {
    this.#ask(0);
  }

  /** Nobody waits for it any more. */
  stop(): void {
    this.#stopped = true;
  }

  #ask(from: number): void {
    const entries = this.#exchange.route.policies.retryWith;
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      let result: ReturnType<typeof entry.hooks.retryWith>;
      try {
        result = entry.hooks.retryWith(this.#exchange, this.head.status);
      } catch (error) {
        return failPolicy(this.#exchange, entry.name, error);
      }
      if (isPending(result)) {
        void this.#await(i, entry.name, result);
        return;
      }
      if (result) return this.#conclude(entry.name, result);
    }
    this.#owner.onReviewed(this, false);
  }

  #conclude(policy: string, verdict: true | Answer): void {
    if (typeof verdict === 'object') this.#owner.onReplaced(this, policy, verdict);
    else this.#owner.onReviewed(this, true);
  }

  async #await(at: number, policy: string, verdict: PromiseLike<boolean | Answer>): Promise<void> {
    const exchange = this.#exchange;
    if (!this.#pending) {
      this.#pending = true;
      this.attempt.accept(this);
      this.attempt.connection?.pause();
      this.#owner.onReviewPending(this);
    }
    try {
      const settled = await verdict;
      if (this.#stopped) return;
      if (settled) this.#conclude(policy, settled);
      else this.#ask(at + 1);
    } catch (error) {
      if (!this.#stopped) failPolicy(exchange, policy, error);
    }
    exchange.forward?.flush();
    exchange.downstream.flush();
  }

  onBody(data: Buffer, from: number, to: number): void {
    this.#pieces.push(copyOf(data, from, to));
  }

  onBodyEnd(trailers: Fields | undefined): void {
    this.#pieces.push({ trailers });
  }

  /** It switches to nothing: it would not be looked at. */
  onTunnelEnd(): void {}

  /** The answer broke off. */
  fail(failure: UpstreamFailure): void {
    this.#failure = failure;
  }

  /** Gives what came of the answer meanwhile to whoever takes it now. Returns how it broke off, if it did. */
  release(receiver: AnswerReceiver): UpstreamFailure | undefined {
    for (const piece of this.#pieces) {
      if (Buffer.isBuffer(piece)) receiver.onBody(piece, 0, piece.length);
      else receiver.onBodyEnd(piece.trailers);
    }
    return this.#failure;
  }
}
