/** Time as sources see it, so that a test can move it. */
export interface Timers {
  /** Milliseconds that never go back. */
  nowMs(): number;
  /** Runs a task once, later; the function that is returned takes it back. */
  after(delayMs: number, task: () => void): () => void;
}

/** The process's own time. What waits keeps no process alive. */
export const systemTimers: Timers = {
  nowMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs).unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after a while. */
export function pause(timers: Timers, ms: number): Promise<void> {
  return new Promise((resolve) => void timers.after(ms, resolve));
}
