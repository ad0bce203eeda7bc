import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import { copyOf } from '../lib/octets.ts';
import type { Answer, BodyTransform } from '../policy/contract.ts';
import { type Permit, REJECTED } from '../upstream/breaker/breaker.ts';
import type { UpstreamFailure } from '../upstream/failure.ts';
import { isIdempotent, type RetryPolicy } from '../upstream/retry/policy.ts';
import { OVERLOADED, type Service } from '../upstream/service.ts';
import type { Outcome, Target } from '../upstream/target.ts';
import { answerOfPolicy, breakOff, refuse } from './answer.ts';
import { AnswerRelay } from './answer-relay.ts';
import { Attempt, type AttemptOwner } from './attempt.ts';
import type { RequestBodySink } from './downstream.ts';
import type { Cancellable, Exchange } from './exchange.ts';
import { type FailureCode, UPSTREAM_FAILURES } from './failure.ts';
import { fallBack, type Refusal } from './fall-back.ts';
import { introduce } from './identify.ts';
import { Replay } from './replay.ts';
import { attemptFields, makeSendable, requestText, upstreamHost } from './request-text.ts';
import { mayRepeat, Retries, type RetryOwner } from './retries.ts';
import { Review, type ReviewOwner } from './review.ts';
import { openRequestTransforms, transformed } from './transforms.ts';

/** Of a body that a policy may want sent again, where the service has no `retry` that says how much is kept. */
const RESENT_BYTES = 64 * 1024;

/**
 * Carries one exchange to a service and its answer back, piece by piece: neither body is kept, but for what a retry may need, and whichever
 * side is slower sets the pace of the other. It makes attempts until the head of one answer is accepted; from then on there is no way back.
 */
export class Forward implements AttemptOwner, RetryOwner, ReviewOwner, RequestBodySink, Cancellable {
  readonly #exchange: Exchange;
  readonly #service: Service;
  /** Of the service, until it is told what became of the request; then `REJECTED`. */
  #permit: Permit = REJECTED;
  /** The attempt under way, the newer one of two; once a head is accepted, the one that it belongs to. */
  #attempt: Attempt | undefined;
  /** What was sent of a body that may have to be sent again; gone once a head is accepted. */
  #replay: Replay | undefined;
  /** Not before it is needed, and gone once a head is accepted. */
  #retries: Retries | undefined;
  /** There once a head is accepted. */
  #relay: AnswerRelay | undefined;
  /** At the service that this one stands in for. */
  readonly #attemptsElsewhere: number;
  /** It was tried once more since a kept connection was closed. */
  #mended = false;
  /** Of an answer that came. */
  #review: Review | undefined;
  /** How often the request was sent again because a policy said so. */
  #resends = 0;
  readonly #mayResend: boolean;
  #over = false;
  /** The request's body is being read from the client, or was. */
  #reading = false;
  #tunnelling = false;
  /** undefined until they are asked for: a request has them once, however often it is sent. */
  #requestTransforms: readonly BodyTransform[] | undefined;

  /** `mayResend`: no policy has had the request sent again yet. */
  constructor(exchange: Exchange, service: Service, mayResend = true) {
    this.#exchange = exchange;
    this.#service = service;
    this.#attemptsElsewhere = exchange.attempts;
    this.#mayResend =
      mayResend && exchange.route.policies.retryWith.length > 0 && exchange.request.upgrade === '';
  }

