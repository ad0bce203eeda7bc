import type { TargetHealth } from '../cells.ts';
import type { Probe } from './probe.ts';
import type { ActiveHealthSettings } from './schema.ts';
import { type CheckerContext, type CheckResult, TargetChecker } from './target-checker.ts';

/** Who keeps what the checks find. A target is known by its URL. */
export interface HealthKeeper {
  /** What is known of a target whose checks begin. */
  healthOf(url: string): TargetHealth;
  /** A check took the target to another health. */
  onChange(url: string, health: TargetHealth, result: CheckResult): void;
}

/** The active checks of one service: a checker per target. */
export class ActiveChecks {
  readonly #settings: ActiveHealthSettings;
  readonly #probeOf: (url: string) => Probe;
  readonly #context: CheckerContext;
  readonly #keeper: HealthKeeper;
  readonly #checkers = new Map<string, TargetChecker>();

  /** Checks nothing until `watch`. `probeOf` is what `compileProbe` makes of the settings. */
  constructor(
    settings: ActiveHealthSettings,
    probeOf: (url: string) => Probe,
    context: CheckerContext,
    keeper: HealthKeeper,
  ) {
    this.#settings = settings;
    this.#probeOf = probeOf;
    this.#context = context;
    this.#keeper = keeper;
  }

  /** From now on these targets are checked and no others. What was checked before goes on as it was. */
  watch(urls: ReadonlySet<string>): void {
    for (const [url, checker] of this.#checkers) {
      if (urls.has(url)) continue;
      checker.close();
      this.#checkers.delete(url);
    }
    for (const url of urls) {
      if (this.#checkers.has(url)) continue;
      const onChange = (health: TargetHealth, result: CheckResult): void =>
        this.#keeper.onChange(url, health, result);
      this.#checkers.set(
        url,
        new TargetChecker(
          this.#probeOf(url),
          this.#settings,
          this.#keeper.healthOf(url),
          this.#context,
          onChange,
        ),
      );
    }
  }

  /** The last check of a target; undefined before its first one has ended. */
  last(url: string): CheckResult | undefined {
    return this.#checkers.get(url)?.last;
  }

  close(): void {
    this.watch(new Set());
  }
}
