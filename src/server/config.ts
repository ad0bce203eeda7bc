import type { GatewayConfig } from '../gateway/config.ts';
import type { ListenerConfig } from './schema.ts';

interface CertificatePair {
  readonly cert: string;
  readonly key: string;
  /** The gateway made it itself, for hosts that have no other yet. */
  readonly isStandIn?: true;
}

/** The whole configuration of the data plane, as control/config makes it: plain data, structured-cloneable. */
export interface DataPlaneConfig extends GatewayConfig {
  readonly listeners: Readonly<Record<string, ListenerConfig>>;
  /** PEM texts; files are already read. */
  readonly certificates: Readonly<Record<string, CertificatePair>>;
}
