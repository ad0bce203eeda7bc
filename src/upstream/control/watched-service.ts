import type { TargetCell, TargetHealth } from '../cells.ts';
import { sameTargets, type TargetDescription } from '../discovery/target-description.ts';
import { ActiveChecks } from '../health/active-checks.ts';
import type { Probe } from '../health/probe.ts';
import type { CheckerContext, CheckResult } from '../health/target-checker.ts';
import { OutlierDetector, returnTarget } from '../outlier/detector.ts';
import type { TargetsMessage, TargetsNews } from '../targets-message.ts';
import type { ServiceCells } from './cell-store.ts';
import { type ControlledTarget, staticTargets } from './controlled-target.ts';
import type { ControlObserver, TargetsChange } from './observer.ts';
import type { ControlledService } from './settings.ts';
import { describeService, type ServiceStatus } from './status.ts';
import type { TargetFeed } from './target-feed.ts';

/** What all services of the main thread share. */
export interface WatchContext extends CheckerContext {
  readonly publish: (news: TargetsNews) => void;
  readonly observer: ControlObserver;
  readonly nowMs: () => number;
}

/**
 * One service under one version of its settings. Its life: made, from when on the workers are told of its targets; put in force, from when on
 * these are checked and swept; closed. A reload makes the next version before it closes the one before, and both have the same cells.
 */
export class WatchedService {
  readonly key: string;
  /** undefined for a service whose targets stand in the configuration. */
  readonly feed: TargetFeed | undefined;
  readonly #name: string;
  readonly #settings: ControlledService;
  readonly #cells: ServiceCells;
  readonly #context: WatchContext;
  readonly #checks: ActiveChecks | undefined;
  readonly #unfollow: (() => void) | undefined;
  #targets: readonly ControlledTarget[] = [];
  /** Of each target, by URL. */
  readonly #cellOf = new Map<string, TargetCell>();
  #inForce = false;
  #sweep: NodeJS.Timeout | undefined;

  /** `probeOf` is how its targets are checked, where they are; `feed` tells of them, where the configuration does not. */
  constructor(
    name: string,
    key: string,
    settings: ControlledService,
    probeOf: ((url: string) => Probe) | undefined,
    feed: TargetFeed | undefined,
    cells: ServiceCells,
    context: WatchContext,
  ) {
    this.#name = name;
    this.key = key;
    this.#settings = settings;
    this.feed = feed;
    this.#cells = cells;
    this.#context = context;
    const active = settings.health?.active;
    if (active !== undefined && probeOf !== undefined) {
      this.#checks = new ActiveChecks(active, probeOf, context, {
        healthOf: (url) => this.#cellOf.get(url)?.health ?? 'unknown',
        onChange: (url, health, result) => this.#decide(url, health, result),
      });
    }
    this.#replace(feed === undefined ? staticTargets(settings) : feed.targets);
    this.#unfollow = feed?.follow(() => this.#follow(feed.targets));
  }

  /** Its targets, for a worker. */
  get message(): TargetsMessage {
    return {
      kind: 'targets',
      key: this.key,
      targets: this.#targets.map(({ description, cell }) => ({ description, cell: cell.shared })),
      service: this.#cells.service.shared,
    };
  }

  /** From now on this version decides about the targets. Called once. */
  putInForce(): void {
    this.#inForce = true;
    const passive = this.#settings.health?.passive;
    if (passive !== undefined) {
      const detector = new OutlierDetector(passive);
      this.#sweep = setInterval(() => this.#review(detector), passive.interval).unref();
    }
    this.#govern();
  }

  /** Nothing of it goes on. The cells keep what is known. */
  close(): void {
    clearInterval(this.#sweep);
    this.#checks?.close();
    this.#unfollow?.();
    this.#cells.release([...this.#cellOf.keys()]);
    this.#cellOf.clear();
    this.#targets = [];
    this.#context.publish({ kind: 'targetsGone', key: this.key });
  }

  status(): ServiceStatus {
    return describeService(this.#settings, this.#targets, this.#cells.service, {
      source: this.feed?.state,
      lastCheck: (url) => this.#checks?.last(url),
      nowMs: this.#context.nowMs(),
    });
  }

  /** The source told something. After an outage that may be what it had told before. */
  #follow(list: readonly TargetDescription[]): void {
    const before = this.#targets.map(({ description }) => description);
    if (sameTargets(before, list)) return;
    const change = this.#replace(list);
    if (!this.#inForce) return;
    this.#govern();
    this.#context.observer.targetsChanged(this.#name, change);
  }

  #replace(list: readonly TargetDescription[]): TargetsChange {
    const wanted = new Set(list.map(({ url }) => url));
    const removed = [...this.#cellOf.keys()].filter((url) => !wanted.has(url));
    const added = [...wanted].filter((url) => !this.#cellOf.has(url));
    for (const url of removed) this.#cellOf.delete(url);
    for (const url of added) this.#cellOf.set(url, this.#cells.acquire(url));
    this.#targets = list.map((description) => ({
      description,
      cell: this.#cellOf.get(description.url) as TargetCell,
    }));
    this.#context.publish(this.message);
    this.#cells.release(removed);
    return { added, removed, total: list.length };
  }

  /** Makes what the cells say follow these settings, and has the targets of now checked. */
  #govern(): void {
    const { active, passive } = this.#settings.health ?? {};
    const { nowMs } = this.#context;
    for (const { description, cell } of this.#targets) {
      cell.draining = description.draining ?? false;
      // Nobody would take these back.
      if (active === undefined) cell.health = 'unknown';
      if (passive === undefined) returnTarget(cell, this.#cells.service, nowMs());
    }
    this.#cells.service.bumpVersion();
    this.#checks?.watch(new Set(this.#cellOf.keys()));
  }

  /** A check took a target to another health. */
  #decide(url: string, health: TargetHealth, result: CheckResult): void {
    const cell = this.#cellOf.get(url);
    if (cell === undefined) return;
    const { observer, nowMs } = this.#context;
    const again = cell.health === 'down';
    if (health === 'up' && again) {
      cell.sinceMs = nowMs();
      // What it was ejected for was before it went down.
      returnTarget(cell, this.#cells.service, nowMs());
    }
    cell.health = health;
    this.#cells.service.bumpVersion();
    if (health === 'up') observer.targetUp(this.#name, url, again);
    else observer.targetDown(this.#name, url, result.cause);
  }

  #review(detector: OutlierDetector): void {
    const { observer, nowMs } = this.#context;
    this.#cells.returnGone();
    for (const event of detector.sweep(this.#targets, this.#cells.service, nowMs()))
      observer.outlier(this.#name, event);
  }
}
