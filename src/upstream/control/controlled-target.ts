import type { TargetCell } from '../cells.ts';
import { canonicalUrl, type TargetDescription } from '../discovery/target-description.ts';
import type { ControlledService } from './settings.ts';

/** A target with what is known of it. */
export interface ControlledTarget {
  readonly description: TargetDescription;
  readonly cell: TargetCell;
}

/** The targets that stand in the configuration, as a source would tell of them. */
export function staticTargets({ targets = [] }: ControlledService): readonly TargetDescription[] {
  return targets.map(({ url, weight, zone }) => ({
    url: canonicalUrl(url) ?? url,
    weight,
    ...(zone === undefined ? undefined : { zone }),
  }));
}
