import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Deadline } from '../lib/deadlines.ts';
import { type Permit, REJECTED } from '../upstream/breaker/breaker.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import type { UpstreamFailure, UpstreamFailureKind } from '../upstream/failure.ts';
import { OVERLOADED } from '../upstream/service.ts';
import type { Outcome, Target } from '../upstream/target.ts';
import type { Exchange, RequestCopy } from './exchange.ts';
import type { Mirror } from './mirror.ts';
import { dropFraming } from './own-fields.ts';
import type { Recorder } from './recorder.ts';
import { requestLines, upstreamHost } from './request-text.ts';

/** In every copy: its receiver can tell it from a request that somebody waits for. */
const MIRRORED_FIELD = 'X-Mirrored';
/** Who has it is a copy already: two gateways that mirror each other must not send it to and fro. */
const MIRRORED = MIRRORED_FIELD.toLowerCase();

/** An answer is read to its end so that its connection can be used again; one beyond these bounds is not worth it. */
const MAX_ANSWER_BYTES = 1024 * 1024;
const MAX_ANSWER_MS = 10_000;

/** First size of the memory for a body that has to wait. */
const FIRST_BYTES = 4096;

/** A copy of the request, which takes its body from now on and is sent by `send`; undefined for a request that is not copied. */
export function openCopy(mirror: Mirror, exchange: Exchange): MirrorCopy | undefined {
  const { request, snapshot } = exchange;
  if (!mirror.draw()) return undefined;
  // A tunnel is a conversation: it has no copy.
  if (request.upgrade !== '' || request.fields.has(MIRRORED)) return undefined;
  return mirror.begin(snapshot.recorder) ? new MirrorCopy(mirror, exchange) : undefined;
}

/**
 * One request on its way to a mirror. Nothing of the original waits for it: it takes the body as the original sends it on, keeps what the
 * mirror does not take yet up to a bound, and gives itself up beyond it.
 */
class MirrorCopy implements UpstreamListener, RequestCopy, Deadline {
  /** Of the answer's end, once it has begun. What comes before has the timeouts of the mirror's service. */
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly #mirror: Mirror;
  readonly #recorder: Recorder;
  readonly #method: string;
  readonly #chunked: boolean;
  #head = '';
  /** Of the service, once it has let the copy in. */
  #admitted: Permit = REJECTED;
  /** There once it has let the copy begin, with that permit. */
  #target: Target | undefined;
  #permit: Permit = REJECTED;
  #sentMs = 0;
  #connection: UpstreamConnection | undefined;
  /** The head was sent on the connection. */
  #begun = false;
  /** Octets of the body that wait: `#kept[0, #keptBytes)`. */
  #kept: Buffer | undefined;
  #keptBytes = 0;
  /** The original's body is complete. */
  #complete: boolean;
  #trailers: Fields | undefined;
  /** Nothing of the request is left to send. */
  #sent = false;
  #answered = false;
  #answerBytes = 0;
  #over = false;

