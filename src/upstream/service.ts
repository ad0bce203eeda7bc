import type { SecureContext } from 'node:tls';
import type { FieldNames } from '../http/field-names.ts';
import { clockMs } from '../lib/clock.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import type { Exchange } from '../policy/contract.ts';
import { targetAddress } from './address.ts';
import { type CompiledBalancer, compileBalancer } from './balancing/compile.ts';
import { compileHashKey } from './balancing/hash-key.ts';
import { Sticky } from './balancing/sticky.ts';
import { Breaker, type BreakerChange, type Permit, REJECTED } from './breaker/breaker.ts';
import { ServiceCell, TargetCell } from './cells.ts';
import type { TargetDirectory } from './directory.ts';
import { ServiceLimits } from './limits/service-limits.ts';
import { type Ejection, OutlierDetector } from './outlier/detector.ts';
import { Pool, type PoolObserver } from './pool/pool.ts';
import { poolSettings } from './pool/settings.ts';
import { RetryBudget } from './retry/budget.ts';
import { DEFAULT_BUDGET } from './retry/budget-schema.ts';
import { type Budget, RetryPolicy, type RetryTimes } from './retry/policy.ts';
import type { ServiceConfig } from './schema.ts';
import { isFailed, isTimeout, type Outcome, saysNothing, Target, type TargetSurroundings } from './target.ts';
import { targetsKey } from './targets-key.ts';
import type { TargetsMessage } from './targets-message.ts';
import { clientContext } from './tls.ts';

/** A service whose `url` became `targets`, which are none where `discovery` tells of them. */
export type ServiceSettings = Omit<ServiceConfig, 'url' | 'targets'> & {
  readonly targets: readonly {
    readonly url: string;
    readonly weight: number;
    readonly zone?: string | undefined;
  }[];
};

/** Told of what happens at a service, for log and metrics. */
export interface ServiceObserver extends PoolObserver {
  /** `target` is undefined for the breaker of the service as a whole. */
  breakerChanged(target: string | undefined, change: BreakerChange): void;
  ejected(target: string, ejection: Ejection): void;
}

export interface ServiceContext {
  readonly workerId: number;
  readonly deadlines: Deadlines;
  readonly names: FieldNames;
  /** Its chance is that of balancers, breakers and limits too. */
  readonly retries: RetryTimes & { /** For tests. */ readonly budget?: Budget | undefined };
  /** What the main thread tells of targets. */
  readonly directory: TargetDirectory;
  observer(service: string): ServiceObserver;
}

/** In place of a permit: as many requests are under way as may be. */
export const OVERLOADED: Permit = -2;

/** Where one service runs, with this worker's connections to it. Lives on through reloads that do not change it. */
export class Service {
  readonly name: string;
  readonly settings: ServiceSettings;
  /** undefined when nothing but a stale connection is tried again. */
  readonly retryPolicy: RetryPolicy | undefined;
  readonly cell: ServiceCell;
  readonly #context: ServiceContext;
  readonly #observer: ServiceObserver;
  readonly #breaker: Breaker | undefined;
  readonly #limits: ServiceLimits;
  readonly #budget: RetryBudget | undefined;
  readonly #hashOf: ((exchange: Exchange) => number | undefined) | undefined;
  readonly #sticky: Sticky<Target> | undefined;
  readonly #surroundings: TargetSurroundings;
  readonly #unwatch: () => void;
  #secureContext: SecureContext | undefined;
  #message: TargetsMessage;
  /** By URL. */
  #targets: ReadonlyMap<string, Target> = new Map();
  #balancer: CompiledBalancer<Target>;
  /** undefined until somebody asks. */
  #lack: string | undefined;
  /** Of the cell, when the balancer was made. */
  #version = -1;
  /** By performance.now(): when time alone makes another balancer of it. */
  #staleMs = Number.POSITIVE_INFINITY;

