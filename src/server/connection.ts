import type { Socket } from 'node:net';
import { fail, refuse } from '../gateway/answer.ts';
import type { AnswerHead, Downstream } from '../gateway/downstream.ts';
import type { Exchange } from '../gateway/exchange.ts';
import { abandon, finish } from '../gateway/finish.ts';
import { handle } from '../gateway/handle.ts';
import type { Fields } from '../http/fields.ts';
import { MessageWriter } from '../http/message-writer.ts';
import { PartialHead } from '../http/partial-head.ts';
import { parseRequestHead, RequestHead } from '../http/request-head.ts';
import { fieldLines, statusLine } from '../http/serialise.ts';
import type { Deadline } from '../lib/deadlines.ts';
import { copyOf } from '../lib/octets.ts';
import { own, type SocketOwner } from '../lib/owned-socket.ts';
import { answerHeadText, bodyEndOf, switchText } from './answer-head.ts';
import { beginExchange, refuseHead } from './begin.ts';
import type { ConnectionClient } from './connection-client.ts';
import type { ConnectionState } from './connection-state.ts';
import { Input } from './input.ts';
import { Lingering } from './lingering.ts';
import { RequestBody } from './request-body.ts';
import type { BoundListener, OpenConnection, WorkerRuntime } from './runtime.ts';

/** A client's HTTP/1.1 connection: requests one after the other, each answered before the next is looked at. */
export class ServerConnection implements Downstream, Deadline, OpenConnection, SocketOwner {
  deadlineMs: number;
  readonly countedAs: string;
  readonly #socket: Socket;
  readonly #bound: BoundListener;
  readonly #worker: WorkerRuntime;
  readonly #client: ConnectionClient;
  #state: ConnectionState = 'idle';
  #exchange: Exchange | undefined;
  /** The beginning of a head that is not complete. */
  #partial: PartialHead | undefined;
  readonly #input = new Input();
  /** There until the request's body is read to its end. */
  #body: RequestBody | undefined;
  #paused = false;
  #pumping = false;
  readonly #writer: MessageWriter;
  #lingering: Lingering | undefined;
  /** The answer has no other end than the connection's. */
  #endsByClosing = false;
  #draining = false;
  #keepAlive = false;
  /** The client sends no more. */
  #clientEnded = false;
  /** When the whole request must be over. */
  #requestDeadlineMs = Number.POSITIVE_INFINITY;
  /** The same, while a client that closed its side is waited for a shorter time. */
  #wholeDeadlineMs: number | undefined;

  /** Nothing is read until `readOwned`. `countedAs` is the address that the connection limits know it by. */
  constructor(
    socket: Socket,
    bound: BoundListener,
    worker: WorkerRuntime,
    client: ConnectionClient,
    countedAs: string,
  ) {
    this.countedAs = countedAs;
    this.#socket = socket;
    this.#writer = new MessageWriter(socket);
    this.#bound = bound;
    this.#worker = worker;
    this.#client = client;
    this.deadlineMs = worker.deadlines.after(bound.current.config.timeouts.head);
    own(socket, this);
    worker.deadlines.add(this);
  }

  /** An idle connection closes now, a busy one after its answer. */
  drain(): void {
    this.#draining = true;
    if (this.#state === 'idle' && this.#input.empty) this.#linger();
  }

  // What comes from the client.

  /** In the middle of something that goes on: a body, a tunnel. */
  get streaming(): boolean {
    return this.#body !== undefined || this.#state === 'tunnel';
  }

  /** `data[from, to)` lasts for the call only. */
  received(data: Buffer, from: number, to: number): void {
    switch (this.#state) {
      case 'closed':
      case 'lingering':
        return;
      case 'tunnel':
        this.#exchange?.forward?.tunnel(data, from, to);
        return;
      default:
        this.#input.borrow(data, from, to);
        this.#pump();
        this.#input.keep(data);
    }
  }

  /** Does with the octets at hand what can be done now. */
  #pump(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    while (!this.#input.empty && this.#step()) {}
    this.#pumping = false;
    // A socket that is not read does not tell that its client is gone, so it is read on until that would cost too much memory.
    const wait = this.#input.full || (!this.#input.empty && this.#writer.congested);
    if (wait !== this.#paused) this.#setPaused(wait);
    this.flush();
    this.#exchange?.forward?.flush();
  }

  /** Takes from the input; false when nothing can be done with it now. */
  #step(): boolean {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      // A client that does not take its answers gets no more of them.
      if (this.#writer.congested && this.#state !== 'lingering') return false;
      if (this.#state === 'lingering' || this.#state === 'closed') this.#input.clear();
      else this.#readHead(this.#input.data as Buffer);
      return true;
    }
    if (this.#state === 'tunnel') {
      const { data, from, to } = this.#input;
      this.#input.clear();
      exchange.forward?.tunnel(data as Buffer, from, to);
      return true;
    }
    const body = this.#body;
    if (body === undefined) return false;
    // The client did not wait to be asked, so it need not be.
    if (!body.begun && exchange.bodySink !== undefined) body.want();
    if (!body.wanted) return false;
    this.#feedBody();
    return true;
  }

  #setPaused(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#socket.pause();
    else this.#socket.resume();
  }

