import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { copyOf } from '../lib/octets.ts';
import type { HookEntry } from '../policies/compile.ts';
import type { Answer, BodyTransform } from '../policy/contract.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import type { UpstreamFailure } from '../upstream/failure.ts';
import type { Service, Target } from '../upstream/service.ts';
import {
  answerOfPolicy,
  breakOff,
  failPolicy,
  failUnsendable,
  isPending,
  refuse,
  runResponseHooks,
} from './answer.ts';
import type { RequestBodySink } from './downstream.ts';
import type { Cancellable, Exchange } from './exchange.ts';
import { UPSTREAM_FAILURES } from './failure.ts';
import { introduce } from './identify.ts';
import { dropFraming, isSendable } from './own-fields.ts';
import { upstreamHead, upstreamHost } from './upstream-head.ts';

/** RFC 9110 section 9.2.2: sending these again does no harm. */
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE']);

/**
 * Carries one exchange to a target and its answer back, piece by piece: neither body is kept, and whichever side is slower sets
 * the pace of the other.
 */
export class Forward implements UpstreamListener, RequestBodySink, Cancellable {
  readonly #exchange: Exchange;
  readonly #service: Service;
  readonly #target: Target;
  #connection: UpstreamConnection | undefined;
  #chunked = false;
  #upgrading = false;
  #retried = false;
  #over = false;
  /** The request's body is being read from the client. */
  #reading = false;
  #sentMs = 0;
  #tunnelling = false;
  /** The answer has no body, or the client gets none. */
  #bodiless = false;
  /** What the upstream switched to. */
  #protocol = '';
  #requestTransforms: BodyTransform[] | undefined;
  /** Pieces of the answer that came while a policy made up its mind about its head. */
  #held: (Buffer | { readonly trailers: Fields | undefined })[] | undefined;

  constructor(exchange: Exchange, service: Service, target: Target) {
    this.#exchange = exchange;
    this.#service = service;
    this.#target = target;
  }

  start(): void {
    const exchange = this.#exchange;
    exchange.forward = this;
    introduce(exchange);
    this.#acquire(false);
  }

