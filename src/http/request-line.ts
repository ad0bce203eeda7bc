import { NAME, TARGET, TARGET_PLAIN, TARGET_WATCHED } from './characters.ts';
import { httpVersion } from './http-version.ts';
import { isLineEnd, lineProblem } from './line-end.ts';

export type RequestLineProblem = 'too_long' | 'line_end' | 'method' | 'target' | 'version' | 'not_spoken';

export type RequestLineState = 'complete' | 'incomplete' | RequestLineProblem;

const SP = 0x20;
const PERCENT = 0x25;
const SLASH = 0x2f;
const QUESTION = 0x3f;
const MAX_METHOD = 64;
/** `HTTP/1.1` */
const VERSION_OCTETS = 8;

/**
 * Where the parts of a request line are. Positions count from its first octet. One object serves one head after the other: what it says
 * of a line is to be taken before the next is read.
 */
export class RequestLine {
  /** 0 when there is no method. */
  methodEnd = 0;
  /** 0 when there is no target; it begins one octet after the method. */
  targetEnd = 0;
  /** Of the first question mark; -1 when the target has none. */
  query = -1;
  /** The path, if the target is one, is in its one form already: see normalisePath. */
  normal = true;
  /** 10 or 11. */
  version = 11;
  /** Octets of the line, with its CR LF. */
  length = 0;

  /** Reads the line at the beginning of `data[from, to)` (RFC 9112 section 3). `maxBytes` does not count its CR LF. */
  read(data: Buffer, from: number, to: number, maxBytes: number): RequestLineState {
    const limit = from + maxBytes + 2;
    const end = Math.min(to, limit);
    this.methodEnd = 0;
    this.targetEnd = 0;
    this.query = -1;
    this.version = 11;

    let pos = from;
    while (pos < end && NAME[data[pos] as number] !== 0) pos++;
    if (pos >= end || data[pos] !== SP || pos === from || pos - from > MAX_METHOD)
      return this.#stop('method', data, from, to, limit);
    this.methodEnd = pos - from;

    const target = pos + 1;
    pos = this.#readTarget(data, from, target, end);
    if (pos >= end || data[pos] !== SP || pos === target) return this.#stop('target', data, from, to, limit);
    this.targetEnd = pos - from;

    const versionEnd = pos + 1 + VERSION_OCTETS;
    const version = isLineEnd(data, versionEnd, end) ? httpVersion(data, pos + 1) : -1;
    if (version < 0) return this.#stop('version', data, from, to, limit);
    this.length = versionEnd + 2 - from;
    if (version < 10 || version > 19) return 'not_spoken';
    // RFC 9110 section 2.5: a later minor version is read as the last one known.
    this.version = version === 10 ? 10 : 11;
    return 'complete';
  }

  /** Returns the position of the first octet that no target may have. */
  #readTarget(data: Buffer, from: number, target: number, end: number): number {
    let normal = true;
    let query = -1;
    let pos = target;
    for (; pos < end; pos++) {
      const octet = data[pos] as number;
      const kind = TARGET[octet];
      if (kind === TARGET_PLAIN) continue;
      if (kind !== TARGET_WATCHED) break;
      if (query >= 0) continue;
      if (octet === QUESTION) query = pos - from;
      else if (octet === PERCENT || data[pos - 1] === SLASH) normal = false;
    }
    this.normal = normal;
    this.query = query;
    return pos;
  }

  /** The line is wrong, or has not come to its end. */
  #stop(
    problem: RequestLineProblem,
    data: Buffer,
    from: number,
    to: number,
    limit: number,
  ): RequestLineState {
    let state = lineProblem(problem, data, from, to, limit);
    // As many octets as the longest line has, and no end of the line among them.
    if (state === 'incomplete' && to === limit) state = 'too_long';
    // Without a proper end it is no line, and none of its parts is one.
    if (state !== problem) this.methodEnd = this.targetEnd = 0;
    return state;
  }
}
