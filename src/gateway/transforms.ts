import type { HookEntry } from '../policies/compile.ts';
import type { BodyTransform } from '../policy/contract.ts';
import { failPolicy } from './answer.ts';
import type { Exchange } from './exchange.ts';

interface NamedTransform extends BodyTransform {
  policy: string;
}

const askForRequest = (entry: HookEntry<'transformRequestBody'>, exchange: Exchange) =>
  entry.hooks.transformRequestBody(exchange);
const askForResponse = (entry: HookEntry<'transformResponseBody'>, exchange: Exchange) =>
  entry.hooks.transformResponseBody(exchange);

/** What the route's policies want the request's body to pass through; undefined when one failed, which is then answered. */
export function openRequestTransforms(exchange: Exchange): BodyTransform[] | undefined {
  return open(exchange, exchange.route.policies.transformRequestBody, askForRequest);
}

/** The same for the body of the answer. */
export function openResponseTransforms(exchange: Exchange): BodyTransform[] | undefined {
  return open(exchange, exchange.route.policies.transformResponseBody, askForResponse);
}

function open<Entry extends { readonly name: string }>(
  exchange: Exchange,
  entries: readonly Entry[],
  ask: (entry: Entry, exchange: Exchange) => BodyTransform | undefined,
): BodyTransform[] | undefined {
  const transforms: BodyTransform[] = [];
  for (const entry of entries) {
    try {
      const transform = ask(entry, exchange);
      if (transform !== undefined) transforms.push(named(transform, entry.name));
    } catch (error) {
      failPolicy(exchange, entry.name, error);
      return undefined;
    }
  }
  return transforms;
}

/** Remembers whose transform it is, for the log. */
function named(transform: BodyTransform, policy: string): BodyTransform {
  return Object.assign(transform, { policy });
}

/**
 * What comes out for a piece of a body; `last`: nothing follows it. undefined when nothing does, or a transform failed: the exchange is
 * then already over.
 */
export function transformed(
  exchange: Exchange,
  transforms: readonly BodyTransform[],
  data: Buffer | undefined,
  last: boolean,
): Buffer | undefined {
  let piece = data;
  for (let i = 0; i < transforms.length; i++) {
    const transform = transforms[i] as NamedTransform;
    try {
      const passed = piece === undefined || piece.length === 0 ? piece : transform.chunk(piece);
      piece = octetsOf(last ? joined(passed, transform.end?.()) : passed);
    } catch (error) {
      failPolicy(exchange, transform.policy, error);
      return undefined;
    }
  }
  return piece;
}

/** A user's own transform may return anything. */
function octetsOf(piece: unknown): Buffer | undefined {
  if (piece === undefined || Buffer.isBuffer(piece)) return piece;
  if (piece instanceof Uint8Array) return Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
  throw new TypeError('a transform returns octets');
}

function joined(first: Buffer | undefined, second: Buffer | undefined): Buffer | undefined {
  if (first === undefined || first.length === 0) return second;
  return second === undefined || second.length === 0 ? first : Buffer.concat([first, second]);
}
