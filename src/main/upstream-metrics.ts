import type { ServiceStatus } from '../upstream/control/status.ts';
import { type Gauge, renderGauges } from './gauges.ts';

/** Targets beyond so many have no series of their own: each would be one more for Prometheus to keep. */
const MAX_TARGETS = 2000;

/** States of services and targets as they are now, for /metrics. */
export function upstreamMetrics(services: Readonly<Record<string, ServiceStatus>>): string {
  const targets = gauge('portcullis_upstream_targets', 'Targets of a service, by state.');
  const usable = gauge('portcullis_upstream_target_usable', 'Whether a target may be asked: 1 or 0.');
  const inFlight = gauge('portcullis_upstream_requests_in_flight', 'Requests under way at a service.');
  const pending = gauge('portcullis_upstream_requests_pending', 'Requests that wait for a connection.');
  const breaker = gauge(
    'portcullis_upstream_breaker_open',
    'Whether a circuit breaker is not closed: 1 or 0.',
  );
  const source = gauge(
    'portcullis_upstream_source_ok',
    'Whether the source of targets can tell them: 1 or 0.',
  );
  let described = 0;
  for (const [service, status] of Object.entries(services)) {
    for (const [state, count] of Object.entries(status.counts)) {
      if (state !== 'targets') targets.samples.push([{ service, state }, count]);
    }
    inFlight.samples.push([{ service }, status.inFlight]);
    pending.samples.push([{ service }, status.pending]);
    if (status.source !== undefined)
      source.samples.push([{ service }, status.source.state === 'failing' ? 0 : 1]);
    if (status.breaker !== undefined)
      breaker.samples.push([{ service, target: '' }, status.breaker === 'closed' ? 0 : 1]);
    for (const { url, weight, draining, health, ejected, breaker: state } of status.targets) {
      if (++described > MAX_TARGETS) break;
      const isUsable = weight > 0 && !draining && health !== 'down' && !ejected && state !== 'open';
      usable.samples.push([{ service, target: url }, isUsable ? 1 : 0]);
      if (state !== undefined) breaker.samples.push([{ service, target: url }, state === 'closed' ? 0 : 1]);
    }
  }
  return renderGauges([targets, usable, inFlight, pending, breaker, source]);
}

function gauge(name: string, help: string): Gauge & { samples: Gauge['samples'][number][] } {
  return { name, help, samples: [] };
}
