import type { ASTNode } from '@marcbachmann/cel-js';

/** What an expression may cost for one request: some 100 ms, so that a single one cannot hold up the others. */
const MAX_UNITS = 1_000_000;
/** Entries of a list, or characters, that cost as much as one step. */
const PER_UNIT = 16;

/**
 * Counts what the loops of an expression do, since how far they go depends on lists that somebody else fills. A step costs one unit, and what it
 * comes to as much as it is long: whoever looks for something in it walks through it.
 */
export class Meter {
  #left = MAX_UNITS;
  // Made once: loops of CEL go on after an error, and may meet it very often.
  readonly #spent = new Error('the expression goes through more than it may for one request');

  reset(): void {
    this.#left = MAX_UNITS;
  }

  /** Throws an Error where too much has been spent, since the last `reset`. */
  check(): void {
    if (this.#left < 0) throw this.#spent;
  }

  spend(units: number): void {
    this.#left -= units;
    this.check();
  }

  /** Counts each time that the node is evaluated. */
  watch(node: ASTNode): void {
    const spend = (units: number): void => this.spend(units);
    const watched = node as unknown as { evaluate: Evaluate };
    let evaluate = watched.evaluate;
    function counted(this: unknown, ...parameters: unknown[]): unknown {
      spend(1);
      const value = evaluate.apply(this, parameters);
      spend(sizeOf(value) / PER_UNIT);
      return value;
    }
    // The node puts another function in the place of its own when it is evaluated first.
    Object.defineProperty(node, 'evaluate', {
      get: () => counted,
      set: (next: Evaluate) => {
        evaluate = next;
      },
    });
  }
}

/** As cel-js calls it; a node is no part of what it documents to be called, so a test holds it to that. */
type Evaluate = (...parameters: unknown[]) => unknown;

/** Nobody walks through a map to find something in it. */
function sizeOf(value: unknown): number {
  return typeof value === 'string' || Array.isArray(value) ? value.length : 0;
}
