import type { RedisConfig } from '../schema.ts';
import { ClusterNodes } from './cluster-nodes.ts';
import { SentinelPrimary } from './sentinel-primary.ts';
import { SingleServer } from './single-server.ts';
import type { Topology } from './topology.ts';

/** As the configuration says. */
export function topologyOf(
  settings: Pick<RedisConfig, 'url' | 'sentinels' | 'cluster' | 'connectTimeout' | 'tls'>,
): Topology {
  const { url, sentinels, cluster } = settings;
  if (url !== undefined) return new SingleServer({ ...settings, url });
  if (sentinels !== undefined) return new SentinelPrimary(sentinels, settings);
  if (cluster !== undefined) return new ClusterNodes(cluster, settings);
  throw new Error('state.redis needs url, sentinels or cluster');
}
