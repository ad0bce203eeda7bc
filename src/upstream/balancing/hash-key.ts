import { cookieValue } from '../../http/cookie.ts';
import type { Exchange } from '../../policy/contract.ts';
import { murmur3 } from './murmur3.ts';
import type { HashSettings } from './schema.ts';

/** The hash of a request's key; undefined where the request has none, or an empty one. */
type HashKey = (exchange: Exchange) => number | undefined;

/** The same everywhere, so that all workers and all gateways send a key to the same target. */
const SEED = 0;

/** Compiles which part of a request goes to the same target. What it returns makes nothing but the text that is hashed. */
export function compileHashKey(settings: HashSettings): HashKey {
  const { header, cookie, param } = settings;
  if (header !== undefined) {
    const lower = header.toLowerCase();
    return ({ request }) => hashOf(request.fields.get(lower));
  }
  if (cookie !== undefined) return ({ request }) => hashOf(cookieValue(request.fields.get('cookie'), cookie));
  if (param !== undefined) return (exchange) => hashOf(exchange.param(param));
  return ({ client }) => hashOf(client.address);
}

function hashOf(text: string | undefined): number | undefined {
  return text === undefined || text === '' ? undefined : murmur3(text, SEED);
}
