import type { RedisConfig } from '../../schema.ts';
import { SingleServer } from './single-server.ts';
import type { Topology } from './topology.ts';

/** As the configuration says. */
export function topologyOf(settings: RedisConfig): Topology {
  return new SingleServer(settings);
}
