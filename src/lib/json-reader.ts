import { isUtf8 } from 'node:buffer';
import { type JsonFault, type JsonLimits, JsonScanner } from './json-scanner.ts';

export type ReadJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly path: string; readonly reason: string };

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
  fault(data: Buffer): Extract<ReadJson, { ok: false }> | undefined {
    const fault = this.#scanner.scan(data);
    if (fault !== undefined)
      return { ok: false, path: fault.pointer.slice(0, MAX_PATH), reason: this.#reason(fault) };
    // RFC 8259 section 8.1. Octets that are none would reach the service as they are, and be anything there.
    return isUtf8(data) ? undefined : { ok: false, path: '', reason: 'is not UTF-8' };
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

  #reason({ kind, offset }: JsonFault): string {
    switch (kind) {
      case 'syntax':
        return `is not JSON, at octet ${offset}`;
      case 'depth':
        return `is nested deeper than ${this.limits.depth} levels`;
      case 'keys':
        return `has more than ${this.limits.keys} keys in all`;
      case 'items':
        return `has more than ${this.limits.items} values in a list`;
      case 'values':
        return `has more than ${this.limits.values} values in all lists`;
      case 'string':
        return `has a string of more than ${this.limits.string} octets`;
      case 'number':
        return 'is a number that is too large';
      case 'duplicate':
        return 'stands twice in its object';
      case 'prototype':
        return 'is a key that is not allowed';
    }
  }
}
