import { setImmediate } from 'node:timers/promises';
import { clockMs } from '../../lib/clock.ts';
import { type Deadline, Deadlines } from '../../lib/deadlines.ts';
import { clientOptions, passwordOf, type RedisSettings, withoutPasswords } from './client-options.ts';
import { type Client, newClient } from './new-client.ts';
import { Outage, type OutageOptions } from './outage.ts';
import type { Script } from './script.ts';

/** Who waits for what a script answers. One of the first two is called, once; after `unanswered`, `late` may follow. */
export interface Asker {
  /** False where that is nothing that the script answers. */
  answered(reply: unknown): boolean;
  /** Redis is away, or did not answer in time. */
  unanswered(): void;
  /** It had been asked, and did what it was asked for after all. */
  late(reply: unknown): void;
}

/** How often deadlines are looked at: a request may wait for up to two of these longer than the timeout. */
const STEP_MS = 5;
const RETRY = { firstMs: 50, longestMs: 2000 } as const;

/**
 * One worker's connection to Redis. What is asked at one time goes out together and is answered in order. Nothing waits for a Redis that is
 * away; where one does not answer in time, everybody is told so at once until it answers again. Nothing here throws or rejects.
 */
export class RedisConnection {
  readonly #settings: RedisSettings;
  readonly #script: Script;
  readonly #outage: Outage;
  readonly #deadlines = new Deadlines(clockMs, STEP_MS);
  readonly #waitForReady = new Set<() => void>();
  #client: Client;
  #failures = 0;
  /** Is being sent the script. */
  #loading: Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  /** Runs while something is overdue. */
  #giveUp: NodeJS.Timeout | undefined;
  #isClosed = false;
  /** Questions that were sent, and whose answer is still to come, however late. */
  #due = 0;
  /** Waits for the last of them. */
  #onLast: (() => void) | undefined;

  constructor(settings: RedisSettings, script: Script, log: OutageOptions['log']) {
    this.#settings = settings;
    this.#script = script;
    const name = `Redis at ${placeOf(settings.url)}`;
    const consequence = 'limits are held as onFailure says';
    this.#outage = new Outage({ name, consequence, log, nowMs: clockMs });
    this.#client = this.#open();
  }

  /** Whether it is worth asking. */
  get isUp(): boolean {
    return this.#client.isReady && this.#giveUp === undefined && !this.#isClosed;
  }

