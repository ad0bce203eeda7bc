import { type Held, heldBy, hold, letGo } from './held.ts';

/** Something that one request or several wait for: it is given up when the last of them has left. */
export class AwaitedWork<Result> {
  readonly promise: Promise<Result>;
  readonly #controller = new AbortController();
  #waiting = 0;
  #isSettled = false;

  /** `work` ends soon when its signal is given; what it comes to then concerns nobody. */
  constructor(work: (signal: AbortSignal) => Promise<Result>) {
    this.promise = work(this.#controller.signal);
    const settled = () => {
      this.#isSettled = true;
    };
    this.promise.then(settled, settled);
  }

  /** The last one left: whoever comes now begins anew. */
  get isGivenUp(): boolean {
    return this.#controller.signal.aborted;
  }

  join(): void {
    this.#waiting++;
  }

  leave(): void {
    if (--this.#waiting === 0 && !this.#isSettled) this.#controller.abort();
  }
}

interface Waiting extends Held {
  readonly awaited: AwaitedWork<unknown>;
}

/** The request waits for it, on behalf of `owner`, until it ends: see `stopWaiting`. */
export function awaitFor<Result>(
  exchange: Parameters<typeof hold>[0],
  owner: object,
  awaited: AwaitedWork<Result>,
): Promise<Result> {
  const waiting: Waiting = { owner, next: undefined, awaited };
  awaited.join();
  hold(exchange, waiting);
  return awaited.promise;
}

/** For `onEnd`: whatever the owner's request waits for, it waits no longer. */
export function stopWaiting(exchange: Parameters<typeof hold>[0], owner: object): void {
  for (;;) {
    const waiting = heldBy<Waiting>(exchange, owner);
    if (waiting === undefined) return;
    letGo(exchange, waiting);
    waiting.awaited.leave();
  }
}
