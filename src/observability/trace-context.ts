import { randomFillSync } from 'node:crypto';
import { trimBlanks } from '../http/characters.ts';
import type { Fields } from '../http/fields.ts';

/** Bits of trace-flags (W3C Trace Context level 2, section 3.2.2.5). */
export const FLAG_SAMPLED = 0x01;
export const FLAG_RANDOM = 0x02;

/** `00-` trace-id `-` parent-id `-` flags */
const LENGTH = 55;
const MAX_TRACEPARENT_CHARS = 512;
const MAX_TRACESTATE_MEMBERS = 32;
const MAX_TRACESTATE_CHARS = 512;
/** Longer entries go first when a tracestate is cut (section 3.3.1.5). */
const LONG_MEMBER_CHARS = 128;
const IDS_PER_REFILL = 256;

/** Small letters only (section 3.2.2). Version ff and ids of zeros are invalid; a version after 00 may go on after a dash. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;
/** key "=" value of section 3.3.1.3: level 2's keys contain those of level 1 */
const MEMBER =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/**
 * Makes ids of traces and spans from the system's randomness, a few kilobytes at a time: cutting one off costs a few nanoseconds,
 * and no one can guess the next. Neither kind is ever all zero (sections 3.2.2.3 and 3.2.2.4).
 */
export class TraceIds {
  readonly #fill: (bytes: Buffer) => void;
  #traces = '';
  #traceAt = 0;
  #spans = '';
  #spanAt = 0;

  /** `fill` fills with random octets; a test puts known ones in their place. */
  constructor(fill: (bytes: Buffer) => void = randomFillSync) {
    this.#fill = fill;
  }

  /** 32 hexadecimal digits. */
  nextTraceId(): string {
    const at = this.#traceAt;
    if (at === this.#traces.length) return this.#refillTraces();
    this.#traceAt = at + 32;
    return this.#traces.slice(at, at + 32);
  }

  /** 16 hexadecimal digits, the last of them even: see `upstreamSpanId`. */
  nextSpanId(): string {
    const at = this.#spanAt;
    if (at === this.#spans.length) return this.#refillSpans();
    this.#spanAt = at + 16;
    return this.#spans.slice(at, at + 16);
  }

  #refillTraces(): string {
    const bytes = Buffer.allocUnsafe(IDS_PER_REFILL * 16);
    this.#fill(bytes);
    for (let i = 0; i < bytes.length; i += 16) makeNonZero(bytes, i, 16);
    this.#traces = bytes.toString('hex');
    this.#traceAt = 32;
    return this.#traces.slice(0, 32);
  }

  #refillSpans(): string {
    const bytes = Buffer.allocUnsafe(IDS_PER_REFILL * 8);
    this.#fill(bytes);
    for (let i = 0; i < bytes.length; i += 8) {
      bytes[i + 7] = (bytes[i + 7] as number) & 0xfe;
      makeNonZero(bytes, i, 8);
    }
    this.#spans = bytes.toString('hex');
    this.#spanAt = 16;
    return this.#spans.slice(0, 16);
  }
}

function makeNonZero(bytes: Buffer, from: number, length: number): void {
  for (let i = from; i < from + length; i++) if (bytes[i] !== 0) return;
  bytes[from + length - 1] = 2;
}

/**
 * The span of the call to the upstream, made from the span of the exchange by its lowest bit, which an exchange's own span never
 * has. This is the parent that the upstream is told, so that its spans hang below the call in a trace view.
 */
export function upstreamSpanId(spanId: string): string {
  return spanId.slice(0, 15) + ODD[Number.parseInt(spanId[15] as string, 16)];
}

const ODD: readonly string[] = [
  '1',
  '1',
  '3',
  '3',
  '5',
  '5',
  '7',
  '7',
  '9',
  '9',
  'b',
  'b',
  'd',
  'd',
  'f',
  'f',
];

/** `traceparent` to send, version 00. */
export function formatTraceparent(traceId: string, spanId: string, flags: number): string {
  return `00-${traceId}-${spanId}-0${flags & (FLAG_SAMPLED | FLAG_RANDOM)}`;
}

/**
 * The request's `traceparent` when it is one that a trace can be continued from, else the empty string: then a trace is started and
 * `tracestate` is not passed on. More than one, or one that is malformed, counts as none.
 */
export function readTraceparent(fields: Fields): string {
  if (!fields.has('traceparent')) return '';
  const values = fields.getAll('traceparent');
  const value = values[0] as string;
  return values.length === 1 && isTraceparent(value) ? value : '';
}

/** Whether a value is a `traceparent`: version 00 exactly; of later versions the part that is known (section 3.2.2.1). */
export function isTraceparent(value: string): boolean {
  if (value.length < LENGTH || value.length > MAX_TRACEPARENT_CHARS || !TRACEPARENT.test(value)) return false;
  return value.length === LENGTH || !value.startsWith('00');
}

/** Of a value that `isTraceparent` accepts. */
export function traceIdOf(traceparent: string): string {
  return traceparent.slice(3, 35);
}

/** Of a value that `isTraceparent` accepts: the caller's span. */
export function parentIdOf(traceparent: string): string {
  return traceparent.slice(36, 52);
}

/** Of a value that `isTraceparent` accepts: the flags that are known; others are not passed on (section 3.2.2.5). */
export function flagsOf(traceparent: string): number {
  return Number.parseInt(traceparent.slice(53, 55), 16) & (FLAG_SAMPLED | FLAG_RANDOM);
}

/**
 * The `tracestate` to pass on, from all that came, joined by commas; empty when there is none to pass on. Malformed ones are dropped
 * whole; one that is too long loses its long members first and then its last ones, never a part of a member.
 */
export function limitTracestate(combined: string): string {
  if (combined.length > 16 * MAX_TRACESTATE_CHARS) return '';
  const members: string[] = [];
  const keys = new Set<string>();
  for (const part of combined.split(',')) {
    const member = trimBlanks(part);
    if (member === '') continue;
    if (!MEMBER.test(member)) return '';
    const key = member.slice(0, member.indexOf('='));
    if (keys.has(key)) return '';
    keys.add(key);
    members.push(member);
  }
  if (members.length > MAX_TRACESTATE_MEMBERS) return '';
  let length = members.reduce((sum, member) => sum + member.length + 1, -1);
  for (const fits of [(member: string) => member.length <= LONG_MEMBER_CHARS, () => false]) {
    for (let i = members.length - 1; i >= 0 && length > MAX_TRACESTATE_CHARS; i--) {
      const member = members[i] as string;
      if (fits(member)) continue;
      members.splice(i, 1);
      length -= member.length + 1;
    }
  }
  return members.join(',');
}

/** Decides once per trace, by its id alone, so that every gateway that sees the trace decides alike. */
export class Sampler {
  readonly #threshold: number;
  readonly #ratio: number;

  /** `ratio` is the share of traces started here to record, 0 to 1. 0: none, without a look at the id. */
  constructor(ratio: number) {
    this.#ratio = ratio;
    this.#threshold = (1 - ratio) * 2 ** 52;
  }

  /**
   * `parentSampled` is what the caller decided, or undefined when the trace starts here: the caller's decision holds. Else the
   * share of ids with the highest 52 of the 56 random bits is recorded, as OpenTelemetry's consistent sampling does.
   */
  shouldSample(traceId: string, parentSampled: boolean | undefined): boolean {
    if (parentSampled !== undefined) return parentSampled;
    if (this.#ratio === 0) return false;
    if (this.#ratio === 1) return true;
    return Number.parseInt(traceId.slice(18, 31), 16) >= this.#threshold;
  }
}
