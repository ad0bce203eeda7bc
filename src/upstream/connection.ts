import type * as net from 'node:net';
import type * as tls from 'node:tls';
import { BodyReader, type BodySink } from '../http/body-reader.ts';
import type { FieldNames } from '../http/field-names.ts';
import type { Fields } from '../http/fields.ts';
import { MessageWriter } from '../http/message-writer.ts';
import { PartialHead } from '../http/partial-head.ts';
import { parseResponseHead, type ResponseHead } from '../http/response-head.ts';
import { isAgreement } from '../http/upgrade-field.ts';
import type { Deadline, Deadlines } from '../lib/deadlines.ts';
import { copyOf } from '../lib/octets.ts';
import { connectOwned, type SocketOwner } from '../lib/owned-socket.ts';
import type { UpstreamFailure, UpstreamFailureKind } from './failure.ts';

/** Who asked. Every call but the last few is followed by `onFlush`, so that what belongs together is written together. */
export interface UpstreamListener extends BodySink {
  /** A connection is being made for this request; `cancel` gives it up. */
  onConnecting(connection: UpstreamConnection): void;
  /** The connection is there, now or after a while: send the request on it. */
  onConnection(connection: UpstreamConnection): void;
  /** A 1xx answer; not 101. */
  onInformational(head: ResponseHead): void;
  /** The head of the final answer, or of a 101. Its body, if any, follows; then `onBodyEnd`. */
  onHead(head: ResponseHead): void;
  onBodyEnd(trailers: Fields | undefined): void;
  /** The octets received so far have been told. */
  onFlush(): void;
  /** The upstream takes octets again. */
  onDrain(): void;
  /** The other side of a tunnel sends no more. */
  onTunnelEnd(): void;
  /** The attempt is over, without an answer or in the middle of one. */
  onFailure(failure: UpstreamFailure): void;
}

/** What the pool needs to know. */
export interface ConnectionOwner {
  readonly settings: ConnectionSettings;
  /** Connected, or done with a request and good for another. */
  onIdle(connection: UpstreamConnection): void;
  onClosed(connection: UpstreamConnection): void;
}

export interface ConnectionSettings {
  readonly host: string;
  readonly port: number;
  /** undefined for plain HTTP. */
  readonly tls: tls.ConnectionOptions | undefined;
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly tunnelIdleMs: number;
  readonly keepMs: number;
  readonly lifetimeMs: number;
  readonly limits: { readonly head: number; readonly fields: number };
}

type State = 'connecting' | 'idle' | 'head' | 'body' | 'tunnel' | 'closed';

/** 100, 103 and the like: more than a handful is an upstream that never answers. */
const MAX_INFORMATIONAL = 16;

/** One HTTP/1.1 connection to a target: a request at a time, the next one only after a clean end of the one before. */
export class UpstreamConnection implements Deadline, SocketOwner {
  deadlineMs: number;
  /** Requests sent on it. */
  requests = 0;
  readonly #socket: net.Socket;
  readonly #writer: MessageWriter;
  readonly #owner: ConnectionOwner;
  readonly #deadlines: Deadlines;
  readonly #names: FieldNames;
  readonly #expiresMs: number;
  #state: State = 'connecting';
  #listener: UpstreamListener | undefined;
  #method = '';
  /** The beginning of a head that is not complete. */
  #partial: PartialHead | undefined;
  #reader: BodyReader | undefined;
  #keepAlive = true;
  #requestDone = true;
  /** The protocols that the request offers to switch to, or empty. */
  #offered = '';
  #informational = 0;
  #answered = false;
  #paused = false;

  constructor(owner: ConnectionOwner, listener: UpstreamListener, deadlines: Deadlines, names: FieldNames) {
    const settings = owner.settings;
    this.#owner = owner;
    this.#listener = listener;
    this.#deadlines = deadlines;
    this.#names = names;
    this.deadlineMs = deadlines.after(settings.connectMs);
    this.#expiresMs = deadlines.after(settings.lifetimeMs);
    const options = { host: settings.host, port: settings.port, noDelay: true, allowHalfOpen: true };
    this.#socket = connectOwned(options, settings.tls, this, () => this.connected());
    this.#writer = new MessageWriter(this.#socket);
    deadlines.add(this);
  }

  /** In the middle of something that goes on: a body, a tunnel. */
  get streaming(): boolean {
    return this.#reader !== undefined || this.#state === 'tunnel';
  }

  /** Old enough not to be used again. */
  get expired(): boolean {
    return this.#deadlines.nowMs >= this.#expiresMs || this.#socket.destroyed;
  }

  /** Gives an idle connection to the next request. */
  assign(listener: UpstreamListener): void {
    this.#listener = listener;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    listener.onConnection(this);
  }

  /** The socket has more than it can pass on: wait for `onDrain`. */
  get congested(): boolean {
    return this.#writer.congested;
  }

