import type { Exchange } from '../../policy/contract.ts';
import type { Held } from '../../policy/held.ts';
import type { Decision, IfFull, Turn, Verdict } from '../../state/limiter.ts';
import type { Companion } from '../../state/redis/companion.ts';

export interface TakingOwner {
  /** What the request took is not counted after all. */
  giveBack(taking: Taking): void;
  /** As of `CountingUse`. */
  settle(exchange: Exchange, taking: Taking): void;
}

/** What a request has taken, or waits for. One is used again when its request has ended. */
export class Taking implements Held, Turn {
  readonly owner: TakingOwner;
  readonly decision: Decision;
  readonly ifFull: IfFull;
  next: Held | undefined;
  along: Companion | undefined;
  /** Of the question in which it was one of several. */
  verdict: Verdict | undefined;
  /** Where it waits. */
  line = '';
  /** Not decided yet: whoever is asked still writes into the decision. */
  isPending = false;
  /** Its verdict is there already, and the request is not yet: a use before asked for it. */
  isAhead = false;
  isTaken = false;
  isRefused = false;
  /** Nobody could tell whether there is room. */
  isUnknown = false;

  constructor(owner: TakingOwner, decision: Decision, ifFull: IfFull) {
    this.owner = owner;
    this.decision = decision;
    this.ifFull = ifFull;
  }

  giveBack(): void {
    this.owner.giveBack(this);
  }

  /** To be used again. */
  clear(): void {
    this.along = undefined;
    this.verdict = undefined;
    this.line = '';
    this.isAhead = false;
    this.isTaken = false;
    this.isRefused = false;
    this.isUnknown = false;
  }
}
