import type { Fields } from '../http/fields.ts';

/** Status and fields of an answer. */
export interface AnswerHead {
  readonly status: number;
  readonly fields: Fields;
}

/** What takes a request's body. */
export interface RequestBodySink {
  /** `data[from, to)`: the octets last for the call only. */
  requestBody(data: Buffer, from: number, to: number): void;
  requestBodyEnd(trailers: Fields | undefined): void;
}

/** Where a request's body is read from. */
export interface RequestBodySource {
  /** Gives the body to `exchange.bodySink`, what is at hand at once. */
  readBody(): void;
  pauseBody(): void;
  /** Whether the body is given again from its beginning, to whoever reads it next; false where what was read is gone. */
  rewindBody(): boolean;
}

/**
 * The client's side of one exchange: an HTTP/1.1 connection, or a stream of a later version. Whoever calls it because of an
 * event of its own calls `flush` when it is done, so that what belongs together is written together.
 */
export interface Downstream extends RequestBodySource {
  /** The client is slower than what is sent to it. `exchange.onClientDrain` is called when it has caught up. */
  readonly congested: boolean;
  /** A 1xx answer. */
  sendInformational(status: number, fields: Fields | undefined): void;
  /**
   * The head of the final answer. `bodyLength` is in octets, -1 when it is not known, undefined when no body follows and none
   * is stated.
   */
  sendHead(response: AnswerHead, bodyLength: number | undefined): void;
  /** Sends `data[from, to)`, which it does not keep. */
  sendBody(data: Buffer, from: number, to: number): void;
  /** A short body, as latin1 text. */
  sendText(text: string): void;
  sendEnd(trailers: Fields | undefined): void;
  flush(): void;
  /**
   * Breaks off an answer whose head was sent: the client must be able to tell that it is not whole. `reset` breaks off one that has not
   * begun: the client is to see a reset, as far as its protocol has one.
   */
  abort(reset?: boolean): void;
  /** Sends a 101; from then on octets are passed on as they are, in both directions. */
  switchProtocol(response: AnswerHead, protocol: string): void;
  /** The upstream sends no more through the tunnel. */
  endTunnel(): void;
}
