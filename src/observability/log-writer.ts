import fs from 'node:fs';

/** What the writer needs of `node:fs`; a test puts a disk that fails in its place. */
export interface LogFiles {
  openSync(path: string, flags: string, mode: number): number;
  write(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    position: null,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void;
  close(fd: number, done: (error?: NodeJS.ErrnoException | null) => void): void;
}

export interface LogWriterOptions {
  /** Bytes that may wait for a slow destination. Default: 8 MiB. */
  readonly maxQueueBytes?: number;
  /** The line (with its end) that tells of lost lines; written to the log itself when there is room again. */
  readonly dropNotice?: (lines: number) => string;
  /** Called when writing or reopening begins to fail; not again until it has worked in between. */
  readonly onError?: (message: string, cause: Error) => void;
  readonly files?: LogFiles;
}

const MAX_QUEUE_BYTES = 8 * 1024 * 1024;
const RETRY_MIN_MS = 5;
const RETRY_MAX_MS = 1000;
/** Access logs hold addresses of people: not for everyone's eyes. */
const FILE_MODE = 0o640;
const NEWLINE = 0x0a;

/**
 * Writes batches of whole lines to stdout, stderr or a file, one write at a time and never waiting. A destination that is slow,
 * full or gone costs lines, which are counted, and never a request. Lines are dropped whole, and before any octet of them is out.
 */
export class LogWriter {
  readonly #path: string | undefined;
  readonly #files: LogFiles;
  readonly #maxQueueBytes: number;
  readonly #dropNotice: (lines: number) => string;
  readonly #onError: (message: string, cause: Error) => void;
  #fd: number;
  /** The first one is being written when `#writing` is set. */
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Octets of the first batch that are out. */
  #offset = 0;
  #writing = false;
  #reopen = false;
  #failing = false;
  #retryMs = RETRY_MIN_MS;
  #retry: NodeJS.Timeout | undefined;
  #dropped = 0;
  #unreported = 0;
  #closed = false;
  #whenIdle: (() => void) | undefined;

  /** `destination` is stdout, stderr or a path. Throws an Error that names the path when the file cannot be opened. */
  constructor(destination: string, options: LogWriterOptions = {}) {
    this.#files = options.files ?? fs;
    this.#maxQueueBytes = options.maxQueueBytes ?? MAX_QUEUE_BYTES;
    this.#dropNotice = options.dropNotice ?? (() => '');
    this.#onError = options.onError ?? (() => {});
    if (destination === 'stdout' || destination === 'stderr') {
      this.#fd = destination === 'stdout' ? 1 : 2;
    } else {
      this.#path = destination;
      try {
        this.#fd = this.#files.openSync(destination, 'a', FILE_MODE);
      } catch (cause) {
        throw new Error(`cannot open the log file ${destination}: ${errorCode(cause)}`, { cause });
      }
    }
  }

  /** Lines lost since the start. */
  get droppedLines(): number {
    return this.#dropped;
  }

  /** Takes whole lines; the bytes are the writer's from here on. */
  write(batch: Uint8Array): void {
    if (batch.length === 0) return;
    if (this.#closed || this.#queuedBytes + batch.length > this.#maxQueueBytes) {
      this.#drop(batch);
      free(batch);
      return;
    }
    this.#queue.push(batch);
    this.#queuedBytes += batch.length;
    this.#next();
  }

  /** Opens the file anew, after a tool has moved the old one away. The batch being written ends in the old file. */
  reopen(): void {
    if (this.#path === undefined || this.#closed) return;
    this.#reopen = true;
    this.#next();
  }

  /** Writes what is queued, at most for that time, then closes. What is left then counts as dropped. */
  async close(withinMs = 2000): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#queue.length > 0) {
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, withinMs);
        this.#whenIdle = () => {
          clearTimeout(limit);
          resolve();
        };
      });
    }
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#dropQueue();
    if (this.#path === undefined) return;
    await new Promise<void>((resolve) => this.#files.close(this.#fd, () => resolve()));
  }

  #next(): void {
    if (this.#writing || this.#retry !== undefined) return;
    // Between batches only: a batch is never half in one file and half in the next.
    if (this.#reopen && this.#offset === 0) this.#openAnew();
    const batch = this.#queue[0];
    if (batch === undefined) {
      this.#whenIdle?.();
      return;
    }
    this.#writing = true;
    this.#files.write(this.#fd, batch, this.#offset, batch.length - this.#offset, null, this.#onWritten);
  }

  readonly #onWritten = (error: NodeJS.ErrnoException | null, written: number): void => {
    this.#writing = false;
    if (error) {
      this.#onFailed(error);
      return;
    }
    this.#failing = false;
    this.#retryMs = RETRY_MIN_MS;
    this.#offset += written;
    const batch = this.#queue[0];
    if (batch !== undefined && this.#offset >= batch.length) {
      this.#queue.shift();
      free(batch);
      this.#queuedBytes -= batch.length;
      this.#offset = 0;
      this.#reportDropped();
    }
    this.#next();
  };

  #onFailed(error: NodeJS.ErrnoException): void {
    // EAGAIN is a pipe whose reader is slow: no fault, only a reason to come back.
    if (error.code !== 'EAGAIN') {
      if (!this.#failing) this.#onError('the access log cannot be written', error);
      this.#failing = true;
    }
    if (error.code === 'EPIPE' || error.code === 'EBADF') {
      // The reader is gone for good, and the lines that wait for it with it.
      this.#dropQueue();
      this.#whenIdle?.();
      return;
    }
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#next();
    }, this.#retryMs).unref();
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
  }

  #openAnew(): void {
    this.#reopen = false;
    try {
      const fd = this.#files.openSync(this.#path as string, 'a', FILE_MODE);
      const old = this.#fd;
      this.#fd = fd;
      this.#files.close(old, () => {});
    } catch (cause) {
      // Better the old file than none.
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.#onError(`cannot reopen the log file ${this.#path}; the old one stays in use`, error);
    }
  }

  #drop(batch: Uint8Array): void {
    let lines = 0;
    for (let at = batch.indexOf(NEWLINE); at !== -1; at = batch.indexOf(NEWLINE, at + 1)) lines++;
    this.#dropped += lines;
    this.#unreported += lines;
  }

  #dropQueue(): void {
    // Of a batch that is partly out, the lines that are whole in the log are not lost.
    const first = this.#queue[0];
    if (first !== undefined && this.#offset > 0) this.#queue[0] = first.subarray(this.#offset);
    for (const batch of this.#queue) this.#drop(batch);
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#offset = 0;
  }

  /** Tells of lost lines once, when half of the queue is free again. */
  #reportDropped(): void {
    if (this.#unreported === 0 || this.#closed || this.#queuedBytes > this.#maxQueueBytes / 2) return;
    const line = Buffer.from(this.#dropNotice(this.#unreported));
    this.#unreported = 0;
    if (line.length === 0) return;
    this.#queue.push(line);
    this.#queuedBytes += line.length;
  }
}

/** Below it a buffer may be a part of one that Node keeps for many, and is not worth the while. */
const FREED_BYTES = 128 * 1024;

/**
 * Gives the memory back now. To V8 a few hundred batches are a reason to look for garbage in all of the heap (every 2 s under load, which held up
 * workers on the same core for 10 to 40 ms), although none of them is in use. Never of a batch that is being written.
 */
function free({ buffer }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength >= FREED_BYTES) buffer.transfer(0);
}

function errorCode(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
