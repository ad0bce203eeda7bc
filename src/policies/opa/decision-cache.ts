import type { Decision } from './decision.ts';

const MAX_ENTRIES = 2000;

interface Entry {
  /** A promise while OPA is asked: whoever asks the same meanwhile waits for it too. */
  decision: Decision | Promise<Decision>;
  validUntilMs: number;
}

/** Decisions by what OPA was told, for a while. The oldest make room. */
export class DecisionCache {
  readonly #entries = new Map<string, Entry>();
  readonly #lifetimeMs: number;
  readonly #nowMs: () => number;

  constructor(lifetimeMs: number, nowMs: () => number) {
    this.#lifetimeMs = lifetimeMs;
    this.#nowMs = nowMs;
  }

  /** The decision that is known, else that of `ask`. One that fails is forgotten. */
  get(input: string, ask: (input: string) => Promise<Decision>): Decision | Promise<Decision> {
    const known = this.#entries.get(input);
    if (known !== undefined && this.#nowMs() < known.validUntilMs) return known.decision;
    const asked = ask(input);
    const entry: Entry = { decision: asked, validUntilMs: Number.POSITIVE_INFINITY };
    this.#entries.delete(input);
    this.#entries.set(input, entry);
    if (this.#entries.size > MAX_ENTRIES) this.#entries.delete(this.#entries.keys().next().value as string);
    asked.then(
      (decision) => {
        entry.decision = decision;
        entry.validUntilMs = this.#nowMs() + this.#lifetimeMs;
      },
      () => {
        if (this.#entries.get(input) === entry) this.#entries.delete(input);
      },
    );
    return asked;
  }
}
