import { isUtf8 } from 'node:buffer';
import { JsonReader } from '../../lib/json-reader.ts';
import type { Answer, Exchange } from '../../policy/contract.ts';
import { essenceOf, isForm, isJson, saysOtherCharset } from '../validate/media-type.ts';
import { readPairs } from './pairs.ts';

/** Those of `validate`, but for strings: a text of any length may be an input. */
const LIMITS = {
  depth: 32,
  keys: 10_000,
  items: 10_000,
  values: 200_000,
  string: Number.MAX_SAFE_INTEGER,
};

/** JSON text, or why there is none. */
export type Input = { readonly json: string | Buffer } | { readonly refusal: Answer };

const UNSUPPORTED_TYPE: Answer = {
  status: 415,
  code: 'unsupported_media_type',
  detail: 'A function takes JSON, or a form that is not multipart.',
  // RFC 9110 section 12.5.1: a 415 may say what would be taken.
  headers: { Accept: 'application/json, application/*+json, application/x-www-form-urlencoded' },
};
const NOTHING: Input = { json: 'null' };

/** These ask for something: what they ask for stands in the query, and a body of theirs means nothing (RFC 9110 section 9.3.1). */
const BY_QUERY: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** What a function is given of a request. */
export class InputReader {
  readonly #json = new JsonReader(LIMITS);

  /** Of a request without a body. `query` is its query as JSON. */
  ofHead({ request: { method } }: Exchange, query: string): Input {
    return BY_QUERY.has(method) || method === 'DELETE' ? { json: query } : NOTHING;
  }

  ofBody({ request, secretParameters }: Exchange, query: string, body: Buffer): Input {
    const { method, fields } = request;
    if (BY_QUERY.has(method)) return { json: query };
    const type = fields.get('content-type');
    if (type === undefined || fields.repeats('content-type') || saysOtherCharset(type))
      return { refusal: UNSUPPORTED_TYPE };
    const essence = essenceOf(type);
    if (isForm(essence)) return ofForm(body, secretParameters);
    return isJson(essence) ? this.#ofJson(body) : { refusal: UNSUPPORTED_TYPE };
  }

  /** The octets go on as they came, so that numbers keep every digit. */
  #ofJson(body: Buffer): Input {
    const fault = this.#json.fault(body);
    return fault === undefined ? { json: body } : { refusal: malformed(fault.reason, fault.path) };
  }
}

function ofForm(body: Buffer, secret: ReadonlySet<string> | undefined): Input {
  if (!isUtf8(body)) return { refusal: malformed('is not UTF-8') };
  const read = readPairs(body.toString('latin1'), secret);
  return read.ok ? { json: read.json } : { refusal: malformed(read.reason) };
}

/** `path` is a JSON Pointer to what is wrong in the body, or in the values of the query or of the fields by name. */
export function malformed(reason: string, path = '', place: 'body' | 'query' | 'header' = 'body'): Answer {
  return {
    status: 400,
    code: 'invalid_request',
    detail: 'The request cannot be given to the function.',
    problem: { errors: [{ in: place, path, reason }] },
  };
}
