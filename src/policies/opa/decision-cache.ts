import { BoundedMap } from '../../lib/bounded-map.ts';
import { sha256 } from '../../lib/sha256.ts';
import { AwaitedWork } from '../../policy/awaited-work.ts';
import type { Decision } from './decision.ts';

const MAX_ENTRIES = 2000;

interface Entry {
  /** While OPA is asked: whoever asks the same meanwhile waits for it too. */
  decision: Decision | AwaitedWork<Decision>;
  validUntilMs: number;
}

/** Decisions by a hash of what OPA was told, which may be as long as a request's head, for a while. The oldest make room. */
export class DecisionCache {
  readonly #entries = new BoundedMap<string, Entry>(MAX_ENTRIES);
  readonly #lifetimeMs: number;
  readonly #nowMs: () => number;

  constructor(lifetimeMs: number, nowMs: () => number) {
    this.#lifetimeMs = lifetimeMs;
    this.#nowMs = nowMs;
  }

  /** The decision that is known, else that of `ask`. One that fails, or that nobody waits for any more, is forgotten. */
  get(input: string, ask: (input: string) => AwaitedWork<Decision>): Decision | AwaitedWork<Decision> {
    const key = sha256(input);
    const known = this.#entries.get(key);
    if (known !== undefined && this.#isGood(known)) return known.decision;
    const asked = ask(input);
    const entry: Entry = { decision: asked, validUntilMs: Number.POSITIVE_INFINITY };
    this.#entries.set(key, entry);
    asked.promise.then(
      (decision) => {
        entry.decision = decision;
        entry.validUntilMs = this.#nowMs() + this.#lifetimeMs;
      },
      () => {
        if (this.#entries.get(key) === entry) this.#entries.delete(key);
      },
    );
    return asked;
  }

  #isGood({ decision, validUntilMs }: Entry): boolean {
    return decision instanceof AwaitedWork ? !decision.isGivenUp : this.#nowMs() < validUntilMs;
  }
}