  #acquire(fresh: boolean): void {
    const exchange = this.#exchange;
    exchange.targetName = this.#target.name;
    exchange.attempts++;
    this.#target.pool.acquire(this, fresh);
  }

  // The way to the upstream.

  onConnecting(connection: UpstreamConnection): void {
    this.#connection = connection;
  }

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection;
    if (this.#over) return connection.cancel();
    const { request, downstream } = this.#exchange;
    const head = this.#requestHead();
    if (head === undefined) return downstream.flush();
    this.#sentMs = performance.now();
    connection.send(head, request.upstreamMethod, this.#chunked, this.#upgrading);
    if (request.bodyLength === 0) {
      connection.endRequest(undefined);
    } else {
      this.#exchange.bodySink = this;
      // RFC 9110 section 10.1.1: the upstream decides whether it wants the body.
      if (!request.expectContinue) {
        this.#reading = true;
        downstream.readBody();
      }
    }
    connection.flush();
  }

  /** undefined when a policy failed. */
  #requestHead(): string | undefined {
    const exchange = this.#exchange;
    const { request, route } = exchange;
    let fields = request.fields;
    const hooks = route.policies.onAttempt;
    if (hooks.length > 0) {
      fields = fields.clone();
      for (let i = 0; i < hooks.length; i++) {
        const entry = hooks[i] as (typeof hooks)[number];
        try {
          entry.hooks.onAttempt(exchange, fields);
        } catch (error) {
          failPolicy(exchange, entry.name, error);
          return undefined;
        }
      }
    }
    if (request.bodyLength !== 0 && route.policies.transformRequestBody.length > 0) {
      const opened = openTransforms(exchange, route.policies.transformRequestBody, askForRequest);
      if (opened === undefined) return undefined;
      if (opened.length > 0) this.#requestTransforms = opened;
    }
    if (route.policies.all.length > 0) {
      dropFraming(fields);
      if (!isSendable(request)) {
        failUnsendable(exchange);
        return undefined;
      }
    }
    this.#chunked =
      request.bodyLength < 0 || (request.bodyLength > 0 && this.#requestTransforms !== undefined);
    const host = upstreamHost(request, this.#service, this.#target);
    let text = upstreamHead(request, fields, host, this.#chunked);
    if (request.expectContinue && request.bodyLength !== 0) text += 'Expect: 100-continue\r\n';
    this.#upgrading = request.upgrade !== '';
    if (this.#upgrading) text += `Connection: upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
    else if (request.trailers) text += 'Connection: te\r\nTE: trailers\r\n';
    return `${text}\r\n`;
  }

  requestBody(data: Buffer, from: number, to: number): void {
    // A client need not wait for the upstream's word for ever (RFC 9110 section 10.1.1).
    this.#reading = true;
    if (this.#requestTransforms === undefined) return this.#writeRequest(data, from, to);
    const piece = this.#transformed(this.#requestTransforms, copyOf(data, from, to), false);
    if (piece !== undefined && piece.length > 0) this.#writeRequest(piece, 0, piece.length);
  }

  #writeRequest(data: Buffer, from: number, to: number): void {
    const connection = this.#connection;
    if (this.#over || connection === undefined) return;
    connection.write(data, from, to);
    this.#exchange.copy?.requestBody(data, from, to);
    if (connection.congested) this.#exchange.downstream.pauseBody();
  }

  requestBodyEnd(trailers: Fields | undefined): void {
    const transforms = this.#requestTransforms;
    const rest = transforms === undefined ? undefined : this.#transformed(transforms, undefined, true);
    if (this.#over) return;
    if (rest !== undefined && rest.length > 0) this.#writeRequest(rest, 0, rest.length);
    this.#connection?.endRequest(trailers);
    this.#exchange.copy?.requestBodyEnd(trailers);
  }

  flush(): void {
    this.#connection?.flush();
  }

  onDrain(): void {
    const { downstream } = this.#exchange;
    if (this.#tunnelling || this.#reading) downstream.readBody();
  }

  // The way back to the client.

  onInformational(head: ResponseHead): void {
    const { request, downstream, answered } = this.#exchange;
    if (head.status === 100) {
      // RFC 9110 section 15.2.1: without an expectation there is nothing to tell.
      if (!request.expectContinue || this.#reading) return;
      downstream.sendInformational(100, undefined);
      this.#reading = true;
      downstream.readBody();
    } else if (request.version !== 10 && !answered) {
      // RFC 9110 section 15.2: not to an HTTP/1.0 client.
      downstream.sendInformational(head.status, head.fields);
    }
  }

  onHead(head: ResponseHead): void {
    const exchange = this.#exchange;
    const { response } = exchange;
    exchange.upstreamMs = performance.now() - this.#sentMs;
    // RFC 9112 section 6.3: whatever policies make of it, no body comes with this answer.
    this.#bodiless = exchange.request.upstreamMethod === 'HEAD' || head.status === 204 || head.status === 304;
    response.status = head.status;
    response.fields = head.fields;
    response.contentLength = head.contentLength;
    if (head.status === 101) {
      this.#tunnelling = true;
      this.#protocol = head.upgrade;
    }
    this.#runUpstreamHooks(0);
  }

  #runUpstreamHooks(from: number): void {
    const exchange = this.#exchange;
    const entries = exchange.route.policies.onUpstreamResponse;
    for (let i = from; i < entries.length; i++) {
      const entry = entries[i] as (typeof entries)[number];
      let result: ReturnType<typeof entry.hooks.onUpstreamResponse>;
      try {
        result = entry.hooks.onUpstreamResponse(exchange);
      } catch (error) {
        return failPolicy(exchange, entry.name, error);
      }
      if (result === undefined) continue;
      if (isPending(result)) {
        void this.#awaitUpstreamHook(i, entry.name, result);
        return;
      }
      return answerOfPolicy(exchange, entry.name, result);
    }
    this.#sendResponseHead();
  }

  async #awaitUpstreamHook(
    at: number,
    policy: string,
    pending: PromiseLike<Answer | undefined | void>,
  ): Promise<void> {
    const exchange = this.#exchange;
    this.#held ??= [];
    this.#connection?.pause();
    try {
      const result = await pending;
      if (this.#over || exchange.ended) return;
      if (result === undefined) {
        this.#runUpstreamHooks(at + 1);
        this.#release();
      } else answerOfPolicy(exchange, policy, result);
    } catch (error) {
      failPolicy(exchange, policy, error);
    }
    exchange.downstream.flush();
  }

  /** Passes on what came while a policy was waited for. */
  #release(): void {
    const held = this.#held;
    if (held === undefined || !this.#exchange.answered) return;
    this.#held = undefined;
    this.#connection?.resume();
    for (const piece of held) {
      if (Buffer.isBuffer(piece)) this.onBody(piece, 0, piece.length);
      else this.onBodyEnd(piece.trailers);
    }
  }

  #sendResponseHead(): void {
    const exchange = this.#exchange;
    const { response, request, downstream, route } = exchange;
    if (!runResponseHooks(exchange)) return;
    if (this.#tunnelling) {
      downstream.switchProtocol(response, this.#protocol);
      return;
    }
    const comesWithout = this.#bodiless;
    this.#bodiless = request.method === 'HEAD' || response.status === 304 || response.status === 204;
    if (this.#bodiless) return downstream.sendHead(response, this.#statedLength());
    // A policy made an answer that may have a body of one that has none.
    if (comesWithout) return downstream.sendHead(response, 0);
    if (route.policies.transformResponseBody.length > 0) {
      const opened = openTransforms(exchange, route.policies.transformResponseBody, askForResponse);
      if (opened === undefined) return;
      if (opened.length > 0) exchange.responseTransforms = opened;
    }
    downstream.sendHead(response, exchange.responseTransforms === undefined ? response.contentLength : -1);
  }

  /** What an answer without a body says of the length that one would have (RFC 9110 section 8.6). */
  #statedLength(): number | undefined {
    const { status, contentLength } = this.#exchange.response;
    return status === 204 || contentLength < 0 ? undefined : contentLength;
  }

  onBody(data: Buffer, from: number, to: number): void {
    const exchange = this.#exchange;
    if (this.#held !== undefined) {
      this.#held.push(copyOf(data, from, to));
      return;
    }
    if (this.#over || this.#bodiless) return;
    if (exchange.responseTransforms === undefined) {
      exchange.downstream.sendBody(data, from, to);
    } else {
      const piece = this.#transformed(exchange.responseTransforms, copyOf(data, from, to), false);
      if (piece === undefined || piece.length === 0) return;
      exchange.downstream.sendBody(piece, 0, piece.length);
    }
    if (exchange.downstream.congested) this.#connection?.pause();
  }

  onBodyEnd(trailers: Fields | undefined): void {
    const exchange = this.#exchange;
    if (this.#held !== undefined) {
      this.#held.push({ trailers });
      this.#connection = undefined;
      return;
    }
    if (this.#over) return;
    if (exchange.responseTransforms !== undefined) {
      const rest = this.#transformed(exchange.responseTransforms, undefined, true);
      if (this.#over) return;
      if (rest !== undefined && rest.length > 0) exchange.downstream.sendBody(rest, 0, rest.length);
    }
    this.#connection = undefined;
    this.#over = true;
    exchange.forward = undefined;
    exchange.downstream.sendEnd(trailers);
  }

  onFlush(): void {
    this.#exchange.downstream.flush();
  }

  onFailure(failure: UpstreamFailure): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    this.#connection = undefined;
    if (
      failure.kind === 'stale' &&
      !this.#retried &&
      exchange.request.bodyLength === 0 &&
      IDEMPOTENT.has(exchange.request.upstreamMethod)
    ) {
      this.#retried = true;
      return this.#acquire(true);
    }
    this.#over = true;
    exchange.forward = undefined;
    const code = UPSTREAM_FAILURES[failure.kind];
    exchange.code = code;
    exchange.error = `${this.#target.name}: ${failure.cause}`;
    exchange.snapshot.recorder.upstreamFailed(this.#service.name, failure.kind);
    if (exchange.answered) breakOff(exchange);
    else refuse(exchange, code);
    exchange.downstream.flush();
  }

  onClientDrain(): void {
    if (this.#held === undefined) this.#connection?.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = undefined;
    this.#exchange.forward = undefined;
    this.#exchange.bodySink = undefined;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection === undefined) this.#target.pool.forget(this);
    else connection.cancel();
  }

  // A tunnel, once both sides agreed on one.

  tunnel(data: Buffer, from: number, to: number): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    connection.write(data, from, to);
    connection.flush();
    if (connection.congested) this.#exchange.downstream.pauseBody();
  }

  tunnelEnd(): void {
    this.#connection?.endTunnel();
  }

  leaveTunnel(): void {
    this.#over = true;
    this.#exchange.forward = undefined;
    this.#connection?.leaveTunnel();
    this.#connection = undefined;
  }

  onTunnelEnd(): void {
    this.#exchange.downstream.endTunnel();
  }

  /** undefined when a transform failed: the exchange is then already over. */
  #transformed(
    transforms: readonly BodyTransform[] | undefined,
    data: Buffer | undefined,
    last: boolean,
  ): Buffer | undefined {
    if (transforms === undefined) return data;
    let piece = data;
    for (let i = 0; i < transforms.length; i++) {
      const transform = transforms[i] as NamedTransform;
      try {
        const passed = piece === undefined || piece.length === 0 ? piece : transform.chunk(piece);
        piece = octetsOf(last ? joined(passed, transform.end?.()) : passed);
      } catch (error) {
        failPolicy(this.#exchange, transform.policy, error);
        return undefined;
      }
    }
    return piece;
  }
}

interface NamedTransform extends BodyTransform {
  policy: string;
}

const askForRequest = (entry: HookEntry<'transformRequestBody'>, exchange: Exchange) =>
  entry.hooks.transformRequestBody(exchange);
const askForResponse = (entry: HookEntry<'transformResponseBody'>, exchange: Exchange) =>
  entry.hooks.transformResponseBody(exchange);

/** What the policies want a body to pass through; undefined when one failed, which is then answered. */
function openTransforms<Entry extends { readonly name: string }>(
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