  start(): void {
    const exchange = this.#exchange;
    const service = this.#service;
    exchange.serviceName = service.name;
    introduce(exchange);
    const permit = service.admit();
    if (permit === REJECTED) return this.#turnAway('circuit_open');
    if (permit === OVERLOADED) return this.#turnAway('overloaded');
    this.#permit = permit;
    exchange.service = service;
    exchange.forward = this;
    const policy = service.retryPolicy;
    if (policy !== undefined && policy.hedgeMs > 0) this.#retries = new Retries(exchange, policy, this);
    if (exchange.request.bodyLength !== 0) this.#keepBody(policy);
    if (!this.#beginAnywhere(false)) this.#leave(this.#lack);
  }

  /** From now on, if it may have to be sent again. */
  #keepBody(policy: RetryPolicy | undefined): void {
    const { request, route, bodySource, downstream } = this.#exchange;
    if (!this.#mayResend && (policy === undefined || !mayRepeat(policy, request))) return;
    const lasts = bodySource !== downstream && route.policies.transformRequestBody.length === 0;
    this.#replay = new Replay(policy?.bodyLimitBytes ?? RESENT_BYTES, request.bodyLength, lasts);
  }

  /** Why no target can be asked. */
  get #lack(): Refusal {
    return this.#service.askable.length > 0 ? 'circuit_open' : 'no_target';
  }