  /**
   * Sends the head of a request; its body follows by `write`, and `endRequest` ends it. What is short waits for `flush`. `offered`: the
   * protocols of its Upgrade field, to which a 101 may switch; or empty.
   */
  send(text: string, method: string, chunked: boolean, offered: string): void {
    this.requests++;
    this.#method = method;
    this.#state = 'head';
    this.#offered = offered;
    this.#keepAlive = true;
    this.#requestDone = false;
    this.#answered = false;
    this.#informational = 0;
    this.deadlineMs = this.#deadlines.after(this.#owner.settings.firstByteMs);
    this.#writer.head(text, chunked);
  }

  /** Sends `data[from, to)` of the body; the octets may be overwritten when this returns. */
  write(data: Buffer, from: number, to: number): void {
    this.#writer.body(data, from, to);
    this.#watch();
  }

  endRequest(trailers: Fields | undefined): void {
    this.#requestDone = true;
    this.#writer.end(trailers);
    this.#watch();
  }

  flush(): void {
    this.#writer.flush();
  }

  /** Stops reading until `resume`: the client is slower than the upstream. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#watch();
    this.#socket.resume();
  }

  /** The client sends no more through the tunnel. */
  endTunnel(): void {
    this.flush();
    this.#socket.end();
  }

  /** Nobody is at the other end of the tunnel any more; what was sent through it still arrives. */
  leaveTunnel(): void {
    this.#listener = undefined;
    this.endTunnel();
    if (this.#socket.writableFinished) this.#close();
    else this.#socket.once('finish', () => this.#close());
  }

  /** Nobody waits for the answer any more: the connection is of no further use. */
  cancel(): void {
    this.#listener = undefined;
    this.#close();
  }

  /** Closes an idle connection. */
  retire(): void {
    if (this.#state === 'idle') this.#close();
    else this.#keepAlive = false;
  }

  onDeadline(nowMs: number): void {
    const settings = this.#owner.settings;
    switch (this.#state) {
      case 'connecting':
        return this.#fail('connect_timeout', `no connection within ${settings.connectMs} ms`);
      case 'head':
        return this.#requestDone
          ? this.#fail('first_byte_timeout', `no answer within ${settings.firstByteMs} ms`)
          : this.#fail('idle_timeout', `the request was not taken for ${settings.idleMs} ms`);
      case 'body':
        return this.#fail('idle_timeout', `the answer paused for ${settings.idleMs} ms`);
      case 'tunnel':
        return this.#fail('idle_timeout', `the tunnel was silent for ${settings.tunnelIdleMs} ms`);
      case 'idle':
        return this.#close();
      case 'closed':
        this.deadlineMs = nowMs + 1e9;
    }
  }

  connected(): void {
    this.#state = 'idle';
    const listener = this.#listener;
    if (listener === undefined) return this.#close();
    this.assign(listener);
  }

  received(data: Buffer, from: number, length: number): void {
    const listener = this.#listener;
    if (this.#state === 'tunnel' && listener) {
      this.#watch();
      listener.onBody(data, from, length);
      listener.onFlush();
      return;
    }
    // RFC 9112 section 9.2: octets that answer no request mean that the two sides no longer agree on where messages end.
    if (listener === undefined || this.#state === 'idle') return this.#close();
    this.#answered = true;
    let pos = from;
    while (pos < length && this.#listener === listener) {
      pos =
        this.#reader === undefined
          ? this.#readHead(data, pos, length, listener)
          : this.#readBody(data, pos, length, listener);
    }
    listener.onFlush();
  }

  #readHead(data: Buffer, pos: number, to: number, listener: UpstreamListener): number {
    const { limits } = this.#owner.settings;
    const end = Math.min(to, pos + limits.head + 1);
    const partial = this.#partial;
    const before = partial === undefined ? 0 : partial.octets.length;
    partial?.add(data, pos, end);
    const head =
      partial === undefined
        ? parseResponseHead(data, pos, end, limits, this.#names)
        : this.#readPartial(partial);
    if (head === undefined) {
      this.#partial ??= new PartialHead(copyOf(data, pos, end));
      return to;
    }
    this.#partial = undefined;
    if (head.problem !== '') {
      this.#fail('invalid', head.problem);
      return to;
    }
    const next = pos + head.length - before;
    if (head.status < 200) {
      this.#readInterim(head, data, next, to, listener);
      return head.status === 101 ? to : next;
    }
    this.#keepAlive &&= head.keepAlive;
    const length = head.bodyLength(this.#method);
    if (length === -2) this.#keepAlive = false;
    this.#state = 'body';
    this.#watch();
    listener.onHead(head);
    if (this.#listener !== listener) return to;
    if (length === 0) {
      this.#finish(listener, next < to);
      listener.onBodyEnd(undefined);
      return to;
    }
    this.#reader = new BodyReader(length, this.#names);
    return next;
  }

  #readPartial(partial: PartialHead): ResponseHead | undefined {
    const { limits } = this.#owner.settings;
    if (!partial.tells(limits.head, limits.head)) return undefined;
    return parseResponseHead(partial.octets, 0, partial.octets.length, limits, this.#names);
  }

  #readInterim(head: ResponseHead, data: Buffer, next: number, to: number, listener: UpstreamListener): void {
    if (head.status === 101) {
      if (!isAgreement(head.upgrade, this.#offered))
        return this.#fail('invalid', 'it switched to a protocol that was not offered');
      this.#state = 'tunnel';
      this.deadlineMs = this.#deadlines.after(this.#owner.settings.tunnelIdleMs);
      listener.onHead(head);
      if (next < to && this.#listener === listener) listener.onBody(data, next, to);
      return;
    }
    if (++this.#informational > MAX_INFORMATIONAL)
      return this.#fail('invalid', 'too many informational answers');
    listener.onInformational(head);
  }

  #readBody(data: Buffer, pos: number, to: number, listener: UpstreamListener): number {
    const reader = this.#reader as BodyReader;
    this.#watch();
    const next = reader.read(data, pos, to, listener);
    if (this.#listener !== listener) return to;
    if (reader.problem !== '') {
      this.#fail('invalid', reader.problem);
      return to;
    }
    if (reader.done) {
      this.#finish(listener, next < to);
      listener.onBodyEnd(reader.trailers);
      return to;
    }
    return next;
  }

  /** The answer is complete. The connection is kept when both sides are at the end of a message and neither wants to close. */
  #finish(listener: UpstreamListener, surplus: boolean): void {
    this.#reader = undefined;
    if (this.#listener === listener) this.#listener = undefined;
    // Octets after the end of an answer: the connection must not be used again (response splitting).
    if (surplus || !this.#keepAlive || !this.#requestDone || this.expired) return this.#close();
    this.resume();
    this.#state = 'idle';
    this.#writer.drained();
    this.deadlineMs = Math.min(this.#deadlines.after(this.#owner.settings.keepMs), this.#expiresMs);
    this.#owner.onIdle(this);
  }

  /** Sets the deadline of the state; none while we ourselves do not read. */
  #watch(): void {
    if (this.#paused) return;
    const settings = this.#owner.settings;
    if (this.#state === 'head' && !this.#requestDone && !this.#writer.congested) {
      // It is the client who is slow, and the client's own limits are for that.
      this.deadlineMs = Number.POSITIVE_INFINITY;
      return;
    }
    const waitsForAnswer = this.#state === 'head' && this.#requestDone;
    const ms =
      this.#state === 'tunnel'
        ? settings.tunnelIdleMs
        : waitsForAnswer
          ? settings.firstByteMs
          : settings.idleMs;
    this.deadlineMs = this.#deadlines.after(ms);
  }

  drained(): void {
    this.#writer.drained();
    if (this.#listener !== undefined) this.#watch();
    this.#listener?.onDrain();
  }

  ended(): void {
    const listener = this.#listener;
    if (this.#state === 'tunnel' && listener) return listener.onTunnelEnd();
    if (this.#state === 'body' && listener && this.#reader?.close()) {
      this.#listener = undefined;
      this.#close();
      listener.onBodyEnd(undefined);
      listener.onFlush();
      return;
    }
    if (this.#state === 'closed') return;
    this.#broken('it closed the connection');
  }

  failed(error: NodeJS.ErrnoException): void {
    const code = error.code ?? error.message;
    if (this.#state !== 'connecting') return this.#broken(code);
    // The upstream accepted and hung up before we saw that it had accepted.
    if (code === 'ECONNRESET' || code === 'EPIPE') return this.#fail('reset', `${code} before the answer`);
    const secure =
      this.#owner.settings.tls !== undefined && !/^E(CONN|HOST|NET|TIMEDOUT|AI|ADDR)|^ENOTFOUND/.test(code);
    this.#fail(secure ? 'tls' : 'refused', secure ? error.message : code);
  }

  closed(): void {
    if (this.#state !== 'closed') this.#broken('the connection closed');
  }

  #broken(cause: string): void {
    if (this.#state === 'connecting') return this.#fail('refused', cause);
    if (this.#state === 'head' && !this.#answered && this.requests > 1) return this.#fail('stale', cause);
    this.#fail('reset', this.#state === 'body' ? `${cause} within the answer` : `${cause} before the answer`);
  }

  #fail(kind: UpstreamFailureKind, cause: string): void {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#close();
    if (listener === undefined) return;
    listener.onFailure({ kind, cause });
  }

  #close(): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#reader?.stop();
    this.#reader = undefined;
    this.#partial = undefined;
    this.#deadlines.remove(this);
    this.#socket.destroy();
    this.#owner.onClosed(this);
  }
}
