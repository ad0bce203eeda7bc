import type { Answer } from '../policy/contract.ts';
import { answerOfPolicy, fail, failPolicy } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { type BodyFault, WholeBody, type WholeBodyOwner } from './whole-body.ts';

/** Who goes on with the answer, from within the call that gave the last octet or later by itself. */
export interface CheckedAnswer {
  /** It may be sent: first what came until now, then what follows, if anything does. */
  onPassed(octets: Buffer): void;
}

/** Collects the body of an upstream's answer and shows it to the policies that want it, before the client gets any of it. */
export class AnswerBodyCheck implements WholeBodyOwner {
  readonly #exchange: Exchange;
  readonly #body: WholeBody;
  readonly #relay: CheckedAnswer;
  readonly watches = false;

  constructor(exchange: Exchange, relay: CheckedAnswer) {
    this.#exchange = exchange;
    this.#body = new WholeBody(exchange.route.policies.responseBodyBounds, exchange, this);
    this.#relay = relay;
  }

  start(): void {
    const { response } = this.#exchange;
    const fault = this.#body.open(response.fields, response.contentLength);
    if (fault !== undefined) this.onFault(fault);
  }

  /** False when the answer is settled, and this piece was not taken any more. */
  add(data: Buffer, from: number, to: number): boolean {
    return this.#body.add(data, from, to);
  }

  end(): void {
    this.#body.end();
  }

  cancel(): void {
    this.#body.cancel();
  }

  onPart(): void {}

  onContent(content: Buffer): void {
    const exchange = this.#exchange;
    if (exchange.ended || exchange.answered) return;
    this.#show(content);
    exchange.downstream.flush();
  }

  #show(content: Buffer): void {
    const exchange = this.#exchange;
    const entries = exchange.route.policies.onResponseBody;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      let result: Answer | undefined | void;
      try {
        result = entry.hooks.onResponseBody(exchange, content);
      } catch (error) {
        return failPolicy(exchange, entry.name, error);
      }
      if (result !== undefined) return answerOfPolicy(exchange, entry.name, result);
    }
    this.#relay.onPassed(this.#body.octets);
  }

  onFault(fault: BodyFault): void {
    const exchange = this.#exchange;
    if (exchange.ended || exchange.answered) return;
    if (exchange.route.policies.responseBodyBounds.unchecked === 'pass') {
      this.#relay.onPassed(this.#body.octets);
    } else {
      exchange.error = `${exchange.targetName}: the body of its answer cannot be checked: ${FAULTS[fault]}`;
      fail(exchange, 'upstream_invalid');
    }
    exchange.downstream.flush();
  }
}

const FAULTS: Readonly<Record<BodyFault, string>> = {
  too_large: 'it is too large',
  no_memory: 'there is no memory left for it',
  malformed: 'it is not what its Content-Encoding says',
  unknown_coding: 'its Content-Encoding is not known',
};
