import type { DataPlaneConfig } from '../server/config.ts';
import type { FromWorker, News, ToWorker, WorkerNews } from './messages.ts';
import { toSend } from './sent-config.ts';

/** What the supervisor needs of a thread; `Worker` of node:worker_threads has this shape. */
export interface WorkerThread {
  postMessage(message: ToWorker): void;
  terminate(): Promise<number>;
  on(event: 'message', listener: (message: FromWorker) => void): unknown;
  on(event: 'error', listener: (error: unknown) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
}

export type Reply = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Why a thread is gone. */
export interface Death {
  readonly reason: string;
  /** Of an error that nobody caught. */
  readonly stack: string | undefined;
}

/** The supervisor's end of the conversation with one thread, from its start to its exit. Questions end when the thread does. */
export class WorkerLink {
  /** Resolves with the cause when the thread is gone. */
  readonly exited: Promise<Death>;
  readonly #thread: WorkerThread;
  readonly #preparing = new Map<number, (reply: Reply) => void>();
  /** What was sent and neither committed nor discarded, by generation. */
  readonly #sent = new Map<number, DataPlaneConfig>();
  /** What the worker serves. */
  #committed: DataPlaneConfig | undefined;
  #drained: (() => void) | undefined;
  #gone: string | undefined;

  /** `deliver` receives every message that is not the answer to a question of this class. */
  constructor(thread: WorkerThread, deliver: (message: WorkerNews) => void) {
    this.#thread = thread;
    let cause: Death | undefined;
    thread.on('error', (error) => {
      cause = describe(error);
    });
    this.exited = new Promise((resolve) => {
      thread.on('exit', (code) => {
        const death = cause ?? { reason: `exited with code ${code}`, stack: undefined };
        const { reason } = death;
        this.#gone = reason;
        for (const settle of this.#preparing.values())
          settle({ ok: false, reason: `the worker died: ${reason}` });
        this.#preparing.clear();
        this.#drained?.();
        resolve(death);
      });
    });
    thread.on('message', (message) => {
      if (message.kind === 'prepared') this.#preparing.get(message.generation)?.({ ok: true });
      else if (message.kind === 'refused')
        this.#preparing.get(message.generation)?.({ ok: false, reason: message.reason });
      else if (message.kind === 'drained') this.#drained?.();
      else deliver(message);
    });
  }

  /** Resolves, never rejects, at the latest after `limitMs`. The caller sends `commit` or `discard` afterwards. */
  prepare(generation: number, config: DataPlaneConfig, limitMs: number): Promise<Reply> {
    if (this.#gone !== undefined)
      return Promise.resolve({ ok: false, reason: `the worker died: ${this.#gone}` });
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => settle({ ok: false, reason: `the worker did not get ready within ${limitMs} ms` }),
        limitMs,
      );
      const settle = (reply: Reply): void => {
        clearTimeout(timer);
        this.#preparing.delete(generation);
        resolve(reply);
      };
      this.#preparing.set(generation, settle);
      this.#sent.set(generation, config);
      this.#thread.postMessage({ kind: 'prepare', generation, config: toSend(config, this.#committed) });
    });
  }

  commit(generation: number): void {
    this.#committed = this.#sent.get(generation);
    this.#sent.delete(generation);
    this.#thread.postMessage({ kind: 'commit', generation });
  }

  discard(generation: number): void {
    this.#sent.delete(generation);
    this.#thread.postMessage({ kind: 'discard', generation });
  }

  tell(news: News): void {
    this.#thread.postMessage(news);
  }

  ping(): void {
    this.#thread.postMessage({ kind: 'ping' });
  }

  /** Resolves when the worker has drained, has died, or after `limitMs` and a second of grace. */
  drain(limitMs: number): Promise<void> {
    if (this.#gone !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs + 1000);
      this.#drained = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#thread.postMessage({ kind: 'drain', limitMs });
    });
  }

  async terminate(): Promise<void> {
    await this.#thread.terminate();
  }
}

function describe(error: unknown): Death {
  if (!(error instanceof Error)) return { reason: String(error), stack: undefined };
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return { reason: 'out of memory', stack: undefined };
  return { reason: error.message, stack: error.stack };
}