  /** Throws the error of OpenSSL when a certificate is unusable. */
  constructor(name: string, settings: ServiceSettings, context: ServiceContext) {
    const key = targetsKey(name, settings);
    this.name = name;
    this.settings = settings;
    this.#context = context;
    this.#observer = context.observer(name);
    this.#message = context.directory.get(key) ?? ownTargets(key, settings);
    this.cell = new ServiceCell(this.#message.service, context.workerId);
    this.#limits = new ServiceLimits(this.cell, settings.limits, context.retries.random);
    this.#breaker = this.#makeBreaker();
    const { retry, hedge, balance, sticky } = settings;
    if (retry !== undefined || hedge !== undefined) {
      this.#budget = new RetryBudget(this.cell, retry?.budget ?? DEFAULT_BUDGET, clockMs);
      const budget = context.retries.budget ?? this.#budget;
      this.retryPolicy = new RetryPolicy(retry, hedge, context.deadlines, { ...context.retries, budget });
    }
    this.#hashOf = balance.hash && compileHashKey(balance.hash);
    this.#sticky = sticky && new Sticky(name, sticky);
    this.#surroundings = this.#makeSurroundings();
    // Not with the first target that needs it, which a source may tell of later: what OpenSSL refuses is refused with its configuration.
    if (settings.tls !== undefined) this.#secureContext = clientContext(settings.tls);
    this.#balancer = this.#follow();
    this.#unwatch = context.directory.watch(key, (message) => {
      this.#message = message;
      this.#balancer = this.#follow();
    });
  }

  #makeBreaker(): Breaker | undefined {
    const { breaker } = this.settings;
    if (breaker === undefined || breaker.scope === 'target') return undefined;
    return new Breaker(this.cell.breaker, breaker, this.#context.retries.random, (change) =>
      this.#observer.breakerChanged(undefined, change),
    );
  }

  #makeSurroundings(): TargetSurroundings {
    const { breaker, health, balance } = this.settings;
    return {
      breaker: breaker === undefined || breaker.scope === 'service' ? undefined : breaker,
      random: this.#context.retries.random,
      outlier: health?.passive && new OutlierDetector(health.passive),
      service: this.cell,
      timed: balance.algorithm === 'peak-ewma',
      slowStartMs: balance.slowStart,
      targetCount: () => this.#targets.size,
      breakerChanged: (target, change) => {
        // Balancers leave out what is open.
        this.cell.bumpVersion();
        this.#observer.breakerChanged(target.name, change);
      },
      ejected: (target, ejection) => this.#observer.ejected(target.name, ejection),
    };
  }

  /** Those of this worker. */
  get deadlines(): Deadlines {
    return this.#context.deadlines;
  }

  // Requests of clients.

  /** A request begins. `REJECTED` while the breaker is open and `OVERLOADED` beyond a limit: then nothing else is told of it. */
  admit(): Permit {
    if (!this.#limits.tryBegin()) return OVERLOADED;
    if (this.#breaker === undefined && this.#budget === undefined) return 0;
    const nowMs = clockMs();
    const permit = this.#breaker === undefined ? 0 : this.#breaker.admit(nowMs);
    if (permit === REJECTED) this.#limits.end();
    else this.#budget?.countRequest(nowMs);
    return permit;
  }

  /** What became of it: outcome and latency of the attempt that decided it. Once for each. */
  report(permit: Permit, outcome: Outcome, latencyMs: number): void {
    const { adaptive } = this.#limits;
    if (this.#breaker === undefined && adaptive === undefined) return;
    const nowMs = clockMs();
    if (saysNothing(outcome)) {
      this.#breaker?.release(permit, latencyMs, nowMs);
      return;
    }
    this.#breaker?.record(permit, isFailed(outcome), latencyMs, nowMs);
    if (!isFailed(outcome)) adaptive?.observe(latencyMs, nowMs);
    else if (isTimeout(outcome) && latencyMs >= 0) adaptive?.observeTimeout(latencyMs, nowMs);
  }

  /** It is over. */
  end(): void {
    this.#limits.end();
  }

  /** For how long certainly no request is taken, in milliseconds: by the breaker of the service, or those of all targets. */
  get retryAfterMs(): number {
    const nowMs = clockMs();
    const ownMs = this.#breaker?.retryAfterMs(nowMs) ?? 0;
    if (ownMs > 0 || this.askable.length === 0) return ownMs;
    return Math.min(...this.askable.map(({ breaker }) => breaker?.retryAfterMs(nowMs) ?? 0));
  }

  // Targets.

  /** The target for an attempt, none of `tried` while there is another; undefined when none may be asked. */
  pick(exchange: Exchange, tried: readonly Target[] = NONE): Target | undefined {
    this.#refreshIfStale();
    const kept = this.#sticky?.find(exchange.request.fields);
    if (kept !== undefined && !tried.includes(kept)) return kept;
    const picked = this.#balancer.balancer.pick(this.#hashOf?.(exchange), tried);
    return picked !== undefined && tried.includes(picked) ? (this.#elsewhere(tried) ?? picked) : picked;
  }

  /** Where one zone is preferred, its balancer knows no others: they are there for what all of its targets failed at. */
  #elsewhere(tried: readonly Target[]): Target | undefined {
    const others = this.askable.filter((target) => !tried.includes(target));
    return others[Math.floor(this.#context.retries.random() * others.length)];
  }

  /** Those that may be asked, for whom the breaker of the one that was picked refuses. */
  get askable(): readonly Target[] {
    return this.#balancer.endpoints;
  }

  /** The Set-Cookie that keeps the client at the target whose answer it gets; undefined where it stays there anyway. */
  cookieFor(exchange: Exchange, target: Target): string | undefined {
    const sticky = this.#sticky;
    if (sticky === undefined || sticky.find(exchange.request.fields) === target) return undefined;
    return sticky.setCookie(target, exchange.request.scheme === 'https');
  }

  /** Why no target can be asked, for the log. Found out once, however many requests are refused for it. */
  get lack(): string {
    this.#refreshIfStale();
    this.#lack ??= this.#findLack();
    return this.#lack;
  }

  #findLack(): string {
    const targets = [...this.#targets.values()];
    if (targets.length === 0) return 'no target is known';
    const count = (test: (target: Target) => boolean): number => targets.filter(test).length;
    const parts = [
      `${count(({ cell }) => cell.health === 'down')} down`,
      `${count(({ cell }) => cell.outlier.ejected)} ejected`,
      `${count(({ breaker }) => breaker !== undefined && breaker.state(clockMs()) !== 'closed')} with an open breaker`,
      `${count(({ draining }) => draining)} draining`,
      `${count(({ weight }) => weight === 0)} of weight 0`,
    ];
    return `of ${targets.length} targets ${parts.filter((part) => !part.startsWith('0 ')).join(', ')}`;
  }

  #refreshIfStale(): void {
    const stale = this.#staleMs !== Number.POSITIVE_INFINITY && performance.now() >= this.#staleMs;
    if (stale || this.cell.version !== this.#version) this.#balancer = this.#rebalance();
  }

  /** Takes over a list of targets: those that stay keep their connections, those that are gone end with their requests. */
  #follow(): CompiledBalancer<Target> {
    const { targets } = this.#message;
    const before = this.#targets;
    const now = new Map<string, Target>();
    for (const { description, cell } of targets) {
      const { url } = description;
      now.set(url, before.get(url) ?? this.#makeTarget(url, cell));
    }
    this.#targets = now;
    for (const [url, target] of before) if (!now.has(url)) target.pool.retire();
    return this.#rebalance();
  }

  #makeTarget(url: string, shared: SharedArrayBuffer): Target {
    const { deadlines, names, workerId } = this.#context;
    const address = targetAddress(url);
    if (address.secure) this.#secureContext ??= clientContext(this.settings.tls);
    const settings = poolSettings(address, this.settings, address.secure ? this.#secureContext : undefined);
    const pool = new Pool(settings, deadlines, names, this.#observer, this.#limits);
    return new Target(address, pool, new TargetCell(shared, workerId), this.#surroundings);
  }

  #rebalance(): CompiledBalancer<Target> {
    this.#lack = undefined;
    // Before the targets are looked at: what changes meanwhile is noticed by the next request.
    this.#version = this.cell.version;
    const nowMs = clockMs();
    let changesAtMs = Number.POSITIVE_INFINITY;
    for (const { description } of this.#message.targets) {
      const target = this.#targets.get(description.url);
      target?.refresh(description, nowMs);
      changesAtMs = Math.min(changesAtMs, target?.changesAtMs(nowMs) ?? changesAtMs);
    }
    this.#staleMs = performance.now() + (changesAtMs - nowMs);
    const made = compileBalancer(this.settings.balance, [...this.#targets.values()], {
      random: this.#context.retries.random,
      now: clockMs,
    });
    this.#sticky?.update(made.endpoints);
    return made;
  }

  /** No configuration uses this service any more. */
  retire(): void {
    this.#unwatch();
    for (const target of this.#targets.values()) target.pool.retire();
  }
}

const NONE: readonly Target[] = [];

/** Where no main thread looks after targets, as in a test: those of the configuration, with memory of their own. */
function ownTargets(key: string, { targets }: ServiceSettings): TargetsMessage {
  return {
    kind: 'targets',
    key,
    targets: targets.map(({ url, weight, zone }) => ({
      description: { url, weight, ...(zone === undefined ? {} : { zone }) },
      cell: TargetCell.allocate(),
    })),
    service: ServiceCell.allocate(),
  };
}
