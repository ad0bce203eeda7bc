import { resolve } from 'node:path';
import type { Timers } from '../../lib/timers.ts';
import { consulSource } from './consul.ts';
import { dnsSource } from './dns.ts';
import { FileSource } from './file.ts';
import type { Surroundings } from './kubernetes/credentials.ts';
import { kubernetesSource } from './kubernetes/source.ts';
import type { Registry } from './registry/registry.ts';
import { RegistrySource } from './registry/source.ts';
import type { DiscoverySettings } from './schema.ts';
import type { Source, SourceObserver } from './source.ts';

/** What sources share. */
export interface SourceContext {
  readonly timers: Timers;
  /** Numbers from 0 up to 1. */
  readonly random: () => number;
  readonly registry: Registry;
  /** What the path of a file is relative to: the directory of the configuration. */
  readonly directory: string;
  readonly surroundings: Surroundings;
}

/** The source that a service's `discovery` names, not started yet. */
export function makeSource(
  settings: DiscoverySettings,
  service: string,
  observer: SourceObserver,
  context: SourceContext,
): Source {
  if (settings.dns !== undefined) return dnsSource(settings.dns, observer, context);
  if (settings.file !== undefined)
    return new FileSource(resolve(context.directory, settings.file.path), observer);
  if (settings.consul !== undefined) return consulSource(settings.consul, observer, context);
  if (settings.kubernetes !== undefined) return kubernetesSource(settings.kubernetes, observer, context);
  // The schema lets nothing pass that has no source.
  return new RegistrySource(settings.registry ?? { tags: [] }, service, context.registry, observer);
}
