import type { Fields } from '../http/fields.ts';
import { fieldLines } from '../http/serialise.ts';
import type { Service } from '../upstream/service.ts';
import type { Target } from '../upstream/target.ts';
import { failPolicy, failUnsendable } from './answer.ts';
import type { Exchange, GatewayRequest } from './exchange.ts';
import { dropFraming, isSendable } from './own-fields.ts';

/** The fields for the next attempt, as its policies want them; undefined when one failed, which is then answered. */
export function attemptFields(exchange: Exchange): Fields | undefined {
  const { request, route } = exchange;
  const hooks = route.policies.onAttempt;
  // What is for one attempt is not to be there in the next one.
  const fields = hooks.length > 0 ? request.fields.clone() : request.fields;
  for (let i = 0; i < hooks.length; i++) {
    const entry = hooks[i] as (typeof hooks)[number];
    try {
      entry.hooks.onAttempt(exchange, fields);
    } catch (error) {
      failPolicy(exchange, entry.name, error);
      return undefined;
    }
  }
  return fields;
}

/** Takes back what policies have no say in. False when what they left cannot be sent, which is then answered. */
export function makeSendable(exchange: Exchange, fields: Fields): boolean {
  const { all, onAttempt, retryWith, transformRequestBody } = exchange.route.policies;
  if (all.length === 0) return true;
  // What the others left was looked through before fields were added that tell of the client: after that it costs 0.3 us.
  if (onAttempt.length + retryWith.length + transformRequestBody.length > 0) dropFraming(fields);
  if (isSendable(exchange.request)) return true;
  failUnsendable(exchange);
  return false;
}

/** The Host that a target is asked under: what the route or a policy says, else as the service's `host` says. */
export function upstreamHost(request: GatewayRequest, service: Service, target: Target): string {
  if (request.upstreamHost !== undefined) return request.upstreamHost;
  const { host } = service.settings;
  if (host === 'preserve') return request.authority === '' ? target.authority : request.authority;
  return host === 'target' ? target.authority : host;
}

/** The head of a request to an upstream, without its empty line: fields for this one hop may follow. */
export function requestLines(
  request: GatewayRequest,
  host: string,
  fields: Fields,
  chunked: boolean,
): string {
  const { upstreamMethod, upstreamPath, upstreamSearch, bodyLength } = request;
  const text = `${upstreamMethod} ${upstreamPath}${upstreamSearch} HTTP/1.1\r\nHost: ${host}\r\n${fieldLines(fields)}`;
  if (chunked) return `${text}Transfer-Encoding: chunked\r\n`;
  if (bodyLength > 0) return `${text}Content-Length: ${bodyLength}\r\n`;
  // RFC 9110 section 8.6: these methods mean a body, so its absence is said.
  return meansBody(upstreamMethod) ? `${text}Content-Length: 0\r\n` : text;
}

/** The head as it is sent. `expecting`: the upstream is to say whether it wants the body (RFC 9110 section 10.1.1). */
export function requestText(
  request: GatewayRequest,
  host: string,
  fields: Fields,
  chunked: boolean,
  expecting: boolean,
): string {
  let text = requestLines(request, host, fields, chunked);
  if (expecting) text += 'Expect: 100-continue\r\n';
  if (request.upgrade !== '') text += `Connection: upgrade\r\nUpgrade: ${request.upgrade}\r\n`;
  else if (request.trailers) text += 'Connection: te\r\nTE: trailers\r\n';
  return `${text}\r\n`;
}

/** With these methods a body is expected. */
function meansBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}