  #readHead(data: Buffer): void {
    const listener = this.#bound.current;
    const limits = listener.config.limits;
    const partial = this.#partial;
    const before = partial === undefined ? 0 : partial.octets.length;
    const from = this.#input.from;
    const to = Math.min(this.#input.to, from + limits.head + limits.requestLine - before);
    partial?.add(data, from, to);
    const head =
      partial === undefined
        ? parseRequestHead(data, from, to, listener.scheme, limits, this.#worker.names)
        : this.#readPartial(partial);
    if (head === undefined) {
      this.#partial ??= new PartialHead(copyOf(data, from, to));
      this.#input.clear();
      if (this.#state === 'idle' && !this.#partial.empty) {
        this.#state = 'head';
        this.deadlineMs = this.#worker.deadlines.after(listener.config.timeouts.head);
      }
      return;
    }
    this.#partial = undefined;
    this.#input.from += head.length - before;
    if (head.refusal !== undefined || this.#input.from === this.#input.to) this.#input.clear();
    this.#begin(head);
  }

  #readPartial(partial: PartialHead): RequestHead | undefined {
    const { config, scheme } = this.#bound.current;
    if (!partial.tells(config.limits.requestLine, config.limits.head)) return undefined;
    return parseRequestHead(
      partial.octets,
      0,
      partial.octets.length,
      scheme,
      config.limits,
      this.#worker.names,
    );
  }

  #begin(head: RequestHead): void {
    const listener = this.#bound.current;
    const { timeouts } = listener.config;
    const exchange = beginExchange(head, listener, this.#worker, this, this.#client);
    this.#state = 'busy';
    this.#exchange = exchange;
    this.#keepAlive = head.keepAlive && head.refusal === undefined;
    this.#requestDeadlineMs = this.#worker.deadlines.after(timeouts.request);
    this.deadlineMs = this.#requestDeadlineMs;
    if (head.refusal !== undefined) return refuseHead(exchange, head.refusal);
    if (head.bodyLength !== 0) this.#body = new RequestBody(exchange, this.#worker.names);
    if (head.bodyLength > exchange.bodyLimit) return refuse(exchange, 'body_too_large');
    if (this.#worker.challenges?.take(exchange) !== true) handle(exchange);
    if (this.#exchange !== exchange) return;
    if (this.#clientEnded && !exchange.answered) this.#limitUntilAnswered(timeouts.halfClose);
    if (exchange.route.timeoutMs > 0) this.#limitRequest(exchange.route.timeoutMs);
  }

  /** The whole request must be over in `ms` from now, if not earlier. */
  #limitRequest(ms: number): void {
    this.#requestDeadlineMs = Math.min(this.#requestDeadlineMs, this.#worker.deadlines.after(ms));
    if (this.deadlineMs > this.#requestDeadlineMs) this.deadlineMs = this.#requestDeadlineMs;
  }

  #limitUntilAnswered(ms: number): void {
    this.#wholeDeadlineMs = this.#requestDeadlineMs;
    this.#limitRequest(ms);
  }

  // The request's body.

  readBody(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    if (this.#state === 'tunnel') {
      if (this.#paused) this.#setPaused(false);
      return;
    }
    if (this.#body === undefined || this.#body.wanted) return;
    this.#body.want();
    this.#watch(this.#bound.current.config.timeouts.bodyIdle);
    if (!this.#input.empty) this.#feedBody();
    if (!this.#pumping) this.#pump();
  }

  rewindBody(): boolean {
    return false;
  }

  pauseBody(): void {
    if (this.#state === 'tunnel') {
      if (!this.#paused) this.#setPaused(true);
      return;
    }
    if (this.#body === undefined) return;
    this.#body.wanted = false;
    this.deadlineMs = this.#requestDeadlineMs;
    if (!this.#pumping && !this.#paused) this.#setPaused(true);
  }

  #feedBody(): void {
    const exchange = this.#exchange as Exchange;
    const body = this.#body as RequestBody;
    this.#watch(this.#bound.current.config.timeouts.bodyIdle);
    const progress = body.feed(this.#input);
    // What was handed on may have ended the exchange.
    if (progress === 'more' || this.#body !== body) return;
    if (progress === 'done') {
      this.#body = undefined;
      this.deadlineMs = this.#requestDeadlineMs;
      if (body.dropping) this.#nextRequest();
      else exchange.bodySink?.requestBodyEnd(body.trailers);
      return;
    }
    this.#keepAlive = false;
    if (body.dropping) return this.#linger();
    if (progress === 'malformed') exchange.error = body.problem;
    fail(exchange, progress === 'too_large' ? 'body_too_large' : 'bad_request');
  }

  // The answer.

  get congested(): boolean {
    return this.#writer.congested;
  }

  sendInformational(status: number, fields: Fields | undefined): void {
    this.#writer.head(`${statusLine(status)}${fields === undefined ? '' : fieldLines(fields)}\r\n`, false);
  }

  sendHead(response: AnswerHead, bodyLength: number | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.answered = true;
    this.#requestDeadlineMs = this.#wholeDeadlineMs ?? this.#requestDeadlineMs;
    this.#wholeDeadlineMs = undefined;
    const { version, method } = exchange.request;
    const end = bodyEndOf(bodyLength, version);
    this.#endsByClosing = end === 'close';
    if (this.#endsByClosing || this.#mustClose()) this.#keepAlive = false;
    let text = answerHeadText(response, bodyLength, end, this.#worker.date);
    if (!this.#keepAlive) text += 'Connection: close\r\n';
    else if (version === 10) text += 'Connection: keep-alive\r\n';
    this.#writer.head(`${text}\r\n`, end === 'chunked' && method !== 'HEAD');
    this.#watchRequest();
  }

  /** It is to go, or the rest of the body is too much to read, or may never come (RFC 9110 section 10.1.1). */
  #mustClose(): boolean {
    if (this.#draining || this.#bound.draining || (this.#clientEnded && this.#input.empty)) return true;
    return this.#body !== undefined && this.#body.hopeless;
  }

  sendBody(data: Buffer, from: number, to: number): void {
    const exchange = this.#exchange;
    if (exchange === undefined || this.#state === 'closed') return;
    exchange.responseBytes += to - from;
    this.#writer.body(data, from, to);
    this.#watchWriting();
  }

  sendText(text: string): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.responseBytes += text.length;
    this.#writer.text(text);
  }

  sendEnd(trailers: Fields | undefined): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.#writer.end(trailers);
    finish(exchange);
    if (!this.#keepAlive || this.#mustClose()) {
      this.#exchange = undefined;
      this.#linger();
    } else if (this.#body !== undefined) {
      this.#body.drop();
      this.#watch(this.#bound.current.config.timeouts.bodyIdle);
      if (!this.#pumping) this.#pump();
    } else {
      this.#nextRequest();
    }
  }

  #nextRequest(): void {
    this.#exchange = undefined;
    this.#body = undefined;
    this.#state = 'idle';
    this.#requestDeadlineMs = Number.POSITIVE_INFINITY;
    this.deadlineMs = this.#worker.deadlines.after(this.#bound.current.config.timeouts.keepAlive);
    this.#watchWriting();
    if (this.#mustClose()) return this.#linger();
    if (!this.#pumping && (!this.#input.empty || this.#paused)) this.#pump();
  }

  flush(): void {
    if (this.#state === 'closed') return;
    this.#writer.flush();
    this.#watchWriting();
  }

  #watchWriting(): void {
    if (this.#writer.congested) this.#watch(this.#bound.current.config.timeouts.write);
  }

  abort(reset = this.#endsByClosing): void {
    this.flush();
    // An answer that ends with the connection would look complete if the connection ended as it should. TLS tells by itself: it has
    // an end of its own (RFC 8446 section 6.1), which is not sent.
    if (reset && !('encrypted' in this.#socket)) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  switchProtocol(response: AnswerHead, protocol: string): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.answered = true;
    this.#writer.head(switchText(response, protocol), false);
    this.#state = 'tunnel';
    this.#keepAlive = false;
    // The upstream's idle time watches over both directions.
    this.#requestDeadlineMs = Number.POSITIVE_INFINITY;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    if (!this.#pumping) this.#pump();
    if (this.#clientEnded) exchange.forward?.tunnelEnd();
  }

  endTunnel(): void {
    this.flush();
    this.#socket.end();
    if (this.#clientEnded) this.#tunnelDone();
  }

  #tunnelDone(): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    finish(exchange);
    exchange.forward?.leaveTunnel();
    this.#exchange = undefined;
    this.#linger();
  }

  // The end of the connection.

  /** Sends what is left and closes. */
  #linger(): void {
    this.flush();
    this.#state = 'lingering';
    this.#input.clear();
    this.#body?.stop();
    this.#body = undefined;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    const { write } = this.#bound.current.config.timeouts;
    this.#lingering = new Lingering(this.#socket, this.#worker.deadlines, write, this.#clientEnded);
    if (this.#paused) this.#setPaused(false);
  }

  onDeadline(nowMs: number): void {
    const exchange = this.#exchange;
    // One write of much may take long; what counts is whether the client takes something.
    if (this.#writer.congested && nowMs < this.#requestDeadlineMs && this.#writer.progressed())
      return this.#watchWriting();
    switch (this.#state) {
      case 'idle':
        return this.#linger();
      case 'head':
        return this.#headTimedOut();
      case 'busy':
        if (exchange === undefined || exchange.ended) return this.abort();
        return this.#busyTimedOut(exchange, nowMs);
      default:
        return this.abort();
    }
  }

  #headTimedOut(): void {
    const head = new RequestHead();
    head.refusal = { code: 'request_timeout', detail: 'The head of the request did not arrive in time.' };
    this.#partial = undefined;
    this.#begin(head);
    this.flush();
  }

  #busyTimedOut(exchange: Exchange, nowMs: number): void {
    this.#keepAlive = false;
    if (this.#clientEnded && !exchange.answered) return this.#abandon(exchange, 'the client closed its side');
    if (this.#writer.congested) return this.#abandon(exchange, 'the client did not take the answer');
    const waitsForClient = this.#body?.wanted === true && nowMs < this.#requestDeadlineMs;
    fail(exchange, waitsForClient ? 'request_timeout' : 'request_expired');
    this.flush();
  }

  #abandon(exchange: Exchange, reason: string): void {
    abandon(exchange, reason);
    this.abort();
  }

  #watch(ms: number): void {
    this.deadlineMs = Math.min(this.#worker.deadlines.after(ms), this.#requestDeadlineMs);
  }

  /** While an exchange goes on, what limits it is the pace of its body, if that is read, and its own time. */
  #watchRequest(): void {
    if (this.#body?.wanted === true) this.#watch(this.#bound.current.config.timeouts.bodyIdle);
    else this.deadlineMs = this.#requestDeadlineMs;
  }

  drained(): void {
    this.#writer.drained();
    if (this.#state === 'busy') this.#watchRequest();
    else if (this.#state === 'tunnel') this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#exchange?.onClientDrain();
    if (this.#exchange === undefined && !this.#input.empty) this.#pump();
  }

  /** The client closed its sending side: it may still read, or be gone. */
  ended(): void {
    this.#clientEnded = true;
    const exchange = this.#exchange;
    switch (this.#state) {
      case 'tunnel':
        if (this.#socket.writableEnded) this.#tunnelDone();
        else exchange?.forward?.tunnelEnd();
        return;
      case 'lingering':
        return this.#lingering?.ended();
      case 'busy':
        return this.#endedWhileBusy(exchange);
      default:
        this.#linger();
    }
  }

  #endedWhileBusy(exchange: Exchange | undefined): void {
    if (exchange === undefined) return this.abort();
    const grace = this.#bound.current.config.timeouts.halfClose;
    const truncated = this.#body !== undefined && this.#input.empty;
    if (truncated) return this.#abandon(exchange, 'the client left within its request');
    if (grace === 0) return this.#abandon(exchange, 'the client closed its side');
    // Once the answer is on its way, the client is there to read it, as far as anybody can tell.
    if (!exchange.answered) this.#limitUntilAnswered(grace);
  }

  closed(): void {
    if (this.#state === 'closed') return;
    const exchange = this.#exchange;
    this.#state = 'closed';
    this.#input.clear();
    this.#worker.deadlines.remove(this);
    this.#lingering?.closed();
    if (exchange !== undefined && !exchange.ended) abandon(exchange, 'the client closed the connection');
    this.#bound.onClosed(this);
  }
}
