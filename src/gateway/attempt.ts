import type { BodySink } from '../http/body-reader.ts';
import type { Fields } from '../http/fields.ts';
import type { ResponseHead } from '../http/response-head.ts';
import type { Deadline, Deadlines } from '../lib/deadlines.ts';
import type { Permit } from '../upstream/breaker/breaker.ts';
import type { UpstreamConnection, UpstreamListener } from '../upstream/connection.ts';
import type { UpstreamFailure, UpstreamFailureKind } from '../upstream/failure.ts';
import type { RetryPolicy } from '../upstream/retry/policy.ts';
import type { Target } from '../upstream/target.ts';

/** Whom an attempt is made for. */
export interface AttemptOwner {
  /** There is a connection: the request is to be sent. */
  onReady(attempt: Attempt): void;
  onInformational(attempt: Attempt, head: ResponseHead): void;
  /** The answer's head: it is to be accepted, discarded or cancelled. */
  onHead(attempt: Attempt, head: ResponseHead): void;
  /** What was told so far belongs together. */
  onFlush(): void;
  onDrain(): void;
  onFailure(attempt: Attempt, failure: UpstreamFailure): void;
}

/** Who takes the answer that was accepted. */
export interface AnswerReceiver extends BodySink {
  onBodyEnd(trailers: Fields | undefined): void;
  onTunnelEnd(): void;
}

/** An answer that is not wanted is read on, to keep its connection, up to this size and time; beyond it closing is cheaper. */
const DISCARD_BYTES = 64 * 1024;
const DISCARD_MS = 1000;

type State = 'waiting' | 'answering' | 'discarding' | 'over';

/** One try at one target: gets a connection, sends what it is told, and hands on what comes back as long as it is wanted. */
export class Attempt implements UpstreamListener, Deadline {
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly target: Target;
  /** The head of the request went out: the target may have acted on it. */
  sent = false;
  /** From the request's being sent to the head of its answer, or to its failure; -1 before that, and where it was not sent. */
  latencyMs = -1;
  connection: UpstreamConnection | undefined = undefined;
  readonly #owner: AttemptOwner;
  readonly #permit: Permit;
  readonly #policy: RetryPolicy | undefined;
  /** There once its answer is accepted. */
  #receiver: AnswerReceiver | undefined;
  /** It is counted against the budget of retries. */
  #charged: boolean;
  #state: State = 'waiting';
  #sentMs = 0;
  /** Nothing more of the request is to be sent. */
  #whole = false;
  #discarded = 0;
  /** Where its deadline is, while it has one. */
  #deadlines: Deadlines | undefined;

  /** The target has let it begin. `charged` to the budget of `policy`, which is let go of here. */
  constructor(
    owner: AttemptOwner,
    target: Target,
    permit: Permit,
    policy: RetryPolicy | undefined,
    charged: boolean,
  ) {
    this.#owner = owner;
    this.target = target;
    this.#permit = permit;
    this.#policy = policy;
    this.#charged = charged;
  }

  /** `fresh` asks for a connection that nothing was sent on. */
  start(fresh: boolean): void {
    this.#limitTry();
    this.target.pool.acquire(this, fresh);
  }

  /** The request is whole only now: the target is to blame for what follows. */
  restartClock(): void {
    this.#sentMs = performance.now();
    this.#limitTry();
  }

  #limitTry(): void {
    const policy = this.#policy;
    if (policy === undefined || policy.perTryMs === 0 || this.#state !== 'waiting') return;
    this.#limit(policy.deadlines, policy.perTryMs);
  }

