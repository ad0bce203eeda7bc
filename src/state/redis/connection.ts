import { setImmediate } from 'node:timers/promises';
import { clockMs } from '../../lib/clock.ts';
import { type Deadline, Deadlines } from '../../lib/deadlines.ts';
import type { RedisConfig } from '../schema.ts';
import type { Asker, Asking } from './asker.ts';
import { Outage, type OutageOptions } from './outage.ts';
import type { Script } from './script.ts';
import type { Link, Topology } from './topology.ts';
import { topologyOf } from './topology-of.ts';

export type ConnectionSettings = Pick<
  RedisConfig,
  'url' | 'sentinels' | 'cluster' | 'timeout' | 'connectTimeout' | 'tls'
>;

/** How often deadlines are looked at: a request may wait for up to two of these longer than the timeout. */
const STEP_MS = 5;
const RETRY = { firstMs: 50, longestMs: 2000 } as const;

/**
 * One worker's connection to Redis, wherever that is: a server, the primary that sentinels know, or a cluster. What is asked at one time goes out together and is answered in order. Nothing waits for a Redis that is
 * away; where one does not answer in time, everybody is told so at once until it answers again. Nothing here throws or rejects.
 */
export class RedisConnection implements Asking {
  readonly #settings: ConnectionSettings;
  readonly #topology: Topology;
  readonly #script: Script;
  readonly #outage: Outage;
  readonly #deadlines = new Deadlines(clockMs, STEP_MS);
  readonly #waitForReady = new Set<() => void>();
  /** undefined while there is none. */
  #link: Link | undefined;
  /** Ends the attempt to open one. */
  #opening: AbortController | undefined;
  #failures = 0;
  /** Is being sent the script. */
  #loading: Link | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Runs while something is overdue. */
  #giveUp: NodeJS.Timeout | undefined;
  /** Runs while one server of several has not answered a question in time. */
  #watched: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Questions that were sent, and whose answer is still to come, however late. */
  #due = 0;
  /** Waits for the last of them. */
  #onLast: (() => void) | undefined;

  constructor(settings: ConnectionSettings, script: Script, log: OutageOptions['log']) {
    this.#settings = settings;
    this.#script = script;
    this.#topology = topologyOf(settings);
    const { name } = this.#topology;
    const consequence = 'limits are held as onFailure says';
    this.#outage = new Outage({ name, consequence, log, nowMs: clockMs });
    void this.#open();
  }

  get isUp(): boolean {
    return this.#link !== undefined && this.#giveUp === undefined && !this.#isClosed;
  }

  /** Whether it leads to the servers of a cluster. */
  get isSplit(): boolean {
    return this.#link?.isSplit === true;
  }

