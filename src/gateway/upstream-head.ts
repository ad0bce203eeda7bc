import type { Fields } from '../http/fields.ts';
import { fieldLines } from '../http/serialise.ts';
import type { Service, Target } from '../upstream/service.ts';
import type { GatewayRequest } from './exchange.ts';

/** The Host that a target is asked under: what the route or a policy says, else as the service's `host` says. */
export function upstreamHost(request: GatewayRequest, service: Service, target: Target): string {
  if (request.upstreamHost !== undefined) return request.upstreamHost;
  const { host } = service.settings;
  if (host === 'preserve') return request.authority === '' ? target.authority : request.authority;
  return host === 'target' ? target.authority : host;
}

/** The head of a request to an upstream, without its empty line: fields for this one hop may follow. */
export function upstreamHead(
  request: GatewayRequest,
  fields: Fields,
  host: string,
  chunked: boolean,
): string {
  const { upstreamMethod, upstreamPath, upstreamSearch, bodyLength } = request;
  const text = `${upstreamMethod} ${upstreamPath}${upstreamSearch} HTTP/1.1\r\nHost: ${host}\r\n${fieldLines(fields)}`;
  if (chunked) return `${text}Transfer-Encoding: chunked\r\n`;
  if (bodyLength > 0) return `${text}Content-Length: ${bodyLength}\r\n`;
  // RFC 9110 section 8.6: these methods mean a body, so its absence is said.
  return meansBody(upstreamMethod) ? `${text}Content-Length: 0\r\n` : text;
}

/** With these methods a body is expected. */
function meansBody(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'PATCH';
}