  /** Resolves when Redis can be asked, or when connecting has taken as long as it may. */
  ready(): Promise<void> {
    if (this.#client.isReady || this.#isClosed) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#settings.connectTimeout);
    this.#waitForReady.add(resolve);
    return promise.finally(() => {
      clearTimeout(timer);
      this.#waitForReady.delete(resolve);
    });
  }

  /** Runs the script. `operands` are how many keys, the keys, and the arguments. */
  ask(operands: readonly string[], asker: Asker): void {
    if (!this.isUp) {
      asker.unanswered();
      return;
    }
    const call = new Call(asker, this.#deadlines.after(this.#settings.timeout), this.#onOverdue);
    this.#deadlines.add(call);
    const command = ['EVALSHA', this.#script.sha, ...operands];
    const client = this.#client;
    this.#due++;
    client.sendCommand(command).then(
      (reply) => this.#answered(call, reply),
      (error: unknown) => {
        if (!isUnknownScript(error)) return this.#failed(call, error, client);
        // Redis was emptied or is another one now. It does what it is sent in order, so that the answer need not be waited for.
        this.#load(client);
        client.sendCommand(command).then(
          (reply) => this.#answered(call, reply),
          (again: unknown) => this.#failed(call, again, client),
        );
      },
    );
  }

  /** Sends a command whose answer nobody needs, also while the connection waits for its last answers: what they took may be given back. */
  tell(command: readonly string[]): void {
    if (this.#client.isReady && this.#giveUp === undefined)
      this.#client.sendCommand([...command]).catch((error: unknown) => this.#tellOf(error));
  }

  /** Nothing is asked any more. Waits for answers that are due, as long as a connection is kept on which nothing comes. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    const client = this.#client;
    this.#isClosed = true;
    clearTimeout(this.#retry);
    this.#moves();
    for (const resolve of this.#waitForReady) resolve();
    if (client.isReady) {
      await within(this.#settings.connectTimeout, this.#lastAnswer());
      await within(this.#settings.timeout, client.close());
    }
    client.destroy();
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

  #settled(): void {
    if (--this.#due === 0) this.#onLast?.();
  }

  #open(): Client {
    const client = newClient(clientOptions(this.#settings));
    const { connectTimeout } = this.#settings;
    // Who listens is not necessarily Redis, or awake: the client's own limit ends with the connection.
    const late = setTimeout(
      () => this.#lost(client, `no answer within ${connectTimeout} ms`),
      connectTimeout,
    );
    client.on('error', (error: unknown) => {
      clearTimeout(late);
      this.#lost(client, error);
    });
    client.on('end', () => clearTimeout(late));
    client.on('ready', () => {
      clearTimeout(late);
      this.#failures = 0;
      this.#load(client);
      for (const resolve of this.#waitForReady) resolve();
    });
    // That it cannot connect is an event as well.
    client.connect().catch((error: unknown) => this.#tellOf(error));
    return client;
  }

  /** Gives up a connection, and makes another after a while: twice as long each time, and never all workers and nodes at once. */
  #lost(client: Client, cause: unknown): void {
    this.#tellOf(cause);
    if (this.#isClosed || this.#retry !== undefined || client !== this.#client) return;
    const ms = Math.min(RETRY.longestMs, RETRY.firstMs * 2 ** this.#failures++);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#client = this.#open();
      },
      ms * (0.5 + Math.random() / 2),
    );
    client.destroy();
    this.#moves();
  }

  /** Once for all that found out at the same time. */
  #load(client: Client): void {
    if (this.#loading === client) return;
    this.#loading = client;
    client
      .sendCommand(['SCRIPT', 'LOAD', this.#script.text])
      .catch((error: unknown) => this.#tellOf(error))
      .finally(() => {
        if (this.#loading === client) this.#loading = undefined;
      });
  }

  #answered(call: Call, reply: unknown): void {
    this.#settled();
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

  #failed(call: Call, error: unknown, client: Client): void {
    this.#settled();
    this.#moves();
    // What was the primary is a replica now: its name may lead to another one.
    if (isReadOnly(error)) this.#lost(client, error);
    else this.#tellOf(error);
    if (call.isOverdue) return;
    this.#deadlines.remove(call);
    call.asker.unanswered();
  }

  readonly #onOverdue = (call: Call): void => {
    this.#deadlines.remove(call);
    const { timeout, connectTimeout } = this.#settings;
    const client = this.#client;
    call.asker.unanswered();
    this.#tellOf(`no answer within ${timeout} ms`);
    if (this.#isClosed) return;
    this.#giveUp ??= setTimeout(
      () => this.#lost(client, `no answer within ${connectTimeout} ms`),
      connectTimeout,
    );
  };

  /** Answers come again. */
  #moves(): void {
    clearTimeout(this.#giveUp);
    this.#giveUp = undefined;
  }

  #tellOf(cause: unknown): void {
    if (!this.#isClosed) this.#outage.failed(withoutPasswords(cause, [passwordOf(this.#settings.url)]));
  }
}

class Call implements Deadline {
  readonly asker: Asker;
  readonly #onOverdue: (call: Call) => void;
  deadlineMs: number;
  isOverdue = false;

  constructor(asker: Asker, deadlineMs: number, onOverdue: (call: Call) => void) {
    this.asker = asker;
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

/** Host and port: user and password stay out of the log. */
function placeOf(url: string): string {
  return new URL(url).host;
}
