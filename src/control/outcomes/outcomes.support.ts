import assert from 'node:assert/strict';
import { formatErrors } from '../config/format.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';
import { diffOutcomes } from './diff.ts';

/** A configuration of these routes, with two services, two consumers and a provider; `top` stands beside `routes`. */
export async function configOf(
  routes: Readonly<Record<string, unknown>>,
  top: Readonly<Record<string, unknown>> = {},
): Promise<LoadedConfig> {
  const text = JSON.stringify({
    services: { orders: { url: 'http://orders:80' }, billing: { url: 'http://billing:80' } },
    providers: { main: { issuer: 'https://id.example.com' } },
    routes,
    ...top,
  });
  return configFrom('/configuration.json', text);
}

export async function configFrom(file: string, text: string): Promise<LoadedConfig> {
  const result = await loadConfig(file, { text, env: {} });
  assert.ok(result.ok, result.ok ? '' : formatErrors(result.errors));
  return result.config;
}

export type Json = Readonly<Record<string, unknown>>;

/** A route of `/orders/*` with those policies. */
export const orders = (policies: readonly Json[], more: Json = {}): Json => ({
  orders: { match: { paths: ['/orders/*'] }, service: 'orders', policies, ...more },
});

/** Each change as `kind authentication: METHOD url`. */
export async function changes(
  before: Json,
  after: Json,
  tops: readonly [Json, Json] = [{}, {}],
): Promise<string[]> {
  const diff = await diffOutcomes(await configOf(before, tops[0]), await configOf(after, tops[1]));
  assert.equal(
    diff.weaker,
    diff.changes.some(({ authentication }) => authentication === 'weaker'),
  );
  return diff.changes.map(({ kind, authentication, example: { method, url, headers } }) =>
    [`${kind} ${authentication}: ${method} ${url}`, ...headers.map((header) => header.join('='))].join(' '),
  );
}

export const EXAMPLE = 'GET https://example.com/orders/any';
export const basic = { basic: {} };
