import type { BreakerSettings } from '../breaker/schema.ts';
import type { DiscoverySettings } from '../discovery/schema.ts';
import type { ActiveHealthSettings } from '../health/schema.ts';
import type { OutlierSettings } from '../outlier/schema.ts';
import type { ServiceTls } from '../tls.ts';

/** What the main thread reads of the settings of a service: where it runs, and how it is watched. */
export interface ControlledService {
  /** Not with `discovery`. */
  readonly targets?:
    | readonly { readonly url: string; readonly weight: number; readonly zone?: string | undefined }[]
    | undefined;
  readonly discovery?: DiscoverySettings | undefined;
  readonly host: string;
  readonly tls?: ServiceTls | undefined;
  readonly health?:
    | { readonly active?: ActiveHealthSettings | undefined; readonly passive?: OutlierSettings | undefined }
    | undefined;
  readonly breaker?: BreakerSettings | undefined;
}
