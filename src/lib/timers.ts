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

/** Resolves after a while, or at once when `signal` is aborted. */
export function pause(timers: Timers, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const end = (): void => {
      cancel();
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const cancel = timers.after(ms, end);
    signal?.addEventListener('abort', end);
  });
}