  /** Resolves when Redis can be asked, or when connecting has taken as long as it may. */
  ready(): Promise<void> {
    if (this.#link !== undefined || this.#isClosed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#settings.connectTimeout);
    this.#waitForReady.add(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waitForReady.delete(resolve);
    });
  }

  ask(operands: readonly string[], asker: Asker): void {
    const link = this.#link;
    if (link === undefined || !this.isUp) {
      asker.unanswered();
      return;
    }
    const call = new Call(asker, this.#deadlines.after(this.#settings.timeout), link, this.#onOverdue);
    this.#deadlines.add(call);
    const [, key = ''] = operands;
    const command = ['EVALSHA', this.#script.sha, ...operands];
    this.#due++;
    link.send(key, command).then(
      (reply) => this.#answered(call, reply),
      (error: unknown) => {
        if (!isUnknownScript(error)) return this.#failed(call, error);
        this.#askWithScript(link, key, operands, command).then(
          (reply) => this.#answered(call, reply),
          (again: unknown) => this.#failed(call, again),
        );
      },
    );
  }

  /** Redis was emptied or is another one now. A server does what it is sent in order, so that the answer need not be waited for. */
  #askWithScript(
    link: Link,
    key: string,
    operands: readonly string[],
    command: readonly string[],
  ): Promise<unknown> {
    if (link.isSplit) return link.send(key, ['EVAL', this.#script.text, ...operands]);
    this.#load(link);
    return link.send(key, command);
  }

  /** Sends a command whose answer nobody needs, also while the connection waits for its last answers: what they took may be given back. */
  tell(command: readonly string[]): void {
    const [, key = ''] = command;
    if (this.#link !== undefined && this.#giveUp === undefined)
      this.#link.send(key, command).catch((error: unknown) => this.#tellOf(error));
  }

  /** Nothing is asked any more. Waits for answers that are due, as long as a connection is kept on which nothing comes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const link = this.#link;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#watched);
    this.#opening?.abort(new Error('is closed'));
    this.#moves();
    for (const resolve of this.#waitForReady) resolve();
    if (link === undefined) return;
    await within(this.#settings.connectTimeout, this.#lastAnswer());
    await within(this.#settings.timeout, link.close());
    link.destroy();
  }

  /** Resolves when nothing is due any more, and whoever was answered has had a turn to give back what it does not need. */
  async #lastAnswer(): Promise<void> {
    if (this.#due > 0) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onLast = resolve;
      await promise;
    }
    await setImmediate();
  }

  #settled(call: Call): void {
    call.isDue = false;
    if (--this.#due === 0) this.#onLast?.();
  }

  async #open(): Promise<void> {
    const { connectTimeout } = this.#settings;
    // Who listens is not necessarily Redis, or awake.
    const opening = new AbortController();
    const late = setTimeout(
      () => opening.abort(new Error(`no answer within ${connectTimeout} ms`)),
      connectTimeout,
    );
    this.#opening = opening;
    let opened: Link | undefined;
    let isLost = false;
    try {
      const lost = (cause: unknown): void => {
        isLost = true;
        if (opened !== undefined) this.#lost(opened, cause);
      };
      opened = await this.#topology.open(lost, opening.signal);
    } catch (error) {
      this.#tellOf(error);
    } finally {
      clearTimeout(late);
      this.#opening = undefined;
    }
    if (opened === undefined || isLost || this.#isClosed) {
      opened?.destroy();
      this.#reopen();
      return;
    }
    const before = this.#link;
    this.#failures = 0;
    this.#link = opened;
    if (!opened.isSplit) this.#load(opened);
    for (const resolve of this.#waitForReady) resolve();
    if (before !== undefined) setTimeout(() => before.destroy(), this.#settings.timeout).unref();
  }

  /** Gives up a connection. One that leads to several servers serves on until there is another: not all of them are lost. */
  #lost(link: Link, cause: unknown): void {
    this.#tellOf(cause);
    if (this.#isClosed || link !== this.#link) return;
    if (!link.isSplit) {
      this.#link = undefined;
      link.destroy();
      this.#moves();
    }
    this.#reopen();
  }

  /** Makes another after a while: twice as long each time, and never all workers and nodes at once. */
  #reopen(): void {
    if (this.#isClosed || this.#retry !== undefined || this.#opening !== undefined) return;
    const ms = Math.min(RETRY.longestMs, RETRY.firstMs * 2 ** this.#failures++);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        void this.#open();
      },
      ms * (0.5 + Math.random() / 2),
    );
  }

  /** Once for all that found out at the same time. */
  #load(link: Link): void {
    if (this.#loading === link) return;
    this.#loading = link;
    link
      .send('', ['SCRIPT', 'LOAD', this.#script.text])
      .catch((error: unknown) => this.#tellOf(error))
      .finally(() => {
        if (this.#loading === link) this.#loading = undefined;
      });
  }

  #answered(call: Call, reply: unknown): void {
    this.#settled(call);
    this.#moves();
    if (call.isOverdue) {
      call.asker.late(reply);
      return;
    }
    this.#deadlines.remove(call);
    if (call.asker.answered(reply)) {
      this.#outage.well();
      return;
    }
    this.#tellOf('an answer that makes no sense');
    call.asker.unanswered();
  }

  #failed(call: Call, error: unknown): void {
    this.#settled(call);
    this.#moves();
    // What was the primary is a replica now: its name may lead to another one.
    if (isReadOnly(error)) this.#lost(call.link, error);
    else this.#tellOf(error);
    if (call.isOverdue) return;
    this.#deadlines.remove(call);
    call.asker.unanswered();
  }

  readonly #onOverdue = (call: Call): void => {
    this.#deadlines.remove(call);
    const { timeout, connectTimeout } = this.#settings;
    const { link } = call;
    call.asker.unanswered();
    this.#tellOf(`no answer within ${timeout} ms`);
    if (this.#isClosed) return;
    if (link.isSplit) {
      this.#watch(call);
      return;
    }
    this.#giveUp ??= setTimeout(
      () => this.#lost(link, `no answer within ${connectTimeout} ms`),
      connectTimeout,
    );
  };

  /** Of a cluster the other servers answer: what tells of one that hangs is a question to it. */
  #watch(call: Call): void {
    const { connectTimeout } = this.#settings;
    this.#watched ??= setTimeout(() => {
      this.#watched = undefined;
      if (call.isDue) this.#lost(call.link, `no answer within ${connectTimeout} ms`);
    }, connectTimeout);
  }

  /** Answers come again. */
  #moves(): void {
    clearTimeout(this.#giveUp);
    this.#giveUp = undefined;
  }

  #tellOf(cause: unknown): void {
    if (!this.#isClosed) this.#outage.failed(this.#topology.withoutSecrets(cause));
  }
}

class Call implements Deadline {
  readonly asker: Asker;
  readonly link: Link;
  readonly #onOverdue: (call: Call) => void;
  deadlineMs: number;
  isOverdue = false;
  /** Its answer is still to come. */
  isDue = true;

  constructor(asker: Asker, deadlineMs: number, link: Link, onOverdue: (call: Call) => void) {
    this.asker = asker;
    this.link = link;
    this.deadlineMs = deadlineMs;
    this.#onOverdue = onOverdue;
  }

  onDeadline(): void {
    this.isOverdue = true;
    this.#onOverdue(this);
  }
}

/** Resolves when the promise settles, or the time is over. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise.catch(() => {}), over]);
  clearTimeout(timer);
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}

function isReadOnly(error: unknown): boolean {
  return error instanceof Error && error.message.includes('READONLY');
}
