import { isUtf8 } from 'node:buffer';
import { type JsonFault, type JsonLimits, JsonScanner } from './json-scanner.ts';

export type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly path: string; readonly reason: string };

type Fault = Extract<ReadJson, { ok: false }>;

/** RFC 8259 section 8.1. Octets that are none would reach the service as they are, and be anything there. */
const NOT_UTF8: Fault = { ok: false, path: '', reason: 'is not UTF-8' };

/** Names of a client's own choice stand in paths, so they are cut. */
const MAX_PATH = 200;

/** Makes values of JSON that is within limits. */
export class JsonReader {
  readonly limits: JsonLimits;
  readonly #scanner: JsonScanner;

  constructor(limits: JsonLimits) {
    this.#scanner = new JsonScanner(limits);
    this.limits = limits;
  }

  /** What is wrong with a text; undefined where it can be read. */
  fault(data: Buffer): Fault | undefined {
    const fault = this.#scanner.scan(data);
    if (fault !== undefined) return faultOf(fault, this.limits);
    return isUtf8(data) ? undefined : NOT_UTF8;
  }

  /** Begins to read a text that comes in pieces. */
  begin(): JsonReading {
    return new JsonReading(this.limits);
  }

  read(data: Buffer): ReadJson {
    const fault = this.fault(data);
    return fault ?? { ok: true, value: JSON.parse(data.toString('utf8')) as unknown };
  }

  /** The value, or `otherwise` for what is not to be read. */
  valueOr(data: Buffer, otherwise: unknown): unknown {
    const read = this.read(data);
    return read.ok ? read.value : otherwise;
  }
}

/** A text that is read as it comes. Each call is given what there is of it until then, from its beginning. */
export class JsonReading {
  readonly #limits: JsonLimits;
  readonly #scanner: JsonScanner;
  /** Up to where it is known whether it is UTF-8. */
  #checked = 0;
  #isUtf8 = true;

  constructor(limits: JsonLimits) {
    this.#limits = limits;
    this.#scanner = new JsonScanner(limits);
  }

  /** What is wrong with it already, whatever may follow. */
  more(data: Buffer): Fault | undefined {
    const fault = this.#scanner.read(data, false);
    if (fault !== undefined) return faultOf(fault, this.#limits);
    this.#check(data, characterStart(data));
    return undefined;
  }

  /** What is wrong with the whole of it. */
  end(data: Buffer): ReadJson {
    const fault = this.#scanner.read(data, true);
    if (fault !== undefined) return faultOf(fault, this.#limits);
    this.#check(data, data.length);
    return this.#isUtf8 ? { ok: true, value: JSON.parse(data.toString('utf8')) as unknown } : NOT_UTF8;
  }

  /** It is told at the end, as of a whole text: what the scanner finds comes first. */
  #check(data: Buffer, end: number): void {
    if (!this.#isUtf8 || end <= this.#checked) return;
    this.#isUtf8 = isUtf8(data.subarray(this.#checked, end));
    this.#checked = end;
  }
}

/** Where the last character begins, unless it is ASCII: the rest of it may be missing. */
function characterStart(data: Buffer): number {
  for (let at = data.length - 1; at >= Math.max(0, data.length - 4); at--) {
    const octet = data[at] as number;
    if (octet < 0x80) break;
    if (octet >= 0xc0) return at;
  }
  return data.length;
}

function faultOf(fault: JsonFault, limits: JsonLimits): Fault {
  return { ok: false, path: fault.pointer.slice(0, MAX_PATH), reason: reasonOf(fault, limits) };
}

function reasonOf({ kind, offset }: JsonFault, limits: JsonLimits): string {
  switch (kind) {
    case 'syntax':
      return `is not JSON, at octet ${offset}`;
    case 'depth':
      return `is nested deeper than ${limits.depth} levels`;
    case 'keys':
      return `has more than ${limits.keys} keys in all`;
    case 'items':
      return `has more than ${limits.items} values in a list`;
    case 'values':
      return `has more than ${limits.values} values in all lists`;
    case 'string':
      return `has a string of more than ${limits.string} octets`;
    case 'number':
      return 'is a number that is too large';
    case 'duplicate':
      return 'stands twice in its object';
    case 'prototype':
      return 'is a key that is not allowed';
  }
}
