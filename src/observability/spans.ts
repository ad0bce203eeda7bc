import { type Attributes, type HrTime, SpanKind, SpanStatusCode } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { wireText } from './log-text.ts';
import type { ExchangeRecord } from './record.ts';
import { redactQuery } from './secrets.ts';
import { FLAG_SAMPLED, upstreamSpanId } from './trace-context.ts';

/** What every span of this process says of where it comes from. */
export interface SpanOrigin {
  readonly resource: Resource;
  readonly scope: InstrumentationScope;
}

const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'PATCH',
  'TRACE',
  'CONNECT',
]);
/** A collector need not keep more of a path or a user agent. */
const MAX_ATTRIBUTE_CHARS = 1024;

/** The exchange as its client sees it. Names follow OpenTelemetry's semantic conventions for HTTP servers. */
export function serverSpan(record: ExchangeRecord, origin: SpanOrigin): ReadableSpan {
  const { request, response } = record;
  const { method, attributes } = requestAttributes(record);
  const authority = splitPort(request.authority);
  const userAgent = request.fields.get('user-agent');
  attributes['url.path'] = wire(request.path);
  attributes['url.scheme'] = request.scheme;
  attributes['client.address'] = record.client.address;
  attributes['network.peer.address'] = record.client.peerAddress;
  attributes['network.protocol.version'] = protocolVersion(request.version);
  attributes['portcullis.request.id'] = record.id;
  if (request.search.length > 1)
    attributes['url.query'] = wire(redactQuery(request.search, record.secretParameters).slice(1));
  if (response.status > 0) attributes['http.response.status_code'] = response.status;
  if (record.routeName !== '') attributes['http.route'] = record.routeName;
  if (request.host !== '') attributes['server.address'] = wire(request.host);
  if (authority.port !== undefined) attributes['server.port'] = authority.port;
  if (userAgent !== undefined) attributes['user_agent.original'] = wire(userAgent);
  if (record.code !== '') attributes['portcullis.code'] = record.code;
  // A client's fault is no error of a server's span; an answer that never was is one.
  const failed = response.status >= 500 || response.status === 0;
  if (failed) attributes['error.type'] = record.code || String(response.status);
  return span(record, origin, {
    name: record.routeName === '' ? method : `${method} ${record.routeName}`,
    kind: SpanKind.SERVER,
    spanId: record.spanId,
    parentSpanId: record.parentSpanId,
    parentIsRemote: true,
    startMs: record.startedAt,
    durationMs: record.durationMs,
    failed,
    attributes,
  });
}

/** The call to the upstream, until the head of its answer; retries are one span with their number. */
export function clientSpan(record: ExchangeRecord, origin: SpanOrigin): ReadableSpan {
  const { method, attributes } = requestAttributes(record);
  const target = splitPort(record.targetName);
  if (target.host !== '') attributes['server.address'] = target.host;
  if (target.port !== undefined) attributes['server.port'] = target.port;
  if (record.serviceName !== undefined) attributes['portcullis.service'] = record.serviceName;
  if (record.attempts > 1) attributes['http.request.resend_count'] = record.attempts - 1;
  const answered = record.upstreamMs >= 0;
  // An answer made here says nothing of the upstream's status.
  if (answered && record.code === '') attributes['http.response.status_code'] = record.response.status;
  const failed = !answered || (record.code === '' && record.response.status >= 400);
  if (failed) attributes['error.type'] = record.code || String(record.response.status);
  const afterMs = Math.min(Math.max(0, record.upstreamAfterMs ?? 0), record.durationMs);
  return span(record, origin, {
    name: method,
    kind: SpanKind.CLIENT,
    spanId: upstreamSpanId(record.spanId),
    parentSpanId: record.spanId,
    parentIsRemote: false,
    startMs: record.startedAt + afterMs,
    durationMs: answered ? record.upstreamMs : record.durationMs - afterMs,
    failed,
    attributes,
  });
}

interface SpanParts {
  readonly name: string;
  readonly kind: SpanKind;
  readonly spanId: string;
  /** Empty: the trace begins here. */
  readonly parentSpanId: string;
  readonly parentIsRemote: boolean;
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly attributes: Attributes;
}

function span(record: ExchangeRecord, origin: SpanOrigin, parts: SpanParts): ReadableSpan {
  const { traceId } = record;
  const durationMs = Math.max(0, parts.durationMs);
  const context = { traceId, spanId: parts.spanId, traceFlags: FLAG_SAMPLED };
  return {
    name: parts.name,
    kind: parts.kind,
    spanContext: () => context,
    ...(parts.parentSpanId === ''
      ? undefined
      : {
          parentSpanContext: {
            traceId,
            spanId: parts.parentSpanId,
            traceFlags: FLAG_SAMPLED,
            isRemote: parts.parentIsRemote,
          },
        }),
    startTime: hrTime(parts.startMs),
    endTime: hrTime(parts.startMs + durationMs),
    duration: hrTime(durationMs),
    status: { code: parts.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: parts.attributes,
    links: [],
    events: [],
    ended: true,
    resource: origin.resource,
    instrumentationScope: origin.scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

/** The method as spans may have it: one that a client made up is kept apart, so that names stay few. */
function requestAttributes(record: ExchangeRecord): { method: string; attributes: Attributes } {
  const { method } = record.request;
  if (KNOWN_METHODS.has(method)) return { method, attributes: { 'http.request.method': method } };
  const attributes: Attributes = { 'http.request.method': '_OTHER' };
  if (method !== '') attributes['http.request.method_original'] = wire(method);
  return { method: 'HTTP', attributes };
}

function wire(text: string): string {
  return wireText(text.slice(0, MAX_ATTRIBUTE_CHARS)).toWellFormed();
}

function protocolVersion(version: number): string {
  if (version === 20) return '2';
  return version === 10 ? '1.0' : '1.1';
}

/** Host and port of `host:port`, `[::1]:port` or a path of a socket; no port where none is written. */
function splitPort(authority: string): { host: string; port: number | undefined } {
  const match = /^(.*):(\d{1,5})$/.exec(authority);
  if (match === null) return { host: authority, port: undefined };
  return { host: (match[1] as string).replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / 1000);
  return [seconds, Math.floor((ms - seconds * 1000) * 1e6)];
}
