import type { Exchange } from './exchange.ts';

/** The end of every exchange, however it went: policies are told, and it is recorded once. */
export function finish(exchange: Exchange): void {
  if (exchange.ended) return;
  exchange.ended = true;
  exchange.durationMs = performance.now() - exchange.startedMs;
  exchange.service?.end();
  exchange.copy?.originalEnded();
  const { snapshot, route } = exchange;
  exchange.releaseAll();
  const entries = route.policies.onEnd;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as (typeof entries)[number];
    try {
      entry.hooks.onEnd(exchange);
    } catch (error) {
      snapshot.recorder.policyFailed(entry.name);
      snapshot.warn(`policy ${entry.name} failed after a request on route ${route.name}`, error);
    }
  }
  snapshot.recorder.record(exchange);
  snapshot.recorder.requestEnded();
  snapshot.leave();
}

/** The client is gone: nothing can be answered, and the upstream need not go on. */
export function abandon(exchange: Exchange, cause: string): void {
  if (exchange.ended) return;
  if (!exchange.answered) exchange.response.status = 499;
  if (exchange.code === '') exchange.code = 'client_closed';
  exchange.error = cause;
  exchange.forward?.cancel();
  finish(exchange);
}
