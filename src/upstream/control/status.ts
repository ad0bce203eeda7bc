import { type BreakerState, breakerState } from '../breaker/breaker.ts';
import type { BreakerRegion } from '../breaker/region.ts';
import type { ServiceCell, TargetHealth } from '../cells.ts';
import type { CheckResult } from '../health/target-checker.ts';
import type { ControlledTarget } from './controlled-target.ts';
import type { ControlledService } from './settings.ts';
import type { SourceState } from './target-feed.ts';

/** A service as the admin port tells of it: plain data, times in ISO 8601. */
export interface ServiceStatus {
  /** Where its targets come from, when that is not the configuration. */
  readonly source?: {
    readonly state: SourceState['state'];
    /** Why it cannot tell, and since when. */
    readonly cause?: string;
    readonly since?: string;
  };
  readonly counts: {
    readonly targets: number;
    /** That a balancer may choose: not down, ejected, draining or of weight 0. Their breakers may still refuse. */
    readonly usable: number;
    readonly down: number;
    readonly ejected: number;
    readonly draining: number;
  };
  /** Requests of clients, in all workers. */
  readonly inFlight: number;
  readonly pending: number;
  readonly retries: number;
  /** Where the breaker of the whole service is configured. */
  readonly breaker?: BreakerState;
  readonly targets: readonly TargetStatus[];
}

export interface TargetStatus {
  readonly url: string;
  readonly weight: number;
  readonly zone?: string;
  readonly tags?: readonly string[];
  readonly draining: boolean;
  readonly health: TargetHealth;
  readonly lastCheck?: {
    readonly at: string;
    readonly passed: boolean;
    readonly cause?: string;
    readonly tookMs: number;
  };
  readonly ejected: boolean;
  /** How long it still is out; 0 when it is not, or returns with the next sweep. */
  readonly ejectedForMs: number;
  readonly inFlight: number;
  /** Where breakers of targets are configured. */
  readonly breaker?: BreakerState;
}

export interface StatusContext {
  readonly source: SourceState | undefined;
  readonly lastCheck: (url: string) => CheckResult | undefined;
  readonly nowMs: number;
}

export function describeService(
  settings: ControlledService,
  targets: readonly ControlledTarget[],
  service: ServiceCell,
  context: StatusContext,
): ServiceStatus {
  const described = targets.map((target) => describeTarget(settings, target, context));
  const count = (test: (target: TargetStatus) => boolean): number => described.filter(test).length;
  return {
    ...(context.source && { source: describeSource(context.source) }),
    counts: {
      targets: described.length,
      usable: count(isUsable),
      down: count(({ health }) => health === 'down'),
      ejected: count(({ ejected }) => ejected),
      draining: count(({ draining }) => draining),
    },
    inFlight: service.inFlight.total(),
    pending: service.pending.total(),
    retries: service.retries.total(),
    ...breakerOf(settings, 'service', service.breaker, context.nowMs),
    targets: described,
  };
}

function describeTarget(
  settings: ControlledService,
  { description, cell }: ControlledTarget,
  { lastCheck, nowMs }: StatusContext,
): TargetStatus {
  const check = lastCheck(description.url);
  return {
    ...description,
    draining: cell.draining,
    health: cell.health,
    ...(check && { lastCheck: describeCheck(check) }),
    ejected: cell.outlier.ejected,
    ejectedForMs: Math.ceil(cell.outlier.remainingMs(nowMs)),
    inFlight: cell.inFlight.total(),
    ...breakerOf(settings, 'target', cell.breaker, nowMs),
  };
}

function describeCheck({ at, passed, cause, tookMs }: CheckResult): NonNullable<TargetStatus['lastCheck']> {
  return { at: new Date(at).toISOString(), passed, ...(passed ? undefined : { cause }), tookMs };
}

function describeSource(source: SourceState): NonNullable<ServiceStatus['source']> {
  if (source.state !== 'failing') return { state: source.state };
  return { state: 'failing', cause: source.cause, since: new Date(source.at).toISOString() };
}

function isUsable({ weight, draining, health, ejected }: TargetStatus): boolean {
  return weight > 0 && !draining && health !== 'down' && !ejected;
}

/** Its state, where there is a breaker of this scope. */
function breakerOf(
  { breaker }: ControlledService,
  scope: 'service' | 'target',
  region: BreakerRegion,
  nowMs: number,
): { breaker?: BreakerState } {
  if (breaker === undefined || (breaker.scope !== scope && breaker.scope !== 'both')) return {};
  return { breaker: breakerState(region, nowMs) };
}