  constructor(mirror: Mirror, exchange: Exchange) {
    const { request, route } = exchange;
    this.#mirror = mirror;
    this.#recorder = exchange.snapshot.recorder;
    this.#method = request.upstreamMethod;
    // What comes out of a transform has another length.
    this.#chunked =
      request.bodyLength < 0 || (request.bodyLength > 0 && route.policies.transformRequestBody.length > 0);
    this.#complete = request.bodyLength === 0;
    if (!this.#complete) exchange.copy = this;
  }

  /** Sends the copy, once the original is on its way: the fields that introduce the client are then there. */
  send(exchange: Exchange): void {
    if (this.#over) return;
    // Refused before it was sent, such as by a policy.
    if (exchange.ended) return this.#lose('dropped', 'the original was not sent');
    const { request, route } = exchange;
    const { service } = this.#mirror;
    // As any request to that service: a mirror must not push over what guards itself.
    const admitted = service.admit();
    if (admitted === REJECTED || admitted === OVERLOADED)
      return this.#lose('dropped', 'its service takes no more requests now');
    this.#admitted = admitted;
    const target = service.pick(exchange);
    if (target === undefined) return this.#lose('failed', 'it has no target');
    this.#permit = target.begin();
    if (this.#permit === REJECTED)
      return this.#lose('dropped', `the circuit breaker of ${target.name} refuses`);
    this.#target = target;
    if (route.policies.all.length > 0) dropFraming(request.fields);
    const head = requestLines(request, upstreamHost(request, service, target), request.fields, this.#chunked);
    this.#head = `${head}${MIRRORED_FIELD}: true\r\n\r\n`;
    target.pool.acquire(this, false);
  }

  // The original's body, as it is sent on.

  requestBody(data: Buffer, from: number, to: number): void {
    if (this.#over) return;
    const connection = this.#connection;
    if (connection === undefined || !this.#begun || connection.congested) return this.#keep(data, from, to);
    connection.write(data, from, to);
    connection.flush();
  }

  requestBodyEnd(trailers: Fields | undefined): void {
    this.#complete = true;
    this.#trailers = trailers;
    if (this.#connection !== undefined && this.#begun && this.#keptBytes === 0)
      this.#endRequest(this.#connection);
  }

  originalEnded(): void {
    if (!this.#complete) this.#lose('dropped', 'the original ended within its body');
  }

  #keep(data: Buffer, from: number, to: number): void {
    const bytes = this.#keptBytes + (to - from);
    const limit = this.#mirror.bufferBytes;
    if (bytes > limit)
      return this.#lose('dropped', `its body comes faster than it is taken: more than ${limit} octets wait`);
    const kept = this.#kept;
    if (kept === undefined || bytes > kept.length) {
      const size = Math.min(limit, Math.max(bytes, 2 * (kept?.length ?? 0), FIRST_BYTES));
      this.#kept = Buffer.allocUnsafeSlow(size);
      kept?.copy(this.#kept, 0, 0, this.#keptBytes);
    }
    data.copy(this.#kept as Buffer, this.#keptBytes, from, to);
    this.#keptBytes = bytes;
  }

  // The way to the mirror.

  onConnecting(connection: UpstreamConnection): void {
    this.#connection = connection;
  }

  onConnection(connection: UpstreamConnection): void {
    this.#connection = connection;
    this.#begun = true;
    this.#sentMs = performance.now();
    connection.send(this.#head, this.#method, this.#chunked, '');
    this.#head = '';
    this.#sendKept(connection);
  }

  onDrain(): void {
    if (this.#connection !== undefined && this.#begun) this.#sendKept(this.#connection);
  }

  #sendKept(connection: UpstreamConnection): void {
    const kept = this.#kept;
    if (kept !== undefined) connection.write(kept, 0, this.#keptBytes);
    // The write has it now, whether it is done or not.
    this.#kept = undefined;
    this.#keptBytes = 0;
    if (this.#complete && !this.#sent) this.#endRequest(connection);
    else connection.flush();
  }

  #endRequest(connection: UpstreamConnection): void {
    this.#sent = true;
    this.#sentMs = performance.now();
    connection.endRequest(this.#trailers);
    connection.flush();
  }

  // The answer, which nobody reads.

  onInformational(): void {}

  onHead({ status }: ResponseHead): void {
    this.#tell(status, performance.now() - this.#sentMs);
    this.#answered = true;
    this.#mirror.sent(this.#recorder);
    const { deadlines } = this.#mirror;
    this.deadlineMs = deadlines.after(MAX_ANSWER_MS);
    deadlines.add(this);
  }

  onBody(_data: Buffer, from: number, to: number): void {
    this.#answerBytes += to - from;
    if (this.#answerBytes > MAX_ANSWER_BYTES) this.#giveUp();
  }

  onDeadline(): void {
    this.#giveUp();
  }

  onBodyEnd(): void {
    this.#release();
  }

  onFlush(): void {}

  /** No tunnel is asked for. */
  onTunnelEnd(): void {}

  onFailure({ kind, cause }: UpstreamFailure): void {
    if (this.#over) return;
    if (!this.#answered) this.#tell(kind, this.#begun ? performance.now() - this.#sentMs : -1);
    this.#release(this.#answered ? kind : undefined);
    if (this.#answered) return;
    this.#recorder.upstreamFailed(this.#mirror.service.name, kind);
    const asked = `${this.#target?.name}: ${cause}`;
    this.#mirror.lost(this.#recorder, kind === 'overloaded' ? 'dropped' : 'failed', asked);
  }

  #lose(outcome: 'failed' | 'dropped', cause: string): void {
    if (this.#over) return;
    this.#giveUp();
    if (!this.#answered) this.#mirror.lost(this.#recorder, outcome, cause);
  }

  /** What is under way is of no further use. */
  #giveUp(): void {
    const connection = this.#connection;
    // What is given up before its answer was not whole yet.
    if (!this.#answered) this.#tell('abandoned', -1);
    this.#release();
    if (connection === undefined) this.#target?.pool.forget(this);
    else connection.cancel();
  }

  /** What became of it, as far as its service let it in: once, before it is released. */
  #tell(outcome: Outcome, latencyMs: number): void {
    this.#target?.report(this.#permit, outcome, latencyMs);
    if (this.#admitted !== REJECTED) this.#mirror.service.report(this.#admitted, outcome, latencyMs);
  }

  /** `broken` is how its answer broke off. */
  #release(broken?: UpstreamFailureKind): void {
    if (this.#over) return;
    this.#over = true;
    this.#target?.end(broken);
    if (this.#admitted !== REJECTED) this.#mirror.service.end();
    this.#connection = undefined;
    this.#kept = undefined;
    this.#mirror.deadlines.remove(this);
    this.#mirror.end();
  }
}
