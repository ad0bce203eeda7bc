import type { Answer, Exchange, PolicyHooks } from '../../policy/contract.ts';
import type { FaultOptions } from './schema.ts';

/** A request that is held back. */
interface Held {
  readonly timer: NodeJS.Timeout;
  readonly release: (answer: Answer | undefined) => void;
}

/** nginx's status for a connection that is closed without an answer; it stands in the log alone. */
const NO_ANSWER = 444;
const CODE = 'fault_injected';

/** Delay and abort are drawn each for itself, so that neither share depends on the other. */
export class Fault implements PolicyHooks {
  readonly #header: string | undefined;
  readonly #delayShare: number;
  readonly #delayMs: number;
  readonly #abortShare: number;
  readonly #answer: Answer;
  readonly #random: () => number;
  readonly #held = new Map<Exchange, Held>();

  /** `random` is in [0, 1). */
  constructor({ delay, abort, header }: FaultOptions, random: () => number) {
    this.#header = header;
    this.#delayShare = (delay?.percent ?? 0) / 100;
    this.#delayMs = delay?.time ?? 0;
    this.#abortShare = (abort?.percent ?? 0) / 100;
    this.#answer =
      abort?.reset === true
        ? { status: NO_ANSWER, code: CODE, disconnect: true }
        : { status: abort?.status ?? 503, code: CODE, detail: 'This failure was asked for, to test.' };
    this.#random = random;
  }

  onRequest(exchange: Exchange): Answer | undefined | Promise<Answer | undefined> {
    if (this.#header !== undefined && !exchange.request.fields.has(this.#header)) return undefined;
    const held = this.#random() < this.#delayShare;
    const answer = this.#random() < this.#abortShare ? this.#answer : undefined;
    return held ? this.#hold(exchange, answer) : answer;
  }

  #hold(exchange: Exchange, answer: Answer | undefined): Promise<Answer | undefined> {
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const timer = setTimeout(() => {
      this.#held.delete(exchange);
      resolve(answer);
    }, this.#delayMs);
    this.#held.set(exchange, { timer, release: resolve });
    return promise;
  }

  /** A client that left is not waited for. */
  onEnd(exchange: Exchange): void {
    const held = this.#held.get(exchange);
    if (held === undefined) return;
    clearTimeout(held.timer);
    this.#held.delete(exchange);
    held.release(undefined);
  }
}
