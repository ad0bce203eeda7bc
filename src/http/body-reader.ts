import { latin1 } from '../lib/octets.ts';
import type { FieldNames } from './field-names.ts';
import type { Fields } from './fields.ts';
import { parseTrailers } from './trailers.ts';

/** Where the pieces of a body go. */
export interface BodySink {
  /** `data[from, to)`: the octets last for the call only. */
  onBody(data: Buffer, from: number, to: number): void;
}

const STATE = {
  data: 0,
  untilClose: 1,
  sizeLine: 2,
  chunkData: 3,
  chunkEnd: 4,
  trailers: 5,
  done: 6,
} as const;
type State = (typeof STATE)[keyof typeof STATE];

/** A chunk line is a size and rarely an extension; an endless one would be a way to send octets that nothing counts. */
const MAX_CHUNK_LINE = 1024;
/** All extensions of one body together. */
const MAX_EXTENSIONS_BYTES = 16 * 1024;
const MAX_TRAILERS_BYTES = 16 * 1024;
const CR = 0x0d;
const LF = 0x0a;

/** chunk-ext of RFC 9112 section 7.1.1, with the white space that recipients MUST read around `;` and `=` (RFC 9110 section 5.6.3). */
const EXTENSIONS =
  /^(?:[\t ]*;[\t ]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[\t ]*=[\t ]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)+$/;

/**
 * Takes a message's body out of the octets of its connection (RFC 9112 sections 6.3 and 7.1): a known length, chunked, or
 * all until the connection closes. Gives each piece to the sink without copying it.
 */
export class BodyReader {
  /** Octets of body seen, framing left out. */
  bytes = 0;
  /** Why the body cannot be read on; empty while all is well. */
  problem = '';
  /** There when the body was chunked, is done, and had some. */
  trailers: Fields | undefined = undefined;
  #state: State;
  #remaining = 0;
  #line = '';
  #extensions = 0;
  readonly #names: FieldNames;

  /** `length` is a number of octets, -1 for chunked, -2 for until the connection closes. */
  constructor(length: number, names: FieldNames) {
    this.#names = names;
    this.#state =
      length === 0 ? STATE.done : length > 0 ? STATE.data : length === -1 ? STATE.sizeLine : STATE.untilClose;
    this.#remaining = length;
  }

  get done(): boolean {
    return this.#state === STATE.done;
  }

  /** Ends a body that lasts until the connection closes. Returns false when the body should have gone on: it is truncated. */
  close(): boolean {
    if (this.#state === STATE.untilClose) this.#state = STATE.done;
    return this.#state === STATE.done;
  }

  /** Nobody wants the rest: `read` returns before its next piece. */
  stop(): void {
    if (this.problem === '') this.problem = 'nobody reads on';
  }

  /**
   * Reads `data[from, to)`. Returns the position after what belongs to the body; the rest, if any, is the next
   * message's. Sets `problem` and stops where the framing is broken.
   */
  read(data: Buffer, from: number, to: number, sink: BodySink): number {
    let pos = from;
    while (pos < to && this.#state !== STATE.done && this.problem === '') {
      switch (this.#state) {
        case STATE.data:
        case STATE.chunkData:
          pos = this.#readData(data, pos, to, sink);
          break;
        case STATE.untilClose:
          this.#emit(data, pos, to, sink);
          pos = to;
          break;
        case STATE.sizeLine:
          pos = this.#readSizeLine(data, pos, to);
          break;
        case STATE.chunkEnd:
          pos = this.#readChunkEnd(data, pos, to);
          break;
        case STATE.trailers:
          pos = this.#readTrailers(data, pos, to);
          break;
      }
    }
    return pos;
  }

  #emit(data: Buffer, from: number, to: number, sink: BodySink): void {
    this.bytes += to - from;
    sink.onBody(data, from, to);
  }

