import assert from 'node:assert/strict';
import { formatErrors } from '../config/format.ts';
import { type LoadedConfig, loadConfig } from '../config/load.ts';

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
