import { STATUS_CODES } from 'node:http';
import type { Fields } from './fields.ts';

const STATUS_LINES: readonly string[] = Array.from({ length: 600 }, (_, status) => {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`;
});

/** `HTTP/1.1 200 OK` and its line end. */
export function statusLine(status: number): string {
  return STATUS_LINES[status] as string;
}

/** Field lines, in order, each with its line end. */
export function fieldLines(fields: Fields): string {
  return fields.toLines();
}

/** The line before the data of a chunk (RFC 9112 section 7.1). */
export function chunkLine(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** The end of a chunked body, with its trailer section. */
export function lastChunk(trailers: Fields | undefined): string {
  return trailers === undefined ? '0\r\n\r\n' : `0\r\n${fieldLines(trailers)}\r\n`;
}

/** The value of Date (RFC 9110 section 5.6.7), made once a second. */
export class DateField {
  #second = Number.NaN;
  #text = '';

  /** `nowMs` is in epoch milliseconds. */
  at(nowMs: number): string {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1000).toUTCString();
    }
    return this.#text;
  }
}
