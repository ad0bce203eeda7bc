/** A test that waits longer than this for something has found a fault, or a deadlock of its own. */
const DEADLINE_MS = 10_000;

interface Waiter {
  readonly check: () => boolean;
  readonly resolve: () => void;
}

/** Lets tests wait for a state instead of a time: whoever changes the state tells, and each waiter looks again. */
export class Changes {
  readonly #waiters = new Set<Waiter>();

  /** Looks again for everyone who waits. */
  tell(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.check()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Resolves once `check` is true. Rejects at the deadline with what was waited for and what `state` says then. */
  async until(
    check: () => boolean,
    what: string,
    state: () => string = () => '',
    deadlineMs = DEADLINE_MS,
  ): Promise<void> {
    if (check()) return;
    await new Promise<void>((resolve, reject) => {
      const waiter = {
        check,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new Error(`waited in vain for ${what}${state() && `; ${state()}`}`));
      }, deadlineMs);
      this.#waiters.add(waiter);
    });
  }
}

/** Lets everything that is ready be read and answered: some turns of the event loop, whatever time they take. */
export async function turns(count = 2): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}
