import type { Answer } from '../policy/contract.ts';
import { answerOfPolicy, failPolicy, refuse } from './answer.ts';
import type { RequestBodySink, RequestBodySource } from './downstream.ts';
import type { Cancellable, Exchange } from './exchange.ts';
import { type BodyFault, WholeBody, type WholeBodyOwner } from './whole-body.ts';

/** Collects the body of a request, shows it to the policies that want it, and goes on with the request if none of them answers. */
export class RequestBodyCheck implements RequestBodySink, Cancellable, WholeBodyOwner {
  readonly #exchange: Exchange;
  readonly #body: WholeBody;
  readonly #goOn: (exchange: Exchange) => void;
  /** All of it came; what follows comes from another event than the client's. */
  #waits = false;

  constructor(exchange: Exchange, goOn: (exchange: Exchange) => void) {
    this.#exchange = exchange;
    this.#body = new WholeBody(exchange.route.policies.requestBodyBounds, exchange, this);
    this.#goOn = goOn;
  }

  start(): void {
    const exchange = this.#exchange;
    const { request, downstream } = exchange;
    const fault =
      request.bodyLength > exchange.bodyLimit
        ? 'too_large'
        : this.#body.open(request.fields, request.bodyLength);
    if (fault !== undefined) return refuseBody(exchange, fault);
    exchange.forward = this;
    exchange.bodySink = this;
    // RFC 9110 section 10.1.1: nobody else is asked before the body is here.
    if (request.expectContinue) downstream.sendInformational(100, undefined);
    downstream.readBody();
  }

  requestBody(data: Buffer, from: number, to: number): void {
    this.#body.add(data, from, to);
  }

  /** Trailers end here: what goes on is not chunked (RFC 9110 section 6.5.1). */
  requestBodyEnd(): void {
    this.#exchange.bodySink = undefined;
    this.#body.end();
    this.#waits = true;
  }

  onContent(content: Buffer): void {
    const exchange = this.#exchange;
    exchange.forward = undefined;
    this.#show(content);
    if (this.#waits) this.#flush();
  }

  #show(content: Buffer): void {
    const exchange = this.#exchange;
    const entries = exchange.route.policies.onRequestBody;
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      let result: Answer | undefined | void;
      try {
        result = entry.hooks.onRequestBody(exchange, content);
      } catch (error) {
        return failPolicy(exchange, entry.name, error);
      }
      if (result !== undefined) return answerOfPolicy(exchange, entry.name, result);
    }
    const { octets } = this.#body;
    exchange.request.bodyLength = octets.length;
    exchange.request.expectContinue = false;
    exchange.bodySource = new HeldBody(exchange, octets);
    this.#goOn(exchange);
  }

  onFault(fault: BodyFault): void {
    refuseBody(this.#exchange, fault);
    this.#flush();
  }

  #flush(): void {
    const { downstream, forward } = this.#exchange;
    forward?.flush();
    downstream.flush();
  }

  cancel(): void {
    this.#exchange.forward = undefined;
    this.#exchange.bodySink = undefined;
    this.#body.cancel();
  }

  expire(): void {
    this.cancel();
  }

  flush(): void {}

  // No answer is on its way, and no tunnel.

  onClientDrain(): void {}
  tunnel(): void {}
  tunnelEnd(): void {}
  leaveTunnel(): void {}
}

function refuseBody(exchange: Exchange, fault: BodyFault): void {
  switch (fault) {
    case 'too_large':
      return refuse(exchange, 'body_too_large');
    case 'no_memory':
      return refuse(exchange, 'overloaded', 'Too many bodies are looked at right now.');
    case 'malformed':
      return refuse(exchange, 'bad_request', 'The body is not what its Content-Encoding says.');
    case 'unknown_coding':
      // RFC 9110 section 15.5.16: the answer says which codings would do.
      return refuse(
        exchange,
        'unsupported_media_type',
        'The Content-Encoding of the body is not known here.',
        {
          'Accept-Encoding': 'gzip, deflate, br, zstd',
        },
      );
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
