import type { MessagePort } from 'node:worker_threads';
import { clockMs } from '../../../lib/clock.ts';
import { type Deadline, Deadlines } from '../../../lib/deadlines.ts';
import { ChangeListeners } from '../change-listeners.ts';
import {
  type Lease,
  type OpenRecords,
  type Records,
  RecordsUnavailable,
  type StoredRecord,
} from '../records.ts';
import type { FromTable, Operation, ToTable } from './messages.ts';

export interface RemoteRecordsOptions {
  /** How long an answer may take: the main thread may be busy with a large configuration. */
  readonly timeoutMs?: number;
  /** Questions without an answer: beyond them one is refused at once. */
  readonly maxOpen?: number;
}

/** The records of a table in another thread, by a port of `RecordsDesk.connect`. */
export class RemoteRecords implements OpenRecords {
  readonly #port: MessagePort;
  readonly #timeoutMs: number;
  readonly #maxOpen: number;
  readonly #listeners = new ChangeListeners();
  readonly #open = new Map<number, Question>();
  readonly #deadlines = new Deadlines(clockMs);
  #lastId = 0;
  #isLive = true;

  constructor(port: MessagePort, { timeoutMs = 5000, maxOpen = 10_000 }: RemoteRecordsOptions = {}) {
    this.#port = port;
    this.#timeoutMs = timeoutMs;
    this.#maxOpen = maxOpen;
    port.on('message', (message: FromTable) => this.#receive(message));
    port.on('close', () => this.#end());
    this.#post({ kind: 'open' });
  }

  get isLive(): boolean {
    return this.#isLive;
  }

  read(key: string): Promise<StoredRecord | undefined> {
    return this.#ask('read', key);
  }

  create(key: string, value: string, ttlMs: number): Promise<boolean> {
    return this.#ask('create', key, value, ttlMs);
  }

  replace(
    key: string,
    value: string,
    ttlMs: number,
    version: number,
    fence?: number,
  ): Promise<number | undefined> {
    return this.#ask('replace', key, value, ttlMs, version, fence);
  }

  touch(key: string, ttlMs: number): Promise<boolean> {
    return this.#ask('touch', key, ttlMs);
  }

  take(key: string): Promise<string | undefined> {
    return this.#ask('take', key);
  }

  remove(keys: readonly string[]): Promise<void> {
    return this.#ask('remove', keys);
  }

  addMember(set: string, member: string, ttlMs: number): Promise<number> {
    return this.#ask('addMember', set, member, ttlMs);
  }

  removeMember(set: string, member: string): Promise<void> {
    return this.#ask('removeMember', set, member);
  }

  members(set: string): Promise<readonly string[]> {
    return this.#ask('members', set);
  }

  acquire(key: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    return this.#ask('acquire', key, holder, ttlMs);
  }

  renew(key: string, holder: string, ttlMs: number): Promise<boolean> {
    return this.#ask('renew', key, holder, ttlMs);
  }

  release(key: string, holder: string): Promise<void> {
    return this.#ask('release', key, holder);
  }

  onChange(listener: (key: string | undefined) => void): () => void {
    return this.#listeners.add(listener);
  }

  async close(): Promise<void> {
    this.#end();
    this.#port.close();
  }

  #ask<Asked extends Operation>(
    operation: Asked,
    ...operands: Parameters<Records[Asked]>
  ): ReturnType<Records[Asked]> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    if (!this.#isLive) reject(new RecordsUnavailable('the records are closed'));
    else if (this.#open.size >= this.#maxOpen)
      reject(new RecordsUnavailable(`${this.#maxOpen} questions about records have no answer yet`));
    else {
      const id = ++this.#lastId;
      const question = new Question(this.#deadlines.after(this.#timeoutMs), resolve, reject, () =>
        this.#close(id)?.reject(new RecordsUnavailable(`no answer within ${this.#timeoutMs} ms`)),
      );
      this.#open.set(id, question);
      this.#deadlines.add(question);
      this.#post({ kind: 'ask', id, operation, operands });
    }
    return promise as ReturnType<Records[Asked]>;
  }

  #post(message: ToTable): void {
    this.#port.postMessage(message);
  }

  #receive(message: FromTable): void {
    switch (message.kind) {
      case 'answer':
        this.#close(message.id)?.resolve(message.value);
        return;
      case 'refusal': {
        const { reason, isFull } = message;
        this.#close(message.id)?.reject(isFull ? new RecordsUnavailable(reason) : new RangeError(reason));
        return;
      }
      case 'changed':
        for (const key of message.keys) this.#listeners.tell(key);
        return;
      case 'barrier':
        this.#post({ kind: 'passed', id: message.id });
        return;
    }
  }

  /** undefined where it was given up already. */
  #close(id: number): Question | undefined {
    const question = this.#open.get(id);
    if (question === undefined) return undefined;
    this.#open.delete(id);
    this.#deadlines.remove(question);
    return question;
  }

  #end(): void {
    this.#isLive = false;
    for (const id of [...this.#open.keys()])
      this.#close(id)?.reject(new RecordsUnavailable('the records are closed'));
  }
}

class Question implements Deadline {
  readonly deadlineMs: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly onDeadline: () => void;

  constructor(
    deadlineMs: number,
    resolve: (value: unknown) => void,
    reject: (error: Error) => void,
    onDeadline: () => void,
  ) {
    this.deadlineMs = deadlineMs;
    this.resolve = resolve;
    this.reject = reject;
    this.onDeadline = onDeadline;
  }
}
