import type { Socket } from 'node:net';
import type { Fields } from '../http/fields.ts';
import { chunkLine, fieldLines, lastChunk, statusLine } from '../http/serialise.ts';
import { latin1, writeOctets } from '../lib/octets.ts';

/** Text up to this size is written together with what comes before and after it. */
const SHORT_BYTES = 8 * 1024;

/**
 * Writes answers to a client's socket. Text gathers until `flush`, so that a head and a short body, or the answers to pipelined
 * requests, are one write.
 */
export class AnswerWriter {
  /** The socket has more than it can pass on; its `drain` event tells when it has not. */
  congested = false;
  readonly #socket: Socket;
  #out = '';
  #chunked = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  informational(status: number, fields: Fields | undefined): void {
    this.#out += `${statusLine(status)}${fields === undefined ? '' : fieldLines(fields)}\r\n`;
  }

  /** A head, its empty line included; `chunked` is how its body is sent. */
  head(text: string, chunked: boolean): void {
    this.#out += text;
    this.#chunked = chunked;
  }

  /** `data[from, to)` of a body; the octets are not kept. */
  body(data: Buffer, from: number, to: number): void {
    const length = to - from;
    if (length <= SHORT_BYTES && this.#out.length <= SHORT_BYTES) return this.text(latin1(data, from, to));
    const before = this.#chunked ? this.#out + chunkLine(length) : this.#out;
    this.#out = '';
    const open = writeOctets(this.#socket, data, from, to, before, this.#chunked ? '\r\n' : '');
    this.congested ||= !open;
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
    this.congested = !this.#socket.write(text, 'latin1') || this.congested;
  }
}
