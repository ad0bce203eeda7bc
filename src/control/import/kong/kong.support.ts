import assert from 'node:assert/strict';
import { explainRequest } from '../../explain/explain-request.ts';
import { type Imported, imported } from '../import.support.ts';

export type Json = Readonly<Record<string, unknown>>;

/** A document of Kong. */
export const kong = (document: Json, version = '3.0') =>
  imported(JSON.stringify({ _format_version: version, ...document }));

/** One service with one route. */
export const service = (route: Json, more: Json = {}) => ({
  services: [
    {
      name: 'orders',
      url: 'http://orders.internal:8080',
      ...more,
      routes: [{ name: 'orders', paths: ['/orders'], ...route }],
    },
  ],
});

/** Where a request goes: the route, and what the service is asked for. */
export async function goes(
  { config }: Imported,
  method: string,
  url: string,
  headers: readonly (readonly [string, string])[] = [],
): Promise<string> {
  const result = await explainRequest(config, { method, url, headers });
  assert.ok(result.ok);
  const { route, outcome } = result.explanation;
  if (outcome.kind === 'service')
    return `${route?.name} ${outcome.services[0]?.name} ${outcome.upstreamHost}${outcome.upstreamPath}`;
  return outcome.kind === 'redirect'
    ? `${route?.name} ${outcome.status} ${outcome.location}`
    : `${route?.name ?? '-'} ${outcome.kind}`;
}
