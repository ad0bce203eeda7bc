import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { messageOf } from '../../../lib/message-of.ts';
import { RecordsUnavailable } from '../records.ts';
import type { FromTable, ToTable } from './messages.ts';
import type { RecordTable } from './record-table.ts';

/** How long a removal waits for workers to have heard of it: one whose event loop is blocked serves nobody meanwhile. */
const HEARD_MS = 1000;
/** Between two looks at what has ended, and how much of that goes at one time. */
const EXPIRE = { everyMs: 1000, atOnce: 10_000 } as const;

/**
 * Serves the table to the workers, each on a port of its own. They live and die as they like: the records stay, and nobody waits for a
 * worker that is gone.
 */
export class RecordsDesk {
  readonly #table: RecordTable;
  /** Those who want to be told of changes. */
  readonly #told = new Set<MessagePort>();
  readonly #ports = new Set<MessagePort>();
  readonly #barriers = new Map<number, Barrier>();
  #lastBarrier = 0;
  /** Runs once somebody keeps records. */
  #expiry: NodeJS.Timeout | undefined;

  constructor(table: RecordTable) {
    this.#table = table;
    table.onChange = (keys) => this.#tell({ kind: 'changed', keys });
  }

  /** The other end is for one worker, to be handed to it as it starts. It is closed when the worker is gone. */
  connect(): MessagePort {
    const { port1: port, port2 } = new MessageChannel();
    this.#ports.add(port);
    port.on('message', (message: ToTable) => this.#receive(port, message));
    port.on('close', () => this.#forget(port));
    port.unref();
    return port2;
  }

  close(): void {
    clearInterval(this.#expiry);
    for (const port of this.#ports) port.close();
  }

  #receive(port: MessagePort, message: ToTable): void {
    switch (message.kind) {
      case 'open':
        this.#told.add(port);
        this.#expiry ??= setInterval(() => this.#table.expire(EXPIRE.atOnce), EXPIRE.everyMs).unref();
        return;
      case 'passed':
        this.#barriers.get(message.id)?.passed(port);
        return;
      case 'ask':
        this.#answer(port, message);
        return;
    }
  }

  #answer(port: MessagePort, { id, operation, operands }: Extract<ToTable, { kind: 'ask' }>): void {
    const answer = (message: FromTable): void => port.postMessage(message);
    let value: unknown;
    try {
      // The other end checks the types, and it is our own thread.
      value = (this.#table[operation] as (...all: readonly unknown[]) => unknown).apply(
        this.#table,
        operands as unknown[],
      );
    } catch (error) {
      const reason = messageOf(error);
      answer({ kind: 'refusal', id, reason, isFull: error instanceof RecordsUnavailable });
      return;
    }
    if (operation !== 'remove') answer({ kind: 'answer', id, value });
    else this.#afterAllHeard(() => answer({ kind: 'answer', id, value: undefined }));
  }

  #tell(message: FromTable): void {
    for (const port of this.#told) port.postMessage(message);
  }

  /** Messages arrive in order: who has passed the barrier has heard of everything before it. */
  #afterAllHeard(act: () => void): void {
    if (this.#told.size === 0) {
      act();
      return;
    }
    const id = ++this.#lastBarrier;
    const done = (): void => {
      this.#barriers.delete(id);
      act();
    };
    this.#barriers.set(id, new Barrier(this.#told, done));
    this.#tell({ kind: 'barrier', id });
  }

  #forget(port: MessagePort): void {
    this.#ports.delete(port);
    this.#told.delete(port);
    for (const barrier of this.#barriers.values()) barrier.passed(port);
  }
}

/** Waits for everybody, but not for ever. */
class Barrier {
  readonly #waitingFor: Set<MessagePort>;
  readonly #done: () => void;
  readonly #timer: NodeJS.Timeout;

  constructor(ports: Iterable<MessagePort>, done: () => void) {
    this.#waitingFor = new Set(ports);
    this.#done = done;
    this.#timer = setTimeout(done, HEARD_MS);
  }

  passed(port: MessagePort): void {
    if (!this.#waitingFor.delete(port) || this.#waitingFor.size > 0) return;
    clearTimeout(this.#timer);
    this.#done();
  }
}
