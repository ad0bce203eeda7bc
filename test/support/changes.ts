/** A test that waits longer than this for something has found a fault, or a deadlock of its own. */
const DEADLINE_MS = 10_000;

interface Waiter {
  readonly check: () => boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What was waited for cannot come any more. */
export class Gone extends Error {}

/** Lets tests wait for a state instead of a time: whoever changes the state tells, and each waiter looks again. */
export class Changes {
  readonly #waiters = new Set<Waiter>();
  #over = false;

  /** Looks again for everyone who waits. */
  tell(): void {
    for (const waiter of this.#waiters) {
      if (!waiter.check()) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  /** Nothing changes any more: whoever still waits is rejected with Gone. */
  end(): void {
    this.tell();
    this.#over = true;
    for (const waiter of this.#waiters) waiter.reject(new Gone('it is gone'));
    this.#waiters.clear();
  }

  /** Resolves once `check` is true. Rejects at the deadline with what was waited for and what `state` says then. */
  async until(
    check: () => boolean,
    what: string,
    state: () => string = () => '',
    deadlineMs = DEADLINE_MS,
  ): Promise<void> {
    if (check()) return;
    if (this.#over) throw new Gone(`gone before ${what}; ${state()}`);
    await new Promise<void>((resolve, reject) => {
      const waiter = {
        check,
        resolve: () => {
          clearTimeout(timer);
          resolve();
        },
        reject: (error: Error) => {
          clearTimeout(timer);
          reject(new Gone(`gone before ${what}; ${state()}`, { cause: error }));
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
