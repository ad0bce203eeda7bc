import type { RequestBodySink, RequestBodySource } from './downstream.ts';

/** A body in memory, given at once to whoever sends it on. */
export class HeldBody implements RequestBodySource {
  readonly #exchange: { readonly bodySink: RequestBodySink | undefined };
  readonly #octets: Buffer;
  #given = false;

  constructor(exchange: { readonly bodySink: RequestBodySink | undefined }, octets: Buffer) {
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
