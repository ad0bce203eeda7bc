import type { Service } from '../upstream/service.ts';
import { answer, refuse } from './answer.ts';
import type { Exchange } from './exchange.ts';

/** Why a service does not take a request. */
export type Refusal = 'circuit_open' | 'overloaded' | 'no_target';

/**
 * A service does not take a request: its fallback does, if it has one, else the client is told. Returns the service that is to be asked
 * instead; undefined when the request is answered. A fallback has none of its own: two services that stand in for each other would send
 * a request to and fro. `bodyIsThere` says that another service could be sent the body from its beginning.
 */
export function fallBack(
  exchange: Exchange,
  service: Service,
  refusal: Refusal,
  bodyIsThere: boolean,
): Service | undefined {
  const { fallback } = service.settings;
  if (refusal === 'no_target') exchange.error = `${service.name}: ${service.lack}`;
  if (fallback === undefined || exchange.fellBack || (fallback.respond === undefined && !bodyIsThere)) {
    refuse(exchange, refusal, undefined, retryAfter(service, refusal));
    return undefined;
  }
  exchange.fellBack = true;
  if (fallback.respond !== undefined) {
    exchange.code = refusal;
    answer(exchange, fallback.respond);
    return undefined;
  }
  const instead = exchange.snapshot.services.get(fallback.service ?? '');
  if (instead === undefined) refuse(exchange, refusal);
  return instead;
}

/** RFC 9110 section 10.2.3: in whole seconds. */
function retryAfter(service: Service, refusal: Refusal): Readonly<Record<string, string>> | undefined {
  if (refusal !== 'circuit_open') return undefined;
  return { 'Retry-After': String(Math.max(1, Math.ceil(service.retryAfterMs / 1000))) };
}
