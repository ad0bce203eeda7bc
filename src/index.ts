import type { PortcullisConfigInput } from './control/config/schema.ts';

export type { PortcullisConfigInput } from './control/config/schema.ts';
export { definePolicy, type Policy, type PolicyHooks } from './policy/contract.ts';

/** Gives a configuration its type: `export default defineConfig({ ... })`. Returns what it is given. */
export function defineConfig(config: PortcullisConfigInput): PortcullisConfigInput {
  return config;
}
