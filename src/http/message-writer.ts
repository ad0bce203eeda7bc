import type { Socket } from 'node:net';
import { latin1, writeOctets } from '../lib/octets.ts';
import type { Fields } from './fields.ts';
import { chunkLine, lastChunk } from './serialise.ts';

/** Text up to this size is gathered with what comes before and after it. */
const SHORT_BYTES = 8 * 1024;

interface WithQueue {
  readonly _handle?: { readonly writeQueueSize?: number } | null;
}

/**
 * Writes messages to a socket. Text gathers until `flush`, so that a head and a short body, many small chunks, or the answers to
 * pipelined requests are one write.
 */
export class MessageWriter {
  /** The socket has more than it can pass on; its `drain` event tells when it has not. */
  congested = false;
  readonly #socket: Socket;
  #out = '';
  #chunked = false;
  #queued = Number.POSITIVE_INFINITY;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** A head, its empty line included; `chunked` is how its body is sent. */
  head(text: string, chunked: boolean): void {
    this.#out += text;
    this.#chunked = chunked;
  }

  /** `data[from, to)` of a body; the octets may be overwritten when this returns. */
  body(data: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length <= SHORT_BYTES && this.#out.length <= SHORT_BYTES) return this.text(latin1(data, from, to));
    const before = this.#chunked ? this.#out + chunkLine(length) : this.#out;
    this.#out = '';
    const open = writeOctets(this.#socket, data, from, to, before, this.#chunked ? '\r\n' : '');
    if (!open) this.congested = true;
  }

  /** The same as latin1 text. */
  text(text: string): void {
    this.#out += this.#chunked ? `${chunkLine(text.length)}${text}\r\n` : text;
  }

  end(trailers: Fields | undefined): void {
    if (this.#chunked) this.#out += lastChunk(trailers);
  }

  flush(): void {
    if (this.#out === '') return;
    const text = this.#out;
    this.#out = '';
    if (!this.#socket.write(text, 'latin1')) this.congested = true;
  }

  /** The socket has passed everything on. */
  drained(): void {
    this.congested = false;
    this.#queued = Number.POSITIVE_INFINITY;
  }

  /** Whether the other side took something since this was last asked: one large write may take long and still go on. */
  progressed(): boolean {
    const queued = (this.#socket as unknown as WithQueue)._handle?.writeQueueSize ?? this.#queued;
    const progressed = queued < this.#queued;
    this.#queued = queued;
    return progressed;
  }
}
