import type { Answer } from '../policy/contract.ts';
import { answerOfPolicy, failPolicy } from './answer.ts';
import { BodyCollector } from './body-collector.ts';
import type { RequestBodySource } from './downstream.ts';
import type { Exchange } from './exchange.ts';

/** Collects the body of a request, shows it to the policies that want it, and goes on with the request if none of them answers. */
export class RequestBodyCheck extends BodyCollector {
  readonly #goOn: (exchange: Exchange) => void;

  constructor(exchange: Exchange, goOn: (exchange: Exchange) => void) {
    super(exchange, exchange.route.policies.requestBodyBounds);
    this.#goOn = goOn;
  }

  protected override take(content: Buffer, octets: Buffer): void {
    const { exchange } = this;
    const entries = exchange.route.policies.onRequestBody;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      let result: Answer | undefined | void;
      try {
        result = entry.hooks.onRequestBody(exchange, content, octets);
      } catch (error) {
        return failPolicy(exchange, entry.name, error);
      }
      if (result !== undefined) return answerOfPolicy(exchange, entry.name, result);
    }
    exchange.request.bodyLength = octets.length;
    exchange.request.expectContinue = false;
    exchange.bodySource = new HeldBody(exchange, octets);
    this.#goOn(exchange);
  }
}

/** A body in memory, given at once to whoever sends it on. */
class HeldBody implements RequestBodySource {
  readonly #exchange: Exchange;
  readonly #octets: Buffer;
  #given = false;

  constructor(exchange: Exchange, octets: Buffer) {
    this.#exchange = exchange;
    this.#octets = octets;
  }

  readBody(): void {
    const octets = this.#octets;
    const sink = this.#exchange.bodySink;
    if (this.#given || sink === undefined) return;
    this.#given = true;
    sink.requestBody(octets, 0, octets.length);
    if (this.#exchange.bodySink === sink) sink.requestBodyEnd(undefined);
  }

  /** There is nobody to be slowed down. */
  pauseBody(): void {}

  rewindBody(): boolean {
    this.#given = false;
    return true;
  }
}
