import { cookieEnd, cookieStart } from '../../http/cookie-field.ts';
import type { Exchange } from '../../policy/contract.ts';
import { murmur3 } from './murmur3.ts';
import type { HashSettings } from './schema.ts';

/** The hash of a request's key; undefined where the request has none, or an empty one. */
type HashKey = (exchange: Exchange) => number | undefined;

/** The same everywhere, so that all workers and all gateways send a key to the same target. */
const SEED = 0;

/** Compiles which part of a request goes to the same target. What it returns makes nothing but the text of a field that it reads. */
export function compileHashKey(settings: HashSettings): HashKey {
  const { header, cookie, param } = settings;
  if (header !== undefined) {
    const lower = header.toLowerCase();
    return ({ request }) => hashOf(request.fields.get(lower));
  }
  if (cookie !== undefined) {
    return ({ request }) => {
      const field = request.fields.get('cookie');
      const start = field === undefined ? -1 : cookieStart(field, cookie);
      return field === undefined || start < 0 ? undefined : hashOfPart(field, start, cookieEnd(field, start));
    };
  }
  if (param !== undefined) return (exchange) => hashOf(exchange.param(param));
  return ({ client }) => hashOf(client.address);
}

function hashOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : hashOfPart(text, 0, text.length);
}

function hashOfPart(text: string, start: number, end: number): number | undefined {
  return start === end ? undefined : murmur3(text, start, end, SEED);
}
