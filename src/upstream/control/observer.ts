import type { SweepEvent } from '../outlier/detector.ts';
import type { ControlledTarget } from './controlled-target.ts';

/** Who is told what happens to services, such as for the log and the metrics. */
export interface ControlObserver {
  /** Active checks found it well: for the first time, or again. */
  targetUp(service: string, target: string, again: boolean): void;
  /** Active checks found it unwell. */
  targetDown(service: string, target: string, cause: string): void;
  /** Outlier detection took it out or back, or says that it would have. */
  outlier(service: string, event: SweepEvent<ControlledTarget>): void;
  /** The targets of a service that is in force are others now, or have other weights, zones or tags. */
  targetsChanged(service: string, change: TargetsChange): void;
  /** Once per outage; the targets told last stay. */
  sourceFailed(service: string, cause: string): void;
  sourceRecovered(service: string): void;
}

export interface TargetsChange {
  /** URLs. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
  /** How many there are now. */
  readonly total: number;
}