  #readData(data: Buffer, pos: number, to: number, sink: BodySink): number {
    const end = Math.min(to, pos + this.#remaining);
    this.#remaining -= end - pos;
    if (this.#remaining === 0) this.#state = this.#state === STATE.data ? STATE.done : STATE.chunkEnd;
    this.#emit(data, pos, end, sink);
    return end;
  }

  #readSizeLine(data: Buffer, pos: number, to: number): number {
    const end = this.#takeLine(data, pos, to, MAX_CHUNK_LINE, 'a chunk size line is too long');
    if (end < 0) return to;
    const line = this.#line;
    this.#line = '';
    const size = chunkSize(line);
    if (size < 0) {
      this.problem = 'a chunk size is malformed';
      return end;
    }
    if (line.includes(';')) this.#extensions += line.length - digitsOf(line);
    if (this.#extensions > MAX_EXTENSIONS_BYTES) {
      this.problem = 'there are too many chunk extensions';
      return end;
    }
    this.#remaining = size;
    this.#state = size === 0 ? STATE.trailers : STATE.chunkData;
    return end;
  }

  #readChunkEnd(data: Buffer, pos: number, to: number): number {
    let i = pos;
    if (this.#line === '' && data[i] === CR) {
      this.#line = '\r';
      i++;
      if (i === to) return i;
    }
    if (this.#line !== '\r' || data[i] !== LF) {
      this.problem = 'chunk data does not end in CR LF';
      return i;
    }
    this.#line = '';
    this.#state = STATE.sizeLine;
    return i + 1;
  }

  #readTrailers(data: Buffer, pos: number, to: number): number {
    const before = this.#line.length;
    const text = this.#line + latin1(data, pos, Math.min(to, pos + MAX_TRAILERS_BYTES + 1));
    if (text.length <= MAX_TRAILERS_BYTES && text.indexOf('\n', before) < 0) {
      // Parsed anew only when a line was completed: one octet at a time must not cost the square of the section.
      this.#line = text;
      return to;
    }
    const parsed = parseTrailers(text, MAX_TRAILERS_BYTES, this.#names);
    if (parsed === undefined) {
      this.#line = text;
      return to;
    }
    if (parsed.problem !== '') {
      this.problem = parsed.problem;
      return to;
    }
    this.#line = '';
    this.#state = STATE.done;
    if (parsed.fields.size > 0) this.trailers = parsed.fields;
    return pos + parsed.length - before;
  }

  /** Gathers a line without its CR LF in `#line`. Returns the position after it, or -1 while it is incomplete or wrong. */
  #takeLine(data: Buffer, pos: number, to: number, limit: number, tooLong: string): number {
    let lf = pos;
    while (lf < to && data[lf] !== LF) lf++;
    const complete = lf < to;
    const end = complete ? lf + 1 : to;
    if (this.#line.length + end - pos > limit) {
      this.problem = tooLong;
      return -1;
    }
    this.#line += latin1(data, pos, end);
    if (!complete) return -1;
    if (this.#line.length < 2 || this.#line.charCodeAt(this.#line.length - 2) !== CR) {
      this.problem = 'a chunk size line does not end in CR LF';
      return -1;
    }
    this.#line = this.#line.slice(0, -2);
    return end;
  }
}

/** How many hex digits a line begins with. */
function digitsOf(line: string): number {
  let i = 0;
  while (i < line.length && digitAt(line, i) >= 0) i++;
  return i;
}

/** chunk-size and a well-formed chunk-ext (RFC 9112 section 7.1). -1 for anything else; at most 13 hex digits, so that it is exact. */
function chunkSize(line: string): number {
  let size = 0;
  let i = 0;
  for (; i < line.length; i++) {
    const digit = digitAt(line, i);
    if (digit < 0) break;
    size = size * 16 + digit;
  }
  if (i === 0 || i > 13) return -1;
  return i === line.length || EXTENSIONS.test(line.slice(i)) ? size : -1;
}

function digitAt(line: string, at: number): number {
  const code = line.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const small = code | 0x20;
  return small >= 0x61 && small <= 0x66 ? small - 0x57 : -1;
}
