import { systemTimers } from '../lib/timers.ts';
import type { ControlObserver } from '../upstream/control/observer.ts';
import { UpstreamControl } from '../upstream/control/upstream-control.ts';
import { makeSource } from '../upstream/discovery/make.ts';
import { Registry } from '../upstream/discovery/registry/registry.ts';
import { RegistryFile } from '../upstream/discovery/registry/registry-file.ts';
import type { TargetsNews } from '../upstream/targets-message.ts';
import type { Log } from './messages.ts';

export interface UpstreamsOptions {
  readonly registry: Registry;
  /** What the paths of sources are relative to. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** Tells every worker. */
  readonly publish: (news: TargetsNews) => void;
  /** A target was found to be an outlier by its success rate. */
  readonly ejected: (service: string, rule: string, verdict: string) => void;
}

/** The registry with what an earlier process left in a file. Rejects when that cannot be read: to go on would be to write over it. */
export async function openRegistry(path: string, log: Log): Promise<Registry> {
  const file = new RegistryFile(path);
  const kept = await file.read();
  if (!kept.ok) throw new Error(`the registry cannot be read: ${kept.cause}`);
  if (kept.refused !== undefined) {
    const { cause, keptAs } = kept.refused;
    log('error', `the registry begins empty: ${cause}`, { keptAs });
  }
  return new Registry(kept.registrations, {
    timers: systemTimers,
    storage: file,
    saveFailed: (cause) => log('error', `the registry cannot be written: ${cause}`),
  });
}

/** What the main thread does for services: the registry of targets, and the control of where they are and how they are. */
export class Upstreams {
  readonly registry: Registry;
  readonly control: UpstreamControl;

  constructor(options: UpstreamsOptions) {
    const { registry, directory, env } = options;
    this.registry = registry;
    const context = { timers: systemTimers, random: Math.random, registry, directory, surroundings: { env } };
    this.control = new UpstreamControl({
      makeSource: (settings, service, observer) => makeSource(settings, service, observer, context),
      publish: options.publish,
      observer: observerOf(options),
    });
  }

  /** Resolves when every registration is on the disk. */
  async close(): Promise<void> {
    this.control.close();
    await this.registry.close();
  }
}

/** A source may tell of thousands at once. */
const MAX_NAMED = 10;

function named(urls: readonly string[]): string {
  const more = urls.length - MAX_NAMED;
  return urls.slice(0, MAX_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** Every line says what the workers do from now on. */
function observerOf({ log, ejected }: UpstreamsOptions): ControlObserver {
  return {
    targetUp(service, target, again) {
      if (again) log('info', `target ${target} of ${service} is well again`);
    },
    targetDown(service, target, cause) {
      log('warn', `target ${target} of ${service} is down`, { cause });
    },
    outlier(service, event) {
      const { url } = event.target.description;
      if (event.kind === 'return') {
        log('info', `target ${url} of ${service}, which was an outlier, is asked again`);
        return;
      }
      const { rule, verdict, forMs } = event.ejection;
      ejected(service, rule, verdict);
      log('warn', `target ${url} of ${service} is an outlier`, { rule, verdict, forMs });
    },
    targetsChanged(service, { added, removed, total }) {
      log('info', `service ${service} has ${total} ${total === 1 ? 'target' : 'targets'} now`, {
        added: named(added),
        removed: named(removed),
      });
    },
    sourceFailed(service, cause) {
      log('warn', `the targets of ${service} cannot be found out, those known last stay`, { cause });
    },
    sourceRecovered(service) {
      log('info', `the targets of ${service} can be found out again`);
    },
  };
}
