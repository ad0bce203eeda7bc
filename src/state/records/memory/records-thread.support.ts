import { once } from 'node:events';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { ChangeListeners } from '../change-listeners.ts';
import { type Records, RecordsUnavailable } from '../records.ts';
import type { Operation } from './messages.ts';
import { RemoteRecords } from './remote-records.ts';

/** A real worker that asks for records, told by a test what to ask for. */
export interface RecordsThread {
  readonly records: Records;
  /** Its event loop does nothing for so long. Resolves when it is blocked. */
  block(ms: number): Promise<void>;
  /** Ends it at once. */
  close(): Promise<void>;
}

type ToThread =
  | { readonly id: number; readonly operation: Operation; readonly operands: readonly unknown[] }
  | { readonly blockMs: number };

type FromThread =
  | 'ready'
  | 'blocked'
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly name: string; readonly message: string }
  | { readonly changed: string | undefined };

const OPERATIONS: readonly Operation[] = [
  'read',
  'create',
  'replace',
  'touch',
  'take',
  'remove',
  'addMember',
  'removeMember',
  'members',
  'acquire',
  'renew',
  'release',
];

export async function startRecordsThread(port: MessagePort): Promise<RecordsThread> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: { recordsPort: port },
    transferList: [port],
  });
  const listeners = new ChangeListeners();
  const open = new Map<number, PromiseWithResolvers<unknown>>();
  const ready = Promise.withResolvers<void>();
  let blocked = Promise.withResolvers<void>();
  let lastId = 0;
  worker.on('message', (message: FromThread) => {
    if (message === 'ready') ready.resolve();
    else if (message === 'blocked') blocked.resolve();
    else if ('changed' in message) listeners.tell(message.changed);
    else if ('value' in message) open.get(message.id)?.resolve(message.value);
    else {
      const { name, message: reason } = message;
      const error = name === 'RangeError' ? new RangeError(reason) : new RecordsUnavailable(reason);
      open.get(message.id)?.reject(error);
    }
  });
  await Promise.race([ready.promise, once(worker, 'exit').then(() => Promise.reject(new Error('it ended')))]);
  const send = (message: ToThread): void => worker.postMessage(message);
  const ask = (operation: Operation, ...operands: readonly unknown[]): Promise<unknown> => {
    const answer = Promise.withResolvers<unknown>();
    const id = ++lastId;
    open.set(id, answer);
    send({ id, operation, operands });
    return answer.promise;
  };
  const methods = OPERATIONS.map((name) => [
    name,
    (...operands: readonly unknown[]) => ask(name, ...operands),
  ]);
  const records = {
    ...(Object.fromEntries(methods) as Pick<Records, Operation>),
    isLive: true,
    onChange: (listener: (key: string | undefined) => void) => listeners.add(listener),
  };
  return {
    records,
    async block(ms) {
      blocked = Promise.withResolvers();
      send({ blockMs: ms });
      await blocked.promise;
    },
    async close() {
      await worker.terminate();
    },
  };
}

/** The worker's side. */
function answerTest(port: MessagePort, recordsPort: MessagePort): void {
  const records = new RemoteRecords(recordsPort);
  const post = (message: FromThread): void => port.postMessage(message);
  records.onChange((changed) => post({ changed }));
  port.on('message', (message: ToThread) => {
    if ('blockMs' in message) {
      post('blocked');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, message.blockMs);
      return;
    }
    const { id, operation, operands } = message;
    (records[operation] as (...all: readonly unknown[]) => Promise<unknown>)
      .apply(records, [...operands])
      .then(
        (value) => post({ id, value }),
        ({ name, message: reason }: Error) => post({ id, name, message: reason }),
      );
  });
  post('ready');
}

if (!isMainThread && parentPort !== null) {
  const { recordsPort } = (workerData ?? {}) as { readonly recordsPort?: MessagePort };
  if (recordsPort !== undefined) answerTest(parentPort, recordsPort);
}
