import { refuse } from '../gateway/answer.ts';
import type { Downstream } from '../gateway/downstream.ts';
import { Exchange, GatewayRequest } from '../gateway/exchange.ts';
import { identify } from '../gateway/identify.ts';
import type { HeadRefusal, RequestHead } from '../http/request-head.ts';
import type { ConnectionClient } from './connection-client.ts';
import type { ServerListener, WorkerRuntime } from './runtime.ts';

/** Makes an exchange of a head, on the snapshot that is current now: it ends on it, whatever is loaded meanwhile. */
export function beginExchange(
  head: RequestHead,
  listener: ServerListener,
  worker: WorkerRuntime,
  downstream: Downstream,
  client: ConnectionClient,
): Exchange {
  const { snapshot, traceIds } = worker;
  if (client.isMisdirected(head.host)) head.refusal ??= MISDIRECTED;
  const request = new GatewayRequest(head, listener.scheme);
  const exchange = new Exchange(snapshot, listener, downstream, client, request);
  const { body } = listener.config.limits;
  if (body > 0) exchange.bodyLimit = body;
  snapshot.enter();
  snapshot.recorder.requestStarted();
  identify(exchange, traceIds);
  return exchange;
}

/** RFC 9110 section 15.5.20: the client may ask again, over a connection of its own for this host. */
const MISDIRECTED: HeadRefusal = {
  code: 'misdirected_request',
  detail: 'The certificate of this connection is not for the host of the request.',
};

const ALLOW = { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' };

/** Answers a request whose head is refused. */
export function refuseHead(exchange: Exchange, { code, detail }: HeadRefusal): void {
  refuse(exchange, code, detail, code === 'method_not_allowed' ? ALLOW : undefined);
}
