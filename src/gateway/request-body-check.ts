import type { Answer } from '../policy/contract.ts';
import { answerOfPolicy, failPolicy } from './answer.ts';
import { BodyCollector } from './body-collector.ts';
import type { Exchange } from './exchange.ts';
import { HeldBody } from './held-body.ts';

/** Collects the body of a request, shows it to the policies that want it, and goes on with the request if none of them answers. */
export class RequestBodyCheck extends BodyCollector {
  readonly #goOn: (exchange: Exchange) => void;

  constructor(exchange: Exchange, goOn: (exchange: Exchange) => void) {
    super(exchange, exchange.route.policies.requestBodyBounds);
    this.#goOn = goOn;
  }

  override get watches(): boolean {
    return this.exchange.route.policies.onRequestBodyPart.length > 0;
  }

  protected override see(content: Buffer): boolean {
    const { exchange } = this;
    const entries = exchange.route.policies.onRequestBodyPart;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      try {
        const result = entry.hooks.onRequestBodyPart(exchange, content);
        if (result === undefined) continue;
        answerOfPolicy(exchange, entry.name, result);
      } catch (error) {
        failPolicy(exchange, entry.name, error);
      }
      return true;
    }
    return false;
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
    // A policy may have put another one in its place.
    if (exchange.bodySource === exchange.downstream) {
      exchange.request.bodyLength = octets.length;
      exchange.request.expectContinue = false;
      exchange.bodySource = new HeldBody(exchange, octets);
    }
    this.#goOn(exchange);
  }
}
