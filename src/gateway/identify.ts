import type { Fields } from '../http/fields.ts';
import { parseAuthority } from '../http/host.ts';
import {
  FLAG_RANDOM,
  FLAG_SAMPLED,
  flagsOf,
  formatTraceparent,
  limitTracestate,
  parentIdOf,
  readTraceparent,
  type TraceIds,
  traceIdOf,
  upstreamSpanId,
} from '../observability/trace-context.ts';
import type { Exchange } from './exchange.ts';
import { ForwardedClient } from './forwarded-client.ts';

/** What a trusted proxy may choose as the id of a request. */
const MAX_ID_LENGTH = 128;

/**
 * Who the client is, and by which names the request is known: the address behind trusted proxies, the request id, the trace
 * (W3C Trace Context). What an untrusted client says of these is not believed; its traceparent is, since a trace claims nothing.
 */
export function identify(exchange: Exchange, ids: TraceIds): void {
  const { listener } = exchange;
  const { fields } = exchange.request;
  const peer = exchange.client.peerAddress;
  const trusted = listener.forwarding.trusts(peer);
  if (trusted) believe(exchange, peer);
  trace(exchange, fields, ids);
  const given = trusted && listener.requestIdField !== '' ? fields.get(listener.requestIdField) : undefined;
  if (given !== undefined && given !== '' && given.length <= MAX_ID_LENGTH) exchange.id = given;
  // A request that starts its own trace is called by it: one name to search log and traces for.
  else exchange.id = exchange.parentSpanId === '' ? exchange.traceId : ids.nextTraceId();
}

/** Writes what the upstream is to learn of the client and of the request's names into the fields that are sent on. */
export function introduce(exchange: Exchange): void {
  if (exchange.introduced) return;
  exchange.introduced = true;
  const { request, listener, client } = exchange;
  const { fields } = request;
  const idField = listener.requestIdField;
  // Looked for before anything is added: then the first letters of what the client sent mostly tell that it is not there.
  const traced = fields.has('traceparent');
  const named = idField !== '' && fields.has(idField);
  if (fields.has('tracestate')) passTracestate(fields, exchange.parentSpanId !== '');
  listener.forwarding.apply(
    fields,
    client.address,
    client.peerAddress,
    request.scheme,
    request.authority,
    exchange.port,
  );
  listener.forwarding.appendVia(fields, request.version);
  const traceparent = formatTraceparent(
    exchange.traceId,
    upstreamSpanId(exchange.spanId),
    exchange.traceFlags,
  );
  if (traced) fields.set('traceparent', traceparent);
  else fields.push('traceparent', 'traceparent', traceparent);
  if (named) fields.set(idField, exchange.id);
  else if (idField !== '') fields.push(idField, idField, exchange.id);
}

/** A trusted proxy tells of the client's own connection. */
function believe(exchange: Exchange, peer: string): void {
  const { listener, request } = exchange;
  const origin = listener.forwarding.origin(peer, request.fields);
  if (origin === undefined) return;
  if (origin.address !== peer) exchange.client = new ForwardedClient(origin.address, exchange.client);
  if (origin.scheme !== undefined) request.scheme = origin.scheme;
  if (origin.port !== undefined) exchange.port = origin.port;
  const authority = origin.authority === undefined ? undefined : parseAuthority(origin.authority);
  if (authority === undefined) return;
  request.authority = authority.authority;
  request.host = authority.host;
}

function trace(exchange: Exchange, fields: Fields, ids: TraceIds): void {
  const { recorder } = exchange.snapshot;
  exchange.spanId = ids.nextSpanId();
  const parent = readTraceparent(fields);
  if (parent === '') {
    exchange.traceId = ids.nextTraceId();
    exchange.sampled = recorder.shouldSample(exchange.traceId, undefined);
    exchange.traceFlags = FLAG_RANDOM;
  } else {
    exchange.traceId = traceIdOf(parent);
    exchange.parentSpanId = parentIdOf(parent);
    const flags = flagsOf(parent);
    exchange.sampled = recorder.shouldSample(exchange.traceId, (flags & FLAG_SAMPLED) !== 0);
    exchange.traceFlags = flags & FLAG_RANDOM;
  }
  if (exchange.sampled) exchange.traceFlags |= FLAG_SAMPLED;
}

/** A trace that starts here has no state (W3C Trace Context, section 3.3). */
function passTracestate(fields: Fields, continued: boolean): void {
  const state = continued ? limitTracestate(fields.getAll('tracestate').join(',')) : '';
  if (state === '') fields.delete('tracestate');
  else fields.set('tracestate', state);
}
