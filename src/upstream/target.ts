import type { UpstreamFailureKind } from './failure.ts';
import type { Pool } from './pool/pool.ts';

/** What became of an attempt: the status of its answer, how it failed, or that nobody waited for it any longer. */
export type Outcome = number | UpstreamFailureKind | 'abandoned';

/** What an attempt was let begin with: a number, so that it makes no garbage. */
export type Permit = number;
export const REFUSED: Permit = -1;

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

  /** An attempt begins. The permit goes back with `report`; when it is `REFUSED` there is no attempt, and nothing else is told of it. */
  begin(): Permit {
    return 0;
  }

  /**
   * What became of an attempt, once for each that began: with the head of its answer, or when it is sure that none comes. `elapsedMs` is since
   * the request was sent, -1 when it was not.
   */
  report(_permit: Permit, _outcome: Outcome, _elapsedMs: number): void {}

  /**
   * An attempt is over, once for each that began: it takes nothing of the target any more. `broken` tells how its answer broke off, after its
   * head was reported.
   */
  end(_broken: UpstreamFailureKind | undefined): void {}
}
