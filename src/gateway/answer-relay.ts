import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { copyOf } from '../lib/octets.ts';
import type { Answer } from '../policy/contract.ts';
import { answerOfPolicy, failPolicy, isPending, runResponseHooks } from './answer.ts';
import { AnswerBodyCheck, type CheckedAnswer } from './answer-body-check.ts';
import type { AnswerReceiver, Attempt } from './attempt.ts';
import type { Exchange } from './exchange.ts';
import { openResponseTransforms, transformed } from './transforms.ts';

/** Passes the answer of an attempt on to the client, by way of the policies. */
export class AnswerRelay implements AnswerReceiver, CheckedAnswer {
  readonly #exchange: Exchange;
  readonly #attempt: Attempt;
  /** The answer has no body, or the client gets none. */
  #bodiless = false;
  /** What the upstream switched to, of a 101. */
  #protocol: string | undefined;
  /** Pieces of the answer that came while a policy made up its mind about its head. */
  #held: (Buffer | { readonly trailers: Fields | undefined })[] | undefined;
  /** There while policies have not seen the body that they want to see. */
  #check: AnswerBodyCheck | undefined;
  /** Of a body that is complete and still checked. */
  #complete: { readonly trailers: Fields | undefined } | undefined;

  constructor(exchange: Exchange, attempt: Attempt) {
    this.#exchange = exchange;
    this.#attempt = attempt;
  }

  /** The upstream is to wait until a policy knows what it wants. */
  get holds(): boolean {
    return this.#held !== undefined;
  }

  start(head: ResponseHead): void {
    const { request, response, snapshot } = this.#exchange;
    snapshot.ownCredentials?.takeOffAnswer(head.fields);
    // RFC 9112 section 6.3: whatever policies make of it, no body comes with this answer.
    this.#bodiless = request.upstreamMethod === 'HEAD' || head.status === 204 || head.status === 304;
    response.status = head.status;
    response.fields = head.fields;
    response.contentLength = head.contentLength;
    if (head.status === 101) this.#protocol = head.upgrade;
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
    if (
      exchange.route.policies.onResponseBody.length > 0 &&
      !this.#bodiless &&
      this.#protocol === undefined
    ) {
      this.#check = new AnswerBodyCheck(exchange, this);
      this.#check.start();
    } else {
      this.#sendHead();
    }
  }

  onPassed(octets: Buffer): void {
    const { response } = this.#exchange;
    const complete = this.#complete;
    this.#check = undefined;
    if (complete !== undefined) response.contentLength = octets.length;
    this.#sendHead();
    this.onBody(octets, 0, octets.length);
    if (complete !== undefined) this.onBodyEnd(complete.trailers);
  }

  async #awaitUpstreamHook(
    at: number,
    policy: string,
    pending: PromiseLike<Answer | undefined | void>,
  ): Promise<void> {
    const exchange = this.#exchange;
    this.#held ??= [];
    this.#attempt.connection?.pause();
    try {
      const result = await pending;
      if (exchange.ended) return;
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
    if (held === undefined || !(this.#exchange.answered || this.#check !== undefined)) return;
    this.#held = undefined;
    this.#attempt.connection?.resume();
    for (const piece of held) {
      if (Buffer.isBuffer(piece)) this.onBody(piece, 0, piece.length);
      else this.onBodyEnd(piece.trailers);
    }
  }

  #sendHead(): void {
    const exchange = this.#exchange;
    const { response, request, downstream, route } = exchange;
    if (!runResponseHooks(exchange)) return;
    if (this.#protocol !== undefined) {
      downstream.switchProtocol(response, this.#protocol);
      return;
    }
    const comesWithout = this.#bodiless;
    this.#bodiless = request.method === 'HEAD' || response.status === 304 || response.status === 204;
    if (this.#bodiless) return downstream.sendHead(response, this.#statedLength());
    // A policy made an answer that may have a body of one that has none.
    if (comesWithout) return downstream.sendHead(response, 0);
    if (route.policies.transformResponseBody.length > 0) {
      const opened = openResponseTransforms(exchange);
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
    if (this.#check?.add(data, from, to) === true) return;
    if (exchange.ended || this.#bodiless || from === to) return;
    if (exchange.responseTransforms === undefined) {
      exchange.downstream.sendBody(data, from, to);
    } else {
      const piece = transformed(exchange, exchange.responseTransforms, copyOf(data, from, to), false);
      if (piece === undefined || piece.length === 0) return;
      exchange.downstream.sendBody(piece, 0, piece.length);
    }
    if (exchange.downstream.congested) this.#attempt.connection?.pause();
  }

  onBodyEnd(trailers: Fields | undefined): void {
    const exchange = this.#exchange;
    if (this.#held !== undefined) {
      this.#held.push({ trailers });
      return;
    }
    if (exchange.ended) return;
    if (this.#check !== undefined) {
      this.#complete = { trailers };
      return this.#check.end();
    }
    if (exchange.responseTransforms !== undefined) {
      const rest = transformed(exchange, exchange.responseTransforms, undefined, true);
      if (exchange.ended) return;
      if (rest !== undefined && rest.length > 0) exchange.downstream.sendBody(rest, 0, rest.length);
    }
    exchange.forward = undefined;
    exchange.downstream.sendEnd(trailers);
  }

  /** Nobody waits for the answer any more. */
  cancel(): void {
    this.#check?.cancel();
  }

  onTunnelEnd(): void {
    this.#exchange.downstream.endTunnel();
  }
}
