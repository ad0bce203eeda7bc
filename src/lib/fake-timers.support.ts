import { Changes } from '../../test/support/changes.ts';
import type { Timers } from './timers.ts';

interface Task {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that stands still until a test moves it. */
export class FakeTimers implements Timers {
  readonly #tasks = new Set<Task>();
  readonly #changes = new Changes();
  #now = 0;

  nowMs(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const task = { atMs: this.#now + delayMs, run };
    this.#tasks.add(task);
    this.#changes.tell();
    return () => this.#tasks.delete(task);
  }

  /** From now until each of the tasks that wait, the next one first. */
  get waiting(): number[] {
    return [...this.#tasks].map(({ atMs }) => atMs - this.#now).sort((a, b) => a - b);
  }

  /** Resolves when a task waits for just so long. */
  async untilWaiting(delayMs: number): Promise<void> {
    await this.#changes.until(
      () => this.waiting.includes(delayMs),
      `a task in ${delayMs} ms`,
      () => `tasks in ${this.waiting.join(', ')} ms`,
    );
  }

  /** Moves the clock, and runs what is due at its own time. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = [...this.#tasks].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#tasks.delete(next);
      this.#now = Math.max(this.#now, next.atMs);
      next.run();
    }
    this.#now = end;
  }
}
