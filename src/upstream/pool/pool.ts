import type { FieldNames } from '../../http/field-names.ts';
import type { Deadline, Deadlines } from '../../lib/deadlines.ts';
import {
  type ConnectionOwner,
  type ConnectionSettings,
  UpstreamConnection,
  type UpstreamListener,
} from '../connection.ts';

export interface PoolSettings extends ConnectionSettings {
  /** Open connections at most; 0 is no limit. */
  readonly max: number;
  /** Requests that may wait for one. */
  readonly pending: number;
  /** Idle connections kept. */
  readonly idle: number;
}

/** Told when connections open and close, for the metrics. */
export interface PoolObserver {
  connectionOpened(): void;
  connectionClosed(): void;
}

/** What all pools of a service, in all workers, may have together. */
export interface PoolLimits {
  /** False when no further connection may be opened. `disconnected` belongs to each that is. */
  tryConnect(): boolean;
  /** Opens one beyond the limit: a target without any could never be asked. */
  connect(): void;
  disconnected(): void;
  /** False when no further request may wait. `endWait` belongs to each that does. */
  tryWait(): boolean;
  endWait(): void;
}

/** A request without a connection, and how long it may be without. */
interface Waiting {
  readonly listener: UpstreamListener;
  readonly deadlineMs: number;
}

/**
 * The connections of one worker to one target. The one used last is used first: it is the least likely to have been closed
 * by the other side, and the others can time out.
 */
export class Pool implements ConnectionOwner, Deadline {
  /** In the past while requests wait: each sweep looks whether something has changed for them. */
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly settings: PoolSettings;
  readonly #idle: UpstreamConnection[] = [];
  readonly #waiting: Waiting[] = [];
  readonly #deadlines: Deadlines;
  readonly #names: FieldNames;
  readonly #observer: PoolObserver;
  readonly #limits: PoolLimits;
  readonly #open = new Set<UpstreamConnection>();
  #retired = false;

  constructor(
    settings: PoolSettings,
    deadlines: Deadlines,
    names: FieldNames,
    observer: PoolObserver,
    limits: PoolLimits,
  ) {
    this.settings = settings;
    this.#limits = limits;
    this.#deadlines = deadlines;
    this.#names = names;
    this.#observer = observer;
  }

  /**
   * Calls `listener.onConnection` with a connection: an idle one at once, else when a new one is there or one comes free.
   * `fresh` asks for one that no request was sent on. Calls `onFailure` when none can be had.
   */
  acquire(listener: UpstreamListener, fresh: boolean): void {
    if (!fresh && this.#assignIdle(listener)) return;
    // Whoever waits already was here first.
    this.#serveWaiting();
    if (this.#waiting.length === 0 && this.#mayConnect()) this.#connect(listener);
    // Nobody would wake who waits beside idle connections.
    else if (fresh && this.#assignIdle(listener)) return;
    else if (this.#waiting.length >= this.settings.pending) {
      const cause = `${this.#waiting.length} requests already wait for a connection`;
      listener.onFailure({ kind: 'overloaded', cause });
    } else if (this.#limits.tryWait()) this.#wait(listener);
    else {
      const cause = 'as many requests already wait for a connection to the service as may';
      listener.onFailure({ kind: 'overloaded', cause });
    }
  }

  #assignIdle(listener: UpstreamListener): boolean {
    for (;;) {
      const connection = this.#idle.pop();
      if (connection === undefined) return false;
      if (connection.expired) {
        connection.retire();
        continue;
      }
      connection.assign(listener);
      return true;
    }
  }

  /** Also counts the connection that is opened then. */
  #mayConnect(): boolean {
    const open = this.#open.size;
    if (this.settings.max > 0 && open >= this.settings.max) return false;
    if (this.#limits.tryConnect()) return true;
    if (open > 0) return false;
    this.#limits.connect();
    return true;
  }

  /** A listener that may be waiting here does not want a connection any more. */
  forget(listener: UpstreamListener): void {
    const index = this.#waiting.findIndex((waiting) => waiting.listener === listener);
    if (index < 0) return;
    this.#waiting.splice(index, 1);
    this.#limits.endWait();
    this.#watch();
  }

  /** Nobody waits longer for a connection that is in use than for one that is made. */
  onDeadline(nowMs: number): void {
    // Another pool, perhaps of another worker, has closed one.
    this.#serveWaiting();
    while (this.#waiting.length > 0 && (this.#waiting[0] as Waiting).deadlineMs <= nowMs) {
      const { listener } = this.#waiting.shift() as Waiting;
      this.#limits.endWait();
      listener.onFailure({
        kind: 'overloaded',
        cause: `no connection came free within ${this.settings.connectMs} ms`,
      });
    }
    this.#watch();
  }

  #wait(listener: UpstreamListener): void {
    this.#waiting.push({ listener, deadlineMs: this.#deadlines.after(this.settings.connectMs) });
    this.#watch();
  }

  /** The next request that waits, if any. */
  #nextWaiting(): UpstreamListener | undefined {
    if (this.#waiting.length === 0) return undefined;
    const waiting = this.#waiting.shift();
    this.#limits.endWait();
    this.#watch();
    return waiting?.listener;
  }

  /** Opens connections for those who wait, as many as may be. */
  #serveWaiting(): void {
    while (this.#waiting.length > 0 && this.#mayConnect())
      this.#connect(this.#nextWaiting() as UpstreamListener);
  }

  #watch(): void {
    const waits = this.#waiting.length > 0;
    this.deadlineMs = waits ? 0 : Number.POSITIVE_INFINITY;
    if (waits) this.#deadlines.add(this);
    else this.#deadlines.remove(this);
  }

  /** No configuration uses this pool any more: idle connections close now, busy ones after their request. */
  retire(): void {
    this.#retired = true;
    for (const connection of [...this.#open]) connection.retire();
  }

  onIdle(connection: UpstreamConnection): void {
    const listener = this.#nextWaiting();
    if (listener !== undefined) connection.assign(listener);
    else if (this.#retired || this.#idle.length >= this.settings.idle) connection.retire();
    else this.#idle.push(connection);
  }

  onClosed(connection: UpstreamConnection): void {
    if (!this.#open.delete(connection)) return;
    this.#observer.connectionClosed();
    this.#limits.disconnected();
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
    this.#serveWaiting();
  }

  #connect(listener: UpstreamListener): void {
    const connection = new UpstreamConnection(this, listener, this.#deadlines, this.#names);
    this.#open.add(connection);
    this.#observer.connectionOpened();
    listener.onConnecting(connection);
  }
}
