import { clockMs } from '../../lib/clock.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { DiscoverySettings } from '../discovery/schema.ts';
import type { Source, SourceObserver } from '../discovery/source.ts';
import { CheckSlots } from '../health/check-slots.ts';
import { compileProbe } from '../health/compile-probe.ts';
import { targetsKey } from '../targets-key.ts';
import type { TargetsMessage, TargetsNews } from '../targets-message.ts';
import { ServiceCells } from './cell-store.ts';
import type { ControlObserver } from './observer.ts';
import type { ControlledService } from './settings.ts';
import type { ServiceStatus } from './status.ts';
import { TargetFeed } from './target-feed.ts';
import { type WatchContext, WatchedService } from './watched-service.ts';

export interface UpstreamControlOptions {
  /** A source that is not started. */
  readonly makeSource: (settings: DiscoverySettings, service: string, observer: SourceObserver) => Source;
  /** Sends to all workers. */
  readonly publish: (news: TargetsNews) => void;
  readonly observer: ControlObserver;
  /** On the clock of the cells; tests give their own. */
  readonly nowMs?: () => number;
  /** [0, 1); tests give their own. */
  readonly random?: () => number;
  /** Tests play their own checks. */
  readonly compileProbe?: typeof compileProbe;
}

/** Services that are ready to be put in force and are not yet. */
export interface PreparedServices {
  readonly services: ReadonlyMap<string, WatchedService>;
  /** Those of them that are new, or differ from the ones in force. */
  readonly made: ReadonlyMap<string, WatchedService>;
}

/** Checks under way at once, of all services: bounds the sockets, and the work that falls together. */
const MAX_CHECKS = 256;

/** How long a configuration waits for the first word of its new sources. One that says nothing for longer may come when it will. */
const FIRST_WORD_MS = 3000;

/**
 * The targets of all services, as the main thread looks after them: it asks sources where they are, checks them, takes outliers back, shares
 * what is known of them with the workers, and tells the admin port. A configuration comes in two steps, like everywhere in the gateway.
 */
export class UpstreamControl {
  readonly #options: UpstreamControlOptions;
  readonly #context: WatchContext;
  /** By service. */
  readonly #cells = new Map<string, ServiceCells>();
  /** By service and settings of the source: a version of a service that has the same source goes on with it. */
  readonly #feeds = new Map<string, TargetFeed>();
  /** All that is not closed, those that are only prepared included. */
  readonly #open = new Set<WatchedService>();
  #inForce: ReadonlyMap<string, WatchedService> = new Map();
  #stopWaiting: (() => void) | undefined;
  #closed = false;

  constructor(options: UpstreamControlOptions) {
    this.#options = options;
    this.#context = {
      slots: new CheckSlots(MAX_CHECKS),
      random: options.random ?? Math.random,
      publish: options.publish,
      observer: options.observer,
      nowMs: options.nowMs ?? clockMs,
    };
  }

  /**
   * Starts what a configuration adds, while the one in force goes on, and tells the workers its targets. Resolves when each new source has
   * said something, or after three seconds. Rejects with an Error whose message says what is wrong; what was made until then is undone.
   */
  async prepare(settings: Readonly<Record<string, ControlledService>>): Promise<PreparedServices> {
    const services = new Map<string, WatchedService>();
    const made = new Map<string, WatchedService>();
    for (const [name, service] of Object.entries(settings)) {
      const key = targetsKey(name, service);
      const known = this.#inForce.get(name);
      if (known?.key === key) {
        services.set(name, known);
        continue;
      }
      try {
        const watched = this.#make(name, key, service);
        services.set(name, watched);
        made.set(name, watched);
      } catch (error) {
        this.discard({ services, made });
        const reason = messageOf(error);
        throw new Error(`service ${name}: ${reason}`, { cause: error });
      }
    }
    await this.#firstWords([...made.values()].flatMap(({ feed }) => feed?.ready ?? []));
    if (this.#closed) throw new Error('the gateway is stopping');
    return { services, made };
  }

  /** Puts a prepared configuration in force: from now on its targets are checked, and what it does not have any more is closed. */
  commit({ services, made }: PreparedServices): void {
    const before = this.#inForce;
    this.#inForce = services;
    for (const service of made.values()) service.putInForce();
    for (const [name, service] of before) if (services.get(name) !== service) this.#close(service);
    for (const name of this.#cells.keys()) if (!services.has(name)) this.#cells.delete(name);
  }

  /** Undoes a `prepare` whose configuration is not wanted after all. */
  discard({ made }: PreparedServices): void {
    for (const [name, service] of made) {
      this.#close(service);
      if (!this.#inForce.has(name)) this.#cells.delete(name);
    }
  }

  /** What a worker that has just started has to know. */
  current(): TargetsMessage[] {
    return [...this.#open].map(({ message }) => message);
  }

  /** A worker died: what it had under way is gone with it. Called before its successor starts. */
  forgetWorker(workerId: number): void {
    for (const cells of this.#cells.values()) cells.forgetWorker(workerId);
  }

  /** The services in force, by name. */
  status(): Record<string, ServiceStatus> {
    return Object.fromEntries([...this.#inForce].map(([name, service]) => [name, service.status()]));
  }

  /** Ends all checks, sweeps and sources. */
  close(): void {
    this.#closed = true;
    this.#stopWaiting?.();
    for (const service of this.#open) this.#close(service);
    this.#inForce = new Map();
    this.#cells.clear();
  }

  #make(name: string, key: string, settings: ControlledService): WatchedService {
    const { compileProbe: compile = compileProbe } = this.#options;
    // First, because it may throw.
    const probeOf = settings.health?.active && compile(settings.health.active, settings);
    const cells = this.#cells.get(name) ?? new ServiceCells(this.#context.nowMs);
    const feed = settings.discovery && this.#feedOf(name, settings.discovery);
    const watched = new WatchedService(name, key, settings, probeOf, feed, cells, this.#context);
    this.#cells.set(name, cells);
    this.#open.add(watched);
    return watched;
  }

  #feedOf(service: string, settings: DiscoverySettings): TargetFeed {
    const key = targetsKey(service, settings);
    let feed = this.#feeds.get(key);
    if (feed === undefined) {
      const { makeSource, observer } = this.#options;
      feed = new TargetFeed((source) => makeSource(settings, service, source), {
        failed: (cause) => observer.sourceFailed(service, cause),
        recovered: () => observer.sourceRecovered(service),
        idle: () => this.#feeds.delete(key),
      });
      this.#feeds.set(key, feed);
    }
    return feed;
  }

  #close(service: WatchedService): void {
    this.#open.delete(service);
    service.close();
  }

  async #firstWords(words: readonly Promise<void>[]): Promise<void> {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    this.#stopWaiting = resolve;
    const timer = setTimeout(resolve, FIRST_WORD_MS);
    await Promise.race([Promise.all(words), late]);
    clearTimeout(timer);
  }
}