  /** The service does not take the request after all. */
  #leave(refusal: Refusal): void {
    this.cancel();
    this.#service.end();
    this.#exchange.service = undefined;
    this.#turnAway(refusal);
  }

  #turnAway(refusal: Refusal): void {
    const exchange = this.#exchange;
    // What was read from the client is not there for another service.
    const bodyIsThere = !this.#reading || exchange.bodySource.rewindBody();
    const instead = fallBack(exchange, this.#service, refusal, bodyIsThere);
    if (instead === undefined) return;
    if (this.#reading) this.#completeCopy();
    new Forward(exchange, instead, this.#resends === 0).start();
  }

  /** A mirror has had the body already. */
  #completeCopy(): void {
    this.#exchange.copy?.originalEnded();
    this.#exchange.copy = undefined;
  }

  /** The service learns once what became of the request. */
  #tell(outcome: Outcome, latencyMs: number): void {
    if (this.#permit === REJECTED) return;
    this.#service.report(this.#permit, outcome, latencyMs);
    this.#permit = REJECTED;
  }

  // The attempts.

  get attempts(): number {
    return this.#exchange.attempts - this.#attemptsElsewhere - (this.#mended ? 1 : 0) - this.#resends;
  }

  get hasBody(): boolean {
    return this.#replay === undefined ? this.#exchange.request.bodyLength === 0 : !this.#replay.lost;
  }

  /** False when no target may be asked. */
  #beginAnywhere(charged: boolean): boolean {
    const service = this.#service;
    const target = service.pick(this.#exchange, this.#retries?.tried);
    if (target !== undefined && (this.#begin(target, false, charged) || this.#beginElsewhere(charged)))
      return true;
    if (charged) service.retryPolicy?.context.budget.giveBack();
    return false;
  }

  /** The breaker of the target that was picked refuses: another one is taken that lets the attempt begin. */
  #beginElsewhere(charged: boolean): boolean {
    const { askable } = this.#service;
    const from = Math.floor(Math.random() * askable.length);
    for (let i = 0; i < askable.length; i++) {
      const target = askable[(from + i) % askable.length] as Target;
      if (this.#retries?.tried.includes(target) !== true && this.#begin(target, false, charged)) return true;
    }
    return false;
  }

  /** False when the target may not be asked. The attempt may be over already when this returns. */
  #begin(target: Target, fresh: boolean, charged: boolean): boolean {
    const permit = target.begin();
    if (permit === REJECTED) return false;
    const exchange = this.#exchange;
    exchange.targetName = target.name;
    exchange.attempts++;
    const attempt = new Attempt(this, target, permit, this.#service.retryPolicy, charged);
    this.#attempt = attempt;
    if (exchange.request.bodyLength === 0) this.#retries?.awaitHedge();
    attempt.start(fresh);
    return true;
  }

  onRetryDue(): void {
    if (!this.#beginAnywhere(true)) {
      // Else there would be no retry.
      this.#tell('refused', -1);
      this.#leave(this.#lack);
    }
    this.#exchange.downstream.flush();
  }

  onHedgeDue(): void {
    const first = this.#attempt;
    const retries = this.#retries;
    if (first === undefined || retries === undefined) return;
    retries.rival = first;
    retries.avoid(first.target);
    if (!this.#beginAnywhere(true)) retries.rival = undefined;
    this.#exchange.downstream.flush();
  }

  /** An attempt brings nothing. True when another one is under way, which may. */
  #goesOnWithout(attempt: Attempt): boolean {
    const rival = this.#retries?.rival;
    if (this.#retries === undefined || rival === undefined) return false;
    if (attempt === this.#attempt) this.#attempt = rival;
    this.#retries.rival = undefined;
    return true;
  }

  onFailure(attempt: Attempt, failure: UpstreamFailure): void {
    if (this.#over) return;
    const exchange = this.#exchange;
    // It comes again when the answer is used after all.
    if (this.#review !== undefined) return this.#review.fail(failure);
    exchange.snapshot.recorder.upstreamFailed(this.#service.name, failure.kind);
    if (this.#relay === undefined) {
      if (this.#goesOnWithout(attempt)) return;
      this.#attempt = undefined;
      if (this.#mends(attempt, failure) || this.#follows(attempt, failure)) return;
    }
    this.#tell(failure.kind, attempt.latencyMs);
    exchange.error = `${attempt.target.name}: ${failure.cause}`;
    if (failure.kind === 'overloaded') this.#leave('overloaded');
    else this.#fail(UPSTREAM_FAILURES[failure.kind]);
    exchange.downstream.flush();
  }

  /** A kept connection that was closed meanwhile says nothing of its target: where nothing can happen twice, it is asked again at once. */
  #mends(attempt: Attempt, { kind }: UpstreamFailure): boolean {
    const { request } = this.#exchange;
    if (kind !== 'stale' || this.#mended || !isIdempotent(request.upstreamMethod)) return false;
    if (!this.hasBody) return false;
    this.#mended = true;
    return this.#begin(attempt.target, true, false);
  }

  #follows(attempt: Attempt, failure: UpstreamFailure): boolean {
    const policy = this.#service.retryPolicy;
    return policy !== undefined && this.#retriesOf(policy).followFailure(attempt, failure);
  }

  #retriesOf(policy: RetryPolicy): Retries {
    return (this.#retries ??= new Retries(this.#exchange, policy, this));
  }

  #fail(code: FailureCode): void {
    const exchange = this.#exchange;
    this.cancel();
    exchange.code = code;
    if (exchange.answered) breakOff(exchange);
    else refuse(exchange, code);
  }

  /** A service that has the whole request and does not answer, or is tried again, is to blame. */
  expire(): void {
    const attempt = this.#attempt;
    if (attempt === undefined) this.#tell('try_timeout', -1);
    else if (attempt.owesAnswer) {
      attempt.cancel('try_timeout');
      this.#tell('try_timeout', attempt.latencyMs);
    }
    this.cancel();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#exchange.forward = undefined;
    this.#exchange.bodySink = undefined;
    this.#retries?.stop();
    this.#review?.stop();
    this.#attempt?.cancel();
    this.#relay?.cancel();
    this.#tell('abandoned', this.#attempt?.latencyMs ?? -1);
  }

  // The way to the upstream.

  onReady(attempt: Attempt): void {
    const exchange = this.#exchange;
    const { request, route, downstream } = exchange;
    const fields = attemptFields(exchange);
    if (fields === undefined) return downstream.flush();
    const hasBody = request.bodyLength !== 0;
    if (hasBody && this.#requestTransforms === undefined && route.policies.transformRequestBody.length > 0) {
      const opened = openRequestTransforms(exchange);
      if (opened === undefined) return downstream.flush();
      this.#requestTransforms = opened;
    }
    if (!makeSendable(exchange, fields)) return downstream.flush();
    const chunked = request.bodyLength < 0 || (hasBody && this.#transforms !== undefined);
    const expecting = request.expectContinue && !this.#reading;
    const text = requestText(
      request,
      upstreamHost(request, this.#service, attempt.target),
      fields,
      chunked,
      expecting,
    );
    attempt.send(text, request.upstreamMethod, chunked, request.upgrade);
    if (hasBody) this.#sendBody(attempt);
    else attempt.endRequest(undefined);
    attempt.connection?.flush();
  }

  /** undefined when the body is sent as it is. */
  get #transforms(): readonly BodyTransform[] | undefined {
    const transforms = this.#requestTransforms;
    return transforms === undefined || transforms.length === 0 ? undefined : transforms;
  }

  #sendBody(attempt: Attempt): void {
    const { request, bodySource } = this.#exchange;
    this.#exchange.bodySink = this;
    if (this.#reading) {
      const replay = this.#replay;
      replay?.sendTo(attempt);
      if (replay?.whole !== true) bodySource.readBody();
    } else if (!request.expectContinue) {
      this.#reading = true;
      bodySource.readBody();
    }
  }

  requestBody(data: Buffer, from: number, to: number): void {
    // A client need not wait for the upstream's word for ever (RFC 9110 section 10.1.1).
    this.#reading = true;
    const transforms = this.#transforms;
    if (transforms === undefined) return this.#writeRequest(data, from, to);
    const piece = transformed(this.#exchange, transforms, copyOf(data, from, to), false);
    if (piece !== undefined && piece.length > 0) this.#writeRequest(piece, 0, piece.length);
  }

  #writeRequest(data: Buffer, from: number, to: number): void {
    if (this.#over) return;
    const attempt = this.#attempt;
    const sending = attempt?.sent === true;
    this.#replay?.keep(data, from, to, sending);
    this.#exchange.copy?.requestBody(data, from, to);
    const connection = sending ? attempt.connection : undefined;
    connection?.write(data, from, to);
    // Between two attempts it is kept, and the rest has to wait.
    if (!sending || connection?.congested === true) this.#exchange.bodySource.pauseBody();
  }

  requestBodyEnd(trailers: Fields | undefined): void {
    // Some services add them to the other fields.
    if (trailers !== undefined) this.#exchange.snapshot.identityFields?.strip(trailers);
    const transforms = this.#transforms;
    const rest =
      transforms === undefined ? undefined : transformed(this.#exchange, transforms, undefined, true);
    if (this.#over) return;
    if (rest !== undefined && rest.length > 0) this.#writeRequest(rest, 0, rest.length);
    this.#replay?.end(trailers);
    this.#exchange.copy?.requestBodyEnd(trailers);
    const attempt = this.#attempt;
    if (attempt?.sent !== true) return;
    attempt.endRequest(trailers);
    attempt.restartClock();
    if (this.#review === undefined) this.#retries?.awaitHedge();
  }

  flush(): void {
    this.#attempt?.connection?.flush();
  }

  onDrain(): void {
    if (this.#tunnelling) this.#exchange.downstream.readBody();
    else if (this.#reading) this.#exchange.bodySource.readBody();
  }

  // The way back to the client.

  onInformational(attempt: Attempt, head: ResponseHead): void {
    const { request, downstream, answered } = this.#exchange;
    if (head.status === 100) {
      // RFC 9110 section 15.2.1: without an expectation there is nothing to tell.
      if (!request.expectContinue || this.#reading) return;
      downstream.sendInformational(100, undefined);
      this.#reading = true;
      downstream.readBody();
    } else if (request.version !== 10 && !answered && this.#mayInform(attempt)) {
      // RFC 9110 section 15.2: not to an HTTP/1.0 client. No policy sees it, so that it sets no cookie that one would take off.
      head.fields.delete('set-cookie');
      downstream.sendInformational(head.status, head.fields);
    }
  }

  #mayInform(attempt: Attempt): boolean {
    const policy = this.#service.retryPolicy;
    return policy === undefined || this.#retriesOf(policy).mayInform(attempt);
  }

  onHead(attempt: Attempt, head: ResponseHead): void {
    if (!this.#mayResend || this.#resends > 0 || !this.hasBody) return this.#take(attempt, head);
    this.#review = new Review(this.#exchange, attempt, head, this);
    this.#review.start();
  }

  onReviewPending({ attempt }: Review): void {
    this.#keepOnly(attempt);
  }

  onReviewed(review: Review, again: boolean): void {
    const { attempt, head } = review;
    this.#review = undefined;
    // Of a body too much may have come meanwhile.
    if (again && this.hasBody && this.#sendAgain(attempt)) return;
    attempt.connection?.resume();
    this.#take(attempt, head);
    if (this.#relay === undefined) return;
    const failure = review.release(this.#relay);
    if (failure !== undefined) this.onFailure(attempt, failure);
  }

  onReplaced({ attempt, head }: Review, policy: string, answer: Answer): void {
    this.#review = undefined;
    this.#keepOnly(attempt);
    this.#tell(head.status, attempt.latencyMs);
    this.#exchange.upstreamMs = attempt.latencyMs;
    attempt.discard(this.#service.deadlines);
    this.#attempt = undefined;
    answerOfPolicy(this.#exchange, policy, answer);
    this.#exchange.downstream.flush();
  }

  /** False when no target may be asked. */
  #sendAgain(refused: Attempt): boolean {
    this.#keepOnly(refused);
    this.#resends++;
    if (this.#beginAnywhere(false)) {
      refused.discard(this.#service.deadlines);
      return true;
    }
    this.#resends--;
    return false;
  }

  /** Of two attempts under way the other one ends, and no further one follows. */
  #keepOnly(attempt: Attempt): void {
    const retries = this.#retries;
    if (retries !== undefined) {
      if (retries.rival === attempt) retries.rival = this.#attempt;
      retries.stop();
    }
    this.#attempt = attempt;
  }

  /** The answer is used, unless a better one may come. */
  #take(attempt: Attempt, head: ResponseHead): void {
    const policy = this.#service.retryPolicy;
    if (policy?.conditions.meetsStatus(head.status) === true && this.#hopesForBetter(attempt, head, policy))
      return attempt.discard(policy.deadlines);
    const exchange = this.#exchange;
    this.#keepOnly(attempt);
    this.#retries = undefined;
    this.#replay = undefined;
    this.#tunnelling = head.status === 101;
    this.#tell(head.status, attempt.latencyMs);
    exchange.targetName = attempt.target.name;
    exchange.upstreamMs = attempt.latencyMs;
    const relay = new AnswerRelay(exchange, attempt);
    this.#relay = relay;
    attempt.accept(relay);
    const cookie = this.#service.cookieFor(exchange, attempt.target);
    if (cookie !== undefined) exchange.answerFields.push('set-cookie', 'Set-Cookie', cookie);
    relay.start(head);
  }

  /** Whether an answer that may be followed by another attempt is. */
  #hopesForBetter(attempt: Attempt, head: ResponseHead, policy: RetryPolicy): boolean {
    if (this.#goesOnWithout(attempt)) return true;
    if (!this.#retriesOf(policy).followAnswer(attempt, head)) return false;
    this.#attempt = undefined;
    return true;
  }

  onFlush(): void {
    this.#exchange.downstream.flush();
  }

  onClientDrain(): void {
    if (this.#relay?.holds === false) this.#attempt?.connection?.resume();
  }

  // A tunnel, once both sides agreed on one.

  tunnel(data: Buffer, from: number, to: number): void {
    const connection = this.#attempt?.connection;
    if (connection === undefined) return;
    connection.write(data, from, to);
    connection.flush();
    if (connection.congested) this.#exchange.downstream.pauseBody();
  }

  tunnelEnd(): void {
    this.#attempt?.connection?.endTunnel();
  }

  leaveTunnel(): void {
    this.#over = true;
    this.#exchange.forward = undefined;
    this.#attempt?.leaveTunnel();
  }
}
