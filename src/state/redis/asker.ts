/** Who waits for what a script answers. One of the first two is called, once; after `unanswered`, `late` may follow. */
export interface Asker {
  /** False where that is nothing that the script answers. */
  answered(reply: unknown): boolean;
  /** Redis is away, or did not answer in time. */
  unanswered(): void;
  /** It had been asked, and did what it was asked for after all. */
  late(reply: unknown): void;
}

/** For who need not know. */
export const FORGETFUL: Asker = {
  answered: (reply) => Array.isArray(reply),
  unanswered() {},
  late() {},
};

/** Where a script is asked. */
export interface Asking {
  /** Whether it is worth asking. */
  readonly isUp: boolean;
  /** Runs the script. `operands` are how many keys, the keys, which share a slot of a cluster, and the arguments. */
  ask(operands: readonly string[], asker: Asker): void;
}
