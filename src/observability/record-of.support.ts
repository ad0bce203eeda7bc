import { Fields } from '../http/fields.ts';
import type { ExchangeRecord } from './record.ts';
import { RouteNotes } from './route-notes.ts';

/** What a test says of an exchange; the rest is as in a plain GET that went well. */
export interface RecordParts extends Partial<Omit<ExchangeRecord, 'request' | 'response' | 'client'>> {
  readonly request?: Partial<Omit<ExchangeRecord['request'], 'fields'>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly status?: number;
  readonly clientAddress?: string;
}

/** A finished exchange for tests. */
export function recordOf(parts: RecordParts = {}): ExchangeRecord {
  const { request, headers, status, clientAddress, ...rest } = parts;
  // As a list, which is taken as it is: tests put octets here that no parser lets through.
  const fields = new Fields(
    Object.entries(headers ?? {}).flatMap(([name, value]) => [name.toLowerCase(), name, value]),
  );
  const address = clientAddress ?? '192.0.2.7';
  return {
    id: 'req-1',
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b6',
    parentSpanId: '',
    sampled: false,
    startedAt: Date.UTC(2026, 0, 31, 12, 3, 11, 123),
    durationMs: 1.2344,
    upstreamMs: 0.9,
    listenerName: 'http',
    code: '',
    error: '',
    routeName: 'orders',
    routeNotes: new RouteNotes(),
    serviceName: 'orders-service',
    targetName: '127.0.0.1:4001',
    attempts: 1,
    requestBytes: 0,
    responseBytes: 118,
    ...rest,
    client: { address, peerAddress: address },
    request: {
      method: 'GET',
      scheme: 'https',
      authority: 'api.example.com',
      host: 'api.example.com',
      path: '/orders/7',
      search: '',
      version: 11,
      ...request,
      fields,
    },
    response: { status: status ?? 200, fields: new Fields() },
  };
}
