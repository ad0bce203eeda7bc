import { refuse } from '../gateway/answer.ts';
import type { Downstream } from '../gateway/downstream.ts';
import { Exchange, GatewayRequest } from '../gateway/exchange.ts';
import { identify } from '../gateway/identify.ts';
import type { HeadRefusal, RequestHead } from '../http/request-head.ts';
import type { ClientView } from '../policy/contract.ts';
import type { ServerListener, WorkerRuntime } from './runtime.ts';

/** Makes an exchange of a head, on the snapshot that is current now: it ends on it, whatever is loaded meanwhile. */
export function beginExchange(
  head: RequestHead,
  listener: ServerListener,
  worker: WorkerRuntime,
  downstream: Downstream,
  client: ClientView,
): Exchange {
  const { snapshot, traceIds } = worker;
  const request = new GatewayRequest(head, listener.scheme);
  const exchange = new Exchange(snapshot, listener, downstream, client, request);
  const { body } = listener.config.limits;
  if (body > 0) exchange.bodyLimit = body;
  snapshot.enter();
  snapshot.recorder.requestStarted();
  identify(exchange, traceIds);
  return exchange;
}

const ALLOW = { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' };

/** Answers a request whose head is refused. */
export function refuseHead(exchange: Exchange, { code, detail }: HeadRefusal): void {
  refuse(exchange, code, detail, code === 'method_not_allowed' ? ALLOW : undefined);
}
