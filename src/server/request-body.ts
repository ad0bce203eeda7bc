import type { Exchange } from '../gateway/exchange.ts';
import { BodyReader, type BodySink } from '../http/body-reader.ts';
import type { FieldNames } from '../http/field-names.ts';
import type { Fields } from '../http/fields.ts';
import type { Input } from './input.ts';

/** An unread rest up to this size is read and dropped, to keep the connection; beyond it closing is cheaper. */
const DISCARD_BYTES = 64 * 1024;

/**
 * - more: all that was there is read, and more is to come
 * - done: the body is complete
 * - malformed: its framing is broken, see `problem`
 * - too_large: it is larger than the exchange allows
 * - surplus: too much of a body that nobody wants
 */
export type BodyProgress = 'more' | 'done' | 'malformed' | 'too_large' | 'surplus';

/** The body of the request at hand: taken from the connection's input when it is wanted, counted, and handed to the exchange. */
export class RequestBody implements BodySink {
  /** Somebody takes the body, or drops it. */
  wanted = false;
  /** It was wanted once: what is not wanted now is wanted later. */
  begun = false;
  readonly #exchange: Exchange;
  readonly #reader: BodyReader;
  #tooLarge = false;
  /** Octets at which dropping ends; undefined while the body is still handed on. */
  #dropUntil: number | undefined;

  constructor(exchange: Exchange, names: FieldNames) {
    this.#exchange = exchange;
    this.#reader = new BodyReader(exchange.request.bodyLength, names);
  }

  get problem(): string {
    return this.#reader.problem;
  }

  get trailers(): Fields | undefined {
    return this.#reader.trailers;
  }

  /** The answer is complete, and what is left is read only to get at the next request. */
  get dropping(): boolean {
    return this.#dropUntil !== undefined;
  }

  /** Whether the connection is better closed than read on to the end of this body. */
  get hopeless(): boolean {
    if (this.wanted) return false;
    const { bodyLength, expectContinue } = this.#exchange.request;
    // RFC 9110 section 10.1.1: a client that was never asked for the body may not send it, or may.
    if (expectContinue && !this.begun) return true;
    return bodyLength < 0 || bodyLength - this.#reader.bytes > DISCARD_BYTES;
  }

  want(): void {
    this.wanted = true;
    this.begun = true;
  }

  drop(): void {
    this.want();
    this.#dropUntil = this.#reader.bytes + DISCARD_BYTES;
  }

  /** Nobody wants the rest, and nobody will read on. */
  stop(): void {
    this.#reader.stop();
  }

  /** Takes from the input what belongs to the body. The exchange may be over when this returns. */
  feed(input: Input): BodyProgress {
    const { from, to } = input;
    const data = input.data as Buffer;
    input.clear();
    const next = this.#reader.read(data, from, to, this);
    if (this.#tooLarge) return 'too_large';
    if (this.#reader.problem !== '') return 'malformed';
    if (next < to) input.borrow(data, next, to);
    if (this.#reader.done) return 'done';
    return this.#dropUntil !== undefined && this.#reader.bytes > this.#dropUntil ? 'surplus' : 'more';
  }

  onBody(data: Buffer, from: number, to: number): void {
    if (this.#dropUntil !== undefined) return;
    const exchange = this.#exchange;
    exchange.requestBytes = this.#reader.bytes;
    if (this.#reader.bytes > exchange.bodyLimit) {
      this.#tooLarge = true;
      this.#reader.stop();
      return;
    }
    exchange.bodySink?.requestBody(data, from, to);
  }
}
