import { ErrorReply } from '@redis/client';
import type { Outage } from '../../redis/outage.ts';
import type { Link, Topology } from '../../redis/topology.ts';
import { RecordsUnavailable } from '../records.ts';

export interface ResilientLinkOptions {
  readonly topology: Topology;
  /** How long a command may take, whatever becomes of connections meanwhile. */
  readonly timeoutMs: number;
  /** How long opening a connection may take. */
  readonly connectTimeoutMs: number;
  readonly outage: Outage;
}

/** Sends commands on a link and makes something of the answers. */
export type Question = (link: Link) => Promise<unknown>;

/** What becomes of a command whose connection broke while it was under way. */
export type IfBroken = 'ask again' | 'give up';

const RETRY = { firstMs: 50, longestMs: 2000 } as const;
/** Answers of a server that did nothing: it is not the primary any more, starts, or has lost sight of its cluster. */
const NOTHING_DONE = /READONLY|^(?:LOADING|CLUSTERDOWN|TRYAGAIN|MASTERDOWN|NOREPLICAS)/;
/** Commands under way at one time; each is bounded in time as well. */
const MAX_UNDER_WAY = 10_000;

/**
 * Commands to a Redis that may go away and come back: a connection that breaks or does not answer is replaced, for as long as it takes. A command waits
 * for a connection that is being replaced while that is news; when it has been away for longer than a command may take, commands fail at once.
 */
export class ResilientLink {
  readonly #options: ResilientLinkOptions;
  #link: Link | undefined;
  #isOpening = false;
  #arrived = Promise.withResolvers<void>();
  #awaySinceMs = performance.now();
  #underWay = 0;
  /** Links that were lost or did not open since one last gave an answer. */
  #failures = 0;
  readonly #closed = new AbortController();

  constructor(options: ResilientLinkOptions) {
    this.#options = options;
    this.#open();
  }

  /** What a link answers to `question`. Rejects with `RecordsUnavailable` at the latest after `timeoutMs`. */
  async ask(question: Question, ifBroken: IfBroken): Promise<unknown> {
    if (this.#underWay >= MAX_UNDER_WAY) throw new RecordsUnavailable('too much is asked at one time');
    const { timeoutMs } = this.#options;
    const clock = new Countdown(timeoutMs);
    this.#underWay++;
    try {
      return await this.#askWithin(clock, question, ifBroken);
    } catch (cause) {
      throw cause instanceof TooLate ? this.#unavailable('Redis did not answer in time', cause) : cause;
    } finally {
      clock.stop();
      this.#underWay--;
    }
  }

  close(): void {
    this.#closed.abort(new RecordsUnavailable('the records are closed'));
    this.#link?.destroy();
    this.#link = undefined;
    this.#arrived.resolve();
  }

  async #askWithin(clock: Countdown, question: Question, ifBroken: IfBroken): Promise<unknown> {
    for (;;) {
      const link = this.#link ?? (await this.#next(clock));
      let answer: unknown;
      try {
        answer = await clock.race(question(link));
      } catch (cause) {
        const mayAskAgain = this.#judge(link, cause) || ifBroken === 'ask again';
        if (cause instanceof TooLate) throw cause;
        if (!mayAskAgain) throw this.#unavailable('Redis was lost while it was asked', cause);
        await clock.pause(RETRY.firstMs);
        continue;
      }
      this.#failures = 0;
      this.#options.outage.well();
      return answer;
    }
  }

  /** Whether nothing was done for certain. What shows that the link is of no use replaces it. */
  #judge(link: Link, cause: unknown): boolean {
    const { outage, topology } = this.#options;
    if (this.#closed.signal.aborted) throw this.#closed.signal.reason;
    outage.failed(topology.withoutSecrets(cause));
    if (!(cause instanceof ErrorReply)) {
      this.#lost(link);
      return false;
    }
    if (!NOTHING_DONE.test(cause.message)) throw this.#unavailable('Redis refuses', cause);
    if (cause.message.includes('READONLY')) this.#lost(link);
    return true;
  }

  #unavailable(reason: string, cause: unknown): RecordsUnavailable {
    return new RecordsUnavailable(reason, { cause: this.#options.topology.withoutSecrets(cause) });
  }

  async #next(clock: Countdown): Promise<Link> {
    while (this.#link === undefined) {
      this.#closed.signal.throwIfAborted();
      const left = this.#options.timeoutMs - (performance.now() - this.#awaySinceMs);
      if (left <= 0) throw new RecordsUnavailable('Redis is away');
      await clock.race(Promise.race([this.#arrived.promise, pause(left, this.#closed.signal)]));
    }
    return this.#link;
  }

  /** Replaces a link. One that leads to several servers serves on until then: not all of them are lost. */
  #lost(link: Link): void {
    if (this.#link !== link || this.#closed.signal.aborted) return;
    if (!link.isSplit) {
      this.#link = undefined;
      this.#arrived = Promise.withResolvers();
      this.#awaySinceMs = performance.now();
      link.destroy();
    }
    this.#failures++;
    this.#open();
  }

  #open(): void {
    if (this.#isOpening) return;
    this.#isOpening = true;
    void this.#openUntilItIs();
  }

  async #openUntilItIs(): Promise<void> {
    const { topology, connectTimeoutMs, outage } = this.#options;
    const closed = this.#closed.signal;
    while (!closed.aborted) {
      if (this.#failures > 0) await pause(backOffMs(this.#failures), closed);
      const signal = AbortSignal.any([closed, AbortSignal.timeout(connectTimeoutMs)]);
      let link: Link | undefined;
      const lost = (cause: unknown): void => {
        if (link === undefined || this.#link !== link || closed.aborted) return;
        outage.failed(topology.withoutSecrets(cause));
        this.#lost(link);
      };
      try {
        link = await topology.open(lost, signal);
        this.#swap(link);
        return;
      } catch (cause) {
        this.#failures++;
        if (!closed.aborted) outage.failed(topology.withoutSecrets(cause));
      }
    }
  }

  /** What is under way on the one before has as long as a command may take. */
  #swap(link: Link): void {
    const before = this.#link;
    this.#isOpening = false;
    if (this.#closed.signal.aborted) {
      link.destroy();
      return;
    }
    this.#link = link;
    this.#arrived.resolve();
    if (before !== undefined) setTimeout(() => before.destroy(), this.#options.timeoutMs).unref();
  }
}

class TooLate extends Error {}

/** The time that a command has. */
class Countdown {
  readonly #over = Promise.withResolvers<never>();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#over.promise.catch(() => {});
    this.#timer = setTimeout(() => this.#over.reject(new TooLate(`no answer within ${ms} ms`)), ms);
  }

  race<Value>(promise: Promise<Value>): Promise<Value> {
    // What comes too late is nobody's.
    promise.catch(() => {});
    return Promise.race([promise, this.#over.promise]);
  }

  async pause(ms: number): Promise<void> {
    await this.race(new Promise((resolve) => setTimeout(resolve, ms)));
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Longer each time, and never all workers and nodes at once. */
export function backOffMs(failures: number): number {
  const ms = Math.min(RETRY.longestMs, RETRY.firstMs * 2 ** (failures - 1));
  return ms * (0.5 + Math.random() / 2);
}

/** Resolves, never rejects, after the time or on abort. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const abort = (): void => resolve();
  signal.addEventListener('abort', abort, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener('abort', abort);
}