  #limit(deadlines: Deadlines, ms: number): void {
    this.deadlineMs = deadlines.after(ms);
    deadlines.add(this);
    this.#deadlines = deadlines;
  }

  // The request, on the connection that `onReady` told of.

  /** As UpstreamConnection.send. */
  send(text: string, method: string, chunked: boolean, offered: string): void {
    this.sent = true;
    this.#sentMs = performance.now();
    this.connection?.send(text, method, chunked, offered);
  }

  endRequest(trailers: Fields | undefined): void {
    this.#whole = true;
    this.connection?.endRequest(trailers);
  }

  // What becomes of its answer.

  accept(receiver: AnswerReceiver): void {
    this.#receiver = receiver;
  }

  /** The answer is not wanted, and neither is what may still come of it. */
  discard(deadlines: Deadlines): void {
    this.#receiver = undefined;
    if (this.#state === 'over') return;
    if (!this.#whole) return this.cancel();
    this.#state = 'discarding';
    this.#limit(deadlines, DISCARD_MS);
    this.connection?.resume();
  }

  /** The target has all of the request, and has not answered. */
  get owesAnswer(): boolean {
    return this.#state === 'waiting' && this.#whole;
  }

  /** Nobody waits for it any more: the client left, or the time is over. */
  cancel(outcome: 'abandoned' | 'try_timeout' = 'abandoned'): void {
    if (this.#state === 'over') return;
    if (this.#state === 'waiting') {
      // Not what a client took to send.
      this.latencyMs = this.owesAnswer ? this.#elapsedMs : -1;
      this.target.report(this.#permit, outcome, this.latencyMs);
    }
    const connection = this.connection;
    this.#end(undefined);
    if (connection === undefined) this.target.pool.forget(this);
    else connection.cancel();
  }

  leaveTunnel(): void {
    const connection = this.connection;
    this.#end(undefined);
    connection?.leaveTunnel();
  }

  #end(broken: UpstreamFailureKind | undefined): void {
    this.#settle();
    this.#state = 'over';
    this.connection = undefined;
    this.target.end(broken);
  }

  /** It is known what became of it: neither the time for a try nor the budget is for what follows. */
  #settle(): void {
    this.#deadlines?.remove(this);
    this.#deadlines = undefined;
    if (!this.#charged) return;
    this.#charged = false;
    this.#policy?.context.budget.giveBack();
  }

  /** Since the request was sent, -1 when it was not. */
  get #elapsedMs(): number {
    return this.sent ? performance.now() - this.#sentMs : -1;
  }

  onDeadline(): void {
    if (this.#state === 'discarding') return this.cancel();
    // It is the client who is slow. The clock begins anew when the request is whole.
    if (this.sent && !this.#whole) {
      this.deadlineMs = Number.POSITIVE_INFINITY;
      return;
    }
    const connection = this.connection;
    if (connection === undefined) this.target.pool.forget(this);
    else connection.cancel();
    this.onFailure({
      kind: 'try_timeout',
      cause: `no answer within ${this.#policy?.perTryMs} ms of one try`,
    });
  }

  // What comes of it.

  onConnecting(connection: UpstreamConnection): void {
    this.connection = connection;
  }

  onConnection(connection: UpstreamConnection): void {
    if (this.#state === 'over') return connection.cancel();
    this.connection = connection;
    this.#owner.onReady(this);
  }

  onInformational(head: ResponseHead): void {
    this.#owner.onInformational(this, head);
  }

  onHead(head: ResponseHead): void {
    this.#state = 'answering';
    this.latencyMs = this.#elapsedMs;
    this.target.report(this.#permit, head.status, this.latencyMs);
    this.#settle();
    this.#owner.onHead(this, head);
  }

  onBody(data: Buffer, from: number, to: number): void {
    if (this.#receiver !== undefined) return this.#receiver.onBody(data, from, to);
    this.#discarded += to - from;
    if (this.#discarded > DISCARD_BYTES) this.cancel();
  }

  onBodyEnd(trailers: Fields | undefined): void {
    this.#end(undefined);
    this.#receiver?.onBodyEnd(trailers);
  }

  // Whoever discarded an answer has gone on, perhaps with another request.

  onFlush(): void {
    if (this.#state !== 'discarding') this.#owner.onFlush();
  }

  onDrain(): void {
    if (this.#state !== 'discarding') this.#owner.onDrain();
  }

  onTunnelEnd(): void {
    this.#receiver?.onTunnelEnd();
  }

  onFailure(failure: UpstreamFailure): void {
    const state = this.#state;
    if (state === 'waiting') {
      this.latencyMs = this.#elapsedMs;
      this.target.report(this.#permit, failure.kind, this.latencyMs);
    }
    this.#end(state === 'waiting' ? undefined : failure.kind);
    if (state !== 'discarding') this.#owner.onFailure(this, failure);
  }
}
