import type { Decision, Verdict } from '../../state/limiter.ts';
import { waitOf } from './fields.ts';

interface Waiting {
  readonly decision: Decision;
  readonly deadlineMs: number;
  readonly resolve: (verdict: Verdict) => void;
  /** Its client is gone. */
  hasLeft: boolean;
}

/** Those who wait for one key, the first of them first. */
interface Line {
  readonly waiting: Waiting[];
  timer: NodeJS.Timeout | undefined;
  /** The first is being asked for. */
  isAsking: boolean;
}

export interface WaitingLinesOptions {
  /** Longest time that anybody waits. */
  readonly maxMs: number;
  /** How many may wait in all lines together. */
  readonly places: number;
  readonly nowMs: () => number;
}

/**
 * Requests that wait until their limits have room. Each key has a line of its own, and only the first in line asks, so that those who wait
 * come in their order and nobody asks in vain.
 */
export class WaitingLines {
  readonly #options: WaitingLinesOptions;
  readonly #lines = new Map<string, Line>();
  #count = 0;

  constructor(options: WaitingLinesOptions) {
    this.#options = options;
  }

  /** The decision of whoever waits first for that key: who comes now comes after. */
  first(key: string): Decision | undefined {
    return this.#lines.get(key)?.waiting[0]?.decision;
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /**
   * Waits for a decision, which was refused or has not been asked yet because others wait. Resolves with what came of it in the end;
   * undefined where there is no use in waiting, or no place.
   */
  wait(key: string, decision: Decision): Promise<Verdict> | undefined {
    const { maxMs, places, nowMs } = this.#options;
    const line = this.#lines.get(key);
    if (this.#count >= places) return undefined;
    if (line === undefined && waitOf(decision) > maxMs) return undefined;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const waiting = { decision, deadlineMs: nowMs() + maxMs, resolve, hasLeft: false };
    this.#count++;
    if (line !== undefined) line.waiting.push(waiting);
    else this.#open(key, waiting);
    return promise;
  }

  /** The client of that decision has left: it is given up, as soon as nobody is being asked about it. */
  leave(key: string, decision: Decision): void {
    const line = this.#lines.get(key);
    const at = line?.waiting.findIndex((waiting) => waiting.decision === decision) ?? -1;
    const waiting = line?.waiting[at];
    if (line === undefined || waiting === undefined) return;
    waiting.hasLeft = true;
    if (at === 0 && line.isAsking) return;
    this.#remove(line, at, 'refused');
    this.#closeIfEmpty(key, line);
  }

  #open(key: string, first: Waiting): void {
    const line: Line = { waiting: [first], timer: undefined, isAsking: false };
    this.#lines.set(key, line);
    this.#askIn(key, line, waitOf(first.decision));
  }

  #askIn(key: string, line: Line, ms: number): void {
    line.timer = setTimeout(() => void this.#serve(key, line), Math.max(1, Math.ceil(ms)));
  }

  /** Asks for the first in line, and on until one has to wait longer. Whose time would be over until then is sent away at once. */
  async #serve(key: string, line: Line): Promise<void> {
    line.timer = undefined;
    for (let first = line.waiting[0]; first !== undefined; first = line.waiting[0]) {
      line.isAsking = true;
      const verdict = await first.decision.take();
      line.isAsking = false;
      const waitMs = waitOf(first.decision);
      const mayWait = this.#options.nowMs() + waitMs <= first.deadlineMs;
      if (verdict === 'refused' && mayWait && !first.hasLeft) return this.#askIn(key, line, waitMs);
      this.#remove(line, 0, verdict);
    }
    this.#closeIfEmpty(key, line);
  }

  #remove(line: Line, at: number, verdict: Verdict): void {
    const [waiting] = line.waiting.splice(at, 1);
    this.#count--;
    waiting?.resolve(verdict);
  }

  #closeIfEmpty(key: string, line: Line): void {
    if (line.waiting.length > 0) return;
    clearTimeout(line.timer);
    if (this.#lines.get(key) === line) this.#lines.delete(key);
  }
}
