import type { AnswerHead } from '../gateway/downstream.ts';
import { type DateField, statusLine } from '../http/serialise.ts';

/** How the end of a body is told (RFC 9112 section 6): by its length, by chunks, or by closing; none has none to tell. */
export type BodyEnd = 'none' | 'length' | 'chunked' | 'close';

/** `bodyLength` is -1 when it is not known, undefined when no body follows and none is stated. */
export function bodyEndOf(bodyLength: number | undefined, version: number): BodyEnd {
  if (bodyLength === undefined) return 'none';
  if (bodyLength >= 0) return 'length';
  // RFC 9112 section 6.1: an HTTP/1.0 client does not know chunks.
  return version === 10 ? 'close' : 'chunked';
}

/** The head of a final answer, its empty line included. */
export function answerHeadText(
  { status, fields }: AnswerHead,
  bodyLength: number | undefined,
  end: BodyEnd,
  date: DateField,
): string {
  let text = statusLine(status) + fields.toLines();
  // RFC 9110 section 6.6.1: who passes an answer on without Date adds it.
  if (!fields.has('date')) text += `Date: ${date.at(Date.now())}\r\n`;
  // RFC 9110 section 7.8: Upgrade is for the next hop, and says so.
  if (status === 426 && fields.has('upgrade')) text += 'Connection: upgrade\r\n';
  if (end === 'length') text += `Content-Length: ${bodyLength}\r\n`;
  else if (end === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  return text;
}

/** The whole 101 that begins a tunnel. */
export function switchText({ fields }: AnswerHead, protocol: string): string {
  return `${statusLine(101)}${fields.toLines()}Connection: upgrade\r\nUpgrade: ${protocol}\r\n\r\n`;
}
