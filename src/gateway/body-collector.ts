import type { BodyBounds } from '../policy/contract.ts';
import { refuse } from './answer.ts';
import type { RequestBodySink } from './downstream.ts';
import type { Cancellable, Exchange } from './exchange.ts';
import { type BodyFault, WholeBody, type WholeBodyOwner } from './whole-body.ts';

/** Collects the body of a request for somebody who takes it whole. One that is too large or cannot be read is refused. */
export abstract class BodyCollector implements RequestBodySink, Cancellable, WholeBodyOwner {
  protected readonly exchange: Exchange;
  readonly #body: WholeBody;
  /** All of it came; what follows comes from another event than the client's. */
  #waits = false;

  constructor(exchange: Exchange, bounds: Required<BodyBounds>) {
    this.exchange = exchange;
    this.#body = new WholeBody(bounds, exchange, this);
  }

  /** `content` is the body without its Content-Encoding; `octets` are those that came. */
  protected abstract take(content: Buffer, octets: Buffer): void;

  /** Whether `see` is to be called. */
  get watches(): boolean {
    return false;
  }

  /** What there is of the content, while more is to come. True where the request is answered. */
  protected see(_content: Buffer): boolean {
    return false;
  }

  start(): void {
    const { exchange } = this;
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
    exchange.bodySource.readBody();
  }

  requestBody(data: Buffer, from: number, to: number): void {
    this.#body.add(data, from, to);
  }

  /** Trailers end here: what goes on is not chunked (RFC 9110 section 6.5.1). */
  requestBodyEnd(): void {
    this.exchange.bodySink = undefined;
    this.#body.end();
    this.#waits = true;
  }

  onPart(content: Buffer): void {
    if (this.see(content)) this.#flush();
  }

  onContent(content: Buffer): void {
    this.exchange.forward = undefined;
    this.take(content, this.#body.octets);
    if (this.#waits) this.#flush();
  }

  onFault(fault: BodyFault): void {
    refuseBody(this.exchange, fault);
    this.#flush();
  }

  #flush(): void {
    const { downstream, forward } = this.exchange;
    forward?.flush();
    downstream.flush();
  }

  cancel(): void {
    this.exchange.forward = undefined;
    this.exchange.bodySink = undefined;
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
