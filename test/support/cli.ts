import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const BIN = fileURLToPath(new URL('../../bin/portcullis', import.meta.url));

/** Below the time limit of a test, so that it is the wait that fails, and the process is ended. */
const PATIENCE_MS = 30_000;

/** A line of the gateway's own log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [detail: string]: unknown;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A directory of its own for files by name; it goes away with `remove`. */
export class Workspace implements Disposable {
  readonly directory = mkdtempSync(join(tmpdir(), 'portcullis-test-'));

  constructor(files: Readonly<Record<string, string>> = {}) {
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, text: string | Uint8Array): void {
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The real command line as a child process. `await using` ends it. */
export class RunningCli implements AsyncDisposable {
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #log: LogLine[] = [];
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #ended = false;

  constructor(args: readonly string[], directory: string, env: Readonly<Record<string, string>> = {}) {
    this.#child = spawn(process.execPath, [BIN, ...args], {
      cwd: directory,
      env: { ...process.env, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.exited = new Promise((resolve) => {
      // close, not exit: until then there may be output to read.
      this.#child.once('close', (code, signal) => {
        this.#ended = true;
        this.#wake();
        resolve({ code, signal });
      });
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
      this.#wake();
    });
    let partial = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) this.#log.push(JSON.parse(line) as LogLine);
      this.#wake();
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get log(): readonly LogLine[] {
    return this.#log;
  }

  /**
   * Waits until the condition holds; it is looked at with every output. Rejects with what was written when the process ends
   * before, or after half a minute.
   */
  async until<Result>(condition: () => Result | undefined | false): Promise<Result> {
    const deadline = performance.now() + PATIENCE_MS;
    let timer: NodeJS.Timeout | undefined;
    for (;;) {
      const result = condition();
      if (result !== undefined && result !== false) return result;
      if (this.#ended) throw new Error(`the process has ended; ${this.#written()}`);
      if (performance.now() > deadline) throw new Error(`waited in vain; ${this.#written()}`);
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        timer = setTimeout(resolve, deadline - performance.now() + 1);
      });
      clearTimeout(timer);
    }
  }

  /** Waits for a line of the log, from the given one on. */
  logged(message: string | RegExp, from = 0): Promise<LogLine> {
    return this.until(() =>
      this.#log
        .slice(from)
        .find((line) =>
          typeof message === 'string' ? line.message === message : message.test(line.message),
        ),
    );
  }

  /** Waits until the gateway serves. */
  async ready(): Promise<{ readonly url: string; readonly admin: string }> {
    const line = await this.logged('ready');
    const listener = Object.entries(line).find(([name]) => name.startsWith('listener.'))?.[1];
    return { url: String(listener), admin: String(line['admin']) };
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) this.#child.kill('SIGKILL');
    await this.exited;
  }

  #written(): string {
    return `it wrote:\n${this.#stdout}\n${this.#stderr}`;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
