import type { Timers } from './timers.ts';

export interface FairQueueOptions {
  /** So many have their turn at once, and of one party. */
  readonly atOnce: number;
  readonly atOncePerParty: number;
  /** So many wait for it, and of one party. */
  readonly waiting: number;
  readonly waitingPerParty: number;
  /** Whoever waits longer gives up. */
  readonly longestWaitMs: number;
}

interface Waiter {
  readonly settle: (hasTurn: boolean) => void;
}

/** Those who come for the same reason, such as from one address. */
interface Party {
  running: number;
  readonly waiting: Set<Waiter>;
}

/** Turns at something that bears only so much at once: parties come one after the other, however many of one party there are. */
export class FairQueue {
  readonly #options: FairQueueOptions;
  readonly #timers: Timers;
  readonly #parties = new Map<string, Party>();
  /** Parties of which somebody waits, in the order of their next turns. */
  readonly #line = new Set<Party>();
  #running = 0;
  #waiting = 0;
  #cancelPause: (() => void) | undefined;

  constructor(options: FairQueueOptions, timers: Timers) {
    this.#options = options;
    this.#timers = timers;
  }

  /** True at its turn, after which `leave` is called; false where too many wait, it took too long, or the signal was given. */
  enter(name: string, signal: AbortSignal): boolean | Promise<boolean> {
    const party = this.#partyOf(name);
    if (this.#mayRun(party)) {
      this.#start(party);
      return true;
    }
    const { waiting, waitingPerParty } = this.#options;
    if (signal.aborted || this.#waiting >= waiting || party.waiting.size >= waitingPerParty) {
      this.#forget(name, party);
      return false;
    }
    return this.#wait(name, party, signal);
  }

  leave(name: string): void {
    const party = this.#parties.get(name);
    if (party === undefined) return;
    party.running--;
    this.#running--;
    this.#forget(name, party);
    this.#next();
  }

  /** Nobody has a turn for so long; those who wait go on waiting. While one is on, another changes nothing. */
  pause(ms: number): void {
    if (this.#cancelPause !== undefined) return;
    this.#cancelPause = this.#timers.after(ms, () => {
      this.#cancelPause = undefined;
      this.#next();
    });
  }

  close(): void {
    this.#cancelPause?.();
    for (const party of this.#line) for (const waiter of [...party.waiting]) waiter.settle(false);
  }

  #wait(name: string, party: Party, signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const settle = (hasTurn: boolean) => {
      cancel();
      signal.removeEventListener('abort', giveUp);
      party.waiting.delete(waiter);
      this.#waiting--;
      if (party.waiting.size === 0) this.#line.delete(party);
      if (!hasTurn) this.#forget(name, party);
      resolve(hasTurn);
    };
    const giveUp = () => settle(false);
    const waiter: Waiter = { settle };
    const cancel = this.#timers.after(this.#options.longestWaitMs, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    party.waiting.add(waiter);
    this.#waiting++;
    this.#line.add(party);
    return promise;
  }

  #next(): void {
    // Parties that have as many turns as they may have stay where they are in the line: there are few of them at a time.
    for (const party of this.#line) {
      if (!this.#mayRun(party)) continue;
      const [waiter] = party.waiting;
      this.#line.delete(party);
      this.#start(party);
      waiter?.settle(true);
      if (party.waiting.size > 0) this.#line.add(party);
      if (this.#running >= this.#options.atOnce) return;
    }
  }

  #mayRun(party: Party): boolean {
    const { atOnce, atOncePerParty } = this.#options;
    return this.#cancelPause === undefined && this.#running < atOnce && party.running < atOncePerParty;
  }

  #start(party: Party): void {
    party.running++;
    this.#running++;
  }

  #partyOf(name: string): Party {
    let party = this.#parties.get(name);
    if (party === undefined) {
      party = { running: 0, waiting: new Set() };
      this.#parties.set(name, party);
    }
    return party;
  }

  #forget(name: string, party: Party): void {
    if (party.running === 0 && party.waiting.size === 0) this.#parties.delete(name);
  }
}
