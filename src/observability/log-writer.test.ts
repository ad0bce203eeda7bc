import assert from 'node:assert/strict';
import fs from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import { type LogFiles, LogWriter } from './log-writer.ts';

/** A disk that takes what a test lets it take: each write waits until it is answered. */
class FakeFiles implements LogFiles {
  readonly out = new Map<number, string>();
  readonly opened: string[] = [];
  readonly closed: number[] = [];
  openError: NodeJS.ErrnoException | undefined;
  #pending:
    | { fd: number; text: string; done: (error: NodeJS.ErrnoException | null, written: number) => void }
    | undefined;
  #nextFd = 10;

  openSync(name: string): number {
    if (this.openError) throw this.openError;
    this.opened.push(name);
    return this.#nextFd++;
  }

  write(
    fd: number,
    buffer: Uint8Array,
    offset: number,
    length: number,
    _position: null,
    done: (error: NodeJS.ErrnoException | null, written: number) => void,
  ): void {
    assert.equal(this.#pending, undefined, 'one write at a time');
    this.#pending = { fd, text: Buffer.from(buffer.subarray(offset, offset + length)).toString(), done };
  }

  close(fd: number, done: () => void): void {
    this.closed.push(fd);
    done();
  }

  get busy(): boolean {
    return this.#pending !== undefined;
  }

  /** Answers the write that waits: takes all of it, or so many octets, or fails. */
  answer(how: 'all' | number | NodeJS.ErrnoException = 'all'): void {
    const pending = this.#pending;
    assert.ok(pending, 'a write waits');
    this.#pending = undefined;
    if (how instanceof Error) return pending.done(how, 0);
    const written = how === 'all' ? pending.text.length : how;
    this.out.set(pending.fd, (this.out.get(pending.fd) ?? '') + pending.text.slice(0, written));
    pending.done(null, written);
  }

  answerAll(): void {
    while (this.busy) this.answer();
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const failure = (code: string): NodeJS.ErrnoException => Object.assign(new Error(code), { code });

describe('the log writer', () => {
  it('writes batches in order, one at a time, and a partial write goes on where it ended', () => {
    const files = new FakeFiles();
    const writer = new LogWriter('/log', { files });
    writer.write(bytes('one\n'));
    writer.write(bytes('two\nthree\n'));
    files.answer(2);
    files.answer();
    files.answer(5);
    files.answer();
    assert.equal(files.busy, false);
    assert.equal(files.out.get(10), 'one\ntwo\nthree\n');
    assert.equal(writer.droppedLines, 0);
  });

  it('gives back the memory of a large batch when all of it is out, or when it is dropped', () => {
    const files = new FakeFiles();
    const writer = new LogWriter('stdout', { files, maxQueueBytes: 256 * 1024 });
    const line = `${'x'.repeat(200_000)}\n`;
    const written = bytes(line);
    const dropped = bytes(line);
    const small = Buffer.from('part of a buffer that Node keeps for many\n');
    writer.write(written);
    writer.write(dropped);
    writer.write(small);
    files.answer(100_000);
    assert.equal(written.buffer.byteLength, 200_001, 'a part is still to be written');
    files.answerAll();
    assert.equal(written.buffer.byteLength, 0);
    assert.equal(dropped.buffer.byteLength, 0);
    assert.notEqual(small.buffer.byteLength, 0);
  });

  it('drops whole lines when the queue is full, counts them, and says so once when there is room', () => {
    const files = new FakeFiles();
    const writer = new LogWriter('stdout', {
      files,
      maxQueueBytes: 12,
      dropNotice: (lines) => `lost ${lines}\n`,
    });
    writer.write(bytes('aaaaa\n'));
    writer.write(bytes('bbbbb\n'));
    writer.write(bytes('c\nd\n'));
    writer.write(bytes('e\n'));
    assert.equal(writer.droppedLines, 3);
    files.answerAll();
    writer.write(bytes('f\n'));
    files.answerAll();
    assert.equal(files.out.get(1), 'aaaaa\nbbbbb\nlost 3\nf\n');
    assert.equal(writer.droppedLines, 3);
  });

  it('comes back, later each time, to a pipe that is full', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const files = new FakeFiles();
    const errors: string[] = [];
    const writer = new LogWriter('stdout', { files, onError: (message) => errors.push(message) });
    writer.write(bytes('one\n'));
    for (const waitMs of [5, 10, 20]) {
      files.answer(failure('EAGAIN'));
      t.mock.timers.tick(waitMs - 1);
      assert.equal(files.busy, false);
      t.mock.timers.tick(1);
    }
    files.answer();
    assert.equal(files.out.get(1), 'one\n');
    assert.deepEqual(errors, []);
  });

  it('keeps what a full disk did not take, tells once, and never tears a line', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const files = new FakeFiles();
    const errors: string[] = [];
    const writer = new LogWriter('/log', {
      files,
      onError: (message, cause) => errors.push(`${message}: ${cause.message}`),
    });
    writer.write(bytes('one\ntwo\n'));
    files.answer(5);
    files.answer(failure('ENOSPC'));
    t.mock.timers.tick(5);
    files.answer(failure('ENOSPC'));
    t.mock.timers.tick(10);
    files.answer();
    assert.equal(files.out.get(10), 'one\ntwo\n');
    assert.deepEqual(errors, ['the access log cannot be written: ENOSPC']);
  });

  it('drops what waits when the reader of a pipe is gone, and goes on', () => {
    const files = new FakeFiles();
    const errors: string[] = [];
    const writer = new LogWriter('stdout', { files, onError: (message) => errors.push(message) });
    writer.write(bytes('one\ntwo\n'));
    writer.write(bytes('three\n'));
    files.answer(failure('EPIPE'));
    assert.equal(writer.droppedLines, 3);
    writer.write(bytes('four\n'));
    files.answer(failure('EPIPE'));
    assert.equal(writer.droppedLines, 4);
    assert.deepEqual(errors, ['the access log cannot be written']);
  });

  it('opens the file anew between two batches', () => {
    const files = new FakeFiles();
    const writer = new LogWriter('/log', { files });
    writer.write(bytes('one\n'));
    writer.write(bytes('two\n'));
    writer.reopen();
    files.answer(2);
    files.answerAll();
    assert.deepEqual([files.out.get(10), files.out.get(11), files.closed], ['one\n', 'two\n', [10]]);
  });

  it('keeps the old file when the new one cannot be opened', () => {
    const files = new FakeFiles();
    const errors: string[] = [];
    const writer = new LogWriter('/log', { files, onError: (message) => errors.push(message) });
    files.openError = failure('EACCES');
    writer.reopen();
    writer.write(bytes('one\n'));
    files.answerAll();
    assert.equal(files.out.get(10), 'one\n');
    assert.deepEqual(errors, ['cannot reopen the log file /log; the old one stays in use']);
  });

  it('writes what waits before it closes', async () => {
    const files = new FakeFiles();
    const writer = new LogWriter('/log', { files });
    writer.write(bytes('one\n'));
    const closed = writer.close();
    files.answer();
    await closed;
    assert.deepEqual([files.out.get(10), files.closed, writer.droppedLines], ['one\n', [10], 0]);
    writer.write(bytes('late\n'));
    assert.equal(writer.droppedLines, 1);
  });

  it('closes in time when the destination takes nothing, and counts what is lost', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const files = new FakeFiles();
    const writer = new LogWriter('/log', { files });
    writer.write(bytes('one\ntwo\nthree\n'));
    files.answer(5);
    const closed = writer.close(500);
    t.mock.timers.tick(500);
    await closed;
    assert.equal(writer.droppedLines, 2);
  });

  it('says which file it cannot open', () => {
    const files = new FakeFiles();
    files.openError = failure('ENOENT');
    assert.throws(() => new LogWriter('/no/such/log', { files }), {
      message: 'cannot open the log file /no/such/log: ENOENT',
    });
  });

  it('appends to a real file that a tool moves away, and others cannot read it', async (t) => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'portcullis-log-'));
    t.after(() => rm(folder, { recursive: true }));
    const file = path.join(folder, 'access.log');
    fs.writeFileSync(file, 'before\n', { mode: 0o640 });
    const first = new LogWriter(file);
    first.write(bytes('one\n'));
    await first.close();
    const writer = new LogWriter(file);
    await rename(file, `${file}.1`);
    writer.reopen();
    writer.write(bytes('two\n'));
    await writer.close();
    assert.equal(await readFile(`${file}.1`, 'utf8'), 'before\none\n');
    assert.equal(await readFile(file, 'utf8'), 'two\n');
    assert.equal((await stat(file)).mode & 0o007, 0);
  });
});
