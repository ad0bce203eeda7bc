import { isDeepStrictEqual } from 'node:util';
import type { LoadedConfig } from '../control/config/load.ts';
import { hasBrowserLogins } from '../control/config/resolve-admin.ts';
import type { DataPlaneConfig } from '../server/config.ts';

/** What a process begins with and keeps as long as it lives. */
export interface FixedSettings {
  readonly admin: LoadedConfig['admin'];
  readonly workers: number;
  readonly registryFile: string;
  readonly metrics: DataPlaneConfig['observability']['metrics'];
  /** But for what is decided with each request. */
  readonly memory: Omit<LoadedConfig['state']['memory'], 'onFailure'>;
  readonly store: LoadedConfig['store'];
}

const NAMES: Readonly<Record<keyof FixedSettings, string>> = {
  admin: 'admin',
  workers: 'runtime.workers',
  registryFile: 'runtime.registryFile',
  metrics: 'observability.metrics',
  memory: 'state.memory',
  store: 'store',
};

export function fixedSettings(config: LoadedConfig): FixedSettings {
  const { onFailure: _, ...memory } = config.state.memory;
  return {
    admin: config.admin,
    workers: config.runtime.workers,
    registryFile: config.runtime.registryFile,
    metrics: config.dataPlane.observability.metrics,
    memory,
    store: config.store,
  };
}

/** Of those that a configuration has otherwise, how it calls them. */
export function changedSettings(config: LoadedConfig, fixed: FixedSettings): readonly string[] {
  const now = fixedSettings(config);
  const names = Object.keys(NAMES) as (keyof FixedSettings)[];
  return names.filter((name) => !isDeepStrictEqual(now[name], fixed[name])).map((name) => NAMES[name]);
}

/**
 * What workers have of them. Counters lie in memory that all threads share, whose layout follows from `metrics`; and the admin port goes on to log
 * browsers in as it did, whatever a file says meanwhile.
 */
export function withFixed(config: DataPlaneConfig, { admin, metrics }: FixedSettings): DataPlaneConfig {
  const observability = { ...config.observability, metrics };
  return { ...config, observability, adminLogins: hasBrowserLogins(admin) };
}
