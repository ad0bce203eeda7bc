import type { UpstreamFailureKind } from './failure.ts';
import type { Pool } from './pool/pool.ts';

/** What became of an attempt: the status of its answer, how it failed, or that nobody waited for it any longer. */
export type Outcome = number | UpstreamFailureKind | 'abandoned';

/**
 * One address at which a service runs. Every attempt passes by here: it begins, has an outcome and is over. What watches over targets
 * learns of it in these three places.
 */
export class Target {
  /** host:port, for log and metrics. */
  readonly name: string;
  /** Host field when the service is asked under its own name: no default port. */
  readonly authority: string;
  readonly pool: Pool;

  constructor(name: string, authority: string, pool: Pool) {
    this.name = name;
    this.authority = authority;
    this.pool = pool;
  }

  /** An attempt begins. False when it may not: then nothing else is told of it. */
  begin(): boolean {
    return true;
  }

  /**
   * What became of an attempt: once, with the head of its answer or when it is sure that none comes; a second time when the answer then
   * breaks off. `elapsedMs` is since the request was sent, -1 when it was not.
   */
  report(_outcome: Outcome, _elapsedMs: number): void {}

  /** An attempt is over: it takes nothing of the target any more. Called once for each that began. */
  end(): void {}
}
