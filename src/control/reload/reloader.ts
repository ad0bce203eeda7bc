import { messageOf } from '../../lib/message-of.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import { type Changes, compareConfigs, describeChanges } from './changes.ts';

/** Why a reload was asked for; it stands in the log. */
export type ReloadTrigger = 'file change' | 'SIGHUP' | 'admin' | 'store';

/** What the reloader needs of a loaded configuration; control/config makes it. */
export interface Reloadable {
  readonly dataPlane: DataPlaneConfig;
  /** Every file that it was read from, absolute. */
  readonly files: readonly string[];
  /** Equal when nothing at all differs. */
  readonly hash: string;
}

export type LoadOutcome<Config, Problem> =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly errors: readonly Problem[]; readonly files: readonly string[] };

export type ReloadOutcome<Problem> =
  | { readonly kind: 'applied'; readonly changes: Changes; readonly warnings: readonly Problem[] }
  | { readonly kind: 'unchanged' }
  /**
   * The configuration before stays in force. `errors` are those of the file, `reasons` those of the workers. `files` are those
   * to watch besides: the one that is missing may come.
   */
  | {
      readonly kind: 'refused';
      readonly errors: readonly Problem[];
      readonly reasons: readonly string[];
      readonly files: readonly string[];
    };

export interface ReloaderOptions<Config extends Reloadable, Problem> {
  readonly load: () => Promise<LoadOutcome<Config, Problem>>;
  /** Puts it into force everywhere or nowhere. */
  readonly apply: (
    config: Config,
  ) => Promise<{ readonly ok: true } | { readonly ok: false; readonly reasons: readonly string[] }>;
  /** Shows errors and warnings of a file to whoever runs the gateway. */
  readonly show: (problems: readonly Problem[]) => void;
  readonly log: (level: 'info' | 'error', message: string) => void;
  /** Called after each attempt, such as to count it and to watch other files. A `change` is what was put into force in a turn. */
  readonly onOutcome?: (
    outcome: ReloadOutcome<Problem>,
    config: Config,
    trigger: ReloadTrigger | 'change',
  ) => void;
}

/** Puts a configuration into force for whoever has the turn. */
export type Put<Config, Problem> = (
  config: Config,
  warnings?: readonly Problem[],
) => Promise<ReloadOutcome<Problem>>;

/**
 * Reloads one at a time. A reload that is asked for during another one waits for it and then reads the files anew; all
 * that were asked for meanwhile share that one, since it reads the latest of each file. Who changes the configuration in another way takes
 * a turn between reloads.
 */
export class Reloader<Config extends Reloadable, Problem> {
  readonly #options: ReloaderOptions<Config, Problem>;
  #current: Config;
  /** Ends with the last of those that have or wait for their turn; undefined: nobody has it. */
  #last: Promise<unknown> | undefined;
  /** The reload that waits for its turn and has read nothing yet. */
  #next: Promise<ReloadOutcome<Problem>> | undefined;

  /** `current` is the configuration in force. */
  constructor(current: Config, options: ReloaderOptions<Config, Problem>) {
    this.#current = current;
    this.#options = options;
  }

  get current(): Config {
    return this.#current;
  }

  /** Never rejects: what goes wrong is in the outcome and in the log. */
  reload(trigger: ReloadTrigger): Promise<ReloadOutcome<Problem>> {
    if (this.#next !== undefined) return this.#next;
    if (this.#last === undefined) return this.#queue(() => this.#run(trigger));
    this.#next = this.#queue(() => {
      this.#next = undefined;
      return this.#run(trigger);
    });
    return this.#next;
  }

  /** Runs `act` when nobody else changes the configuration; until it has settled nobody else does. Rejects as `act` does. */
  inTurn<Result>(act: (put: Put<Config, Problem>) => Promise<Result>): Promise<Result> {
    return this.#queue(() => act((config, warnings = []) => this.#put(config, warnings)));
  }

  #queue<Result>(act: () => Promise<Result>): Promise<Result> {
    const turn = (this.#last === undefined ? act() : this.#last.then(act)).finally(() => {
      if (this.#last === settled) this.#last = undefined;
    });
    const settled = turn.then(noop, noop);
    this.#last = settled;
    return turn;
  }

  async #run(trigger: ReloadTrigger): Promise<ReloadOutcome<Problem>> {
    const outcome = await this.#attempt().catch((error: unknown) => ({
      kind: 'refused' as const,
      errors: [],
      reasons: [messageOf(error)],
      files: [],
    }));
    this.#report(trigger, outcome);
    this.#options.onOutcome?.(outcome, this.#current, trigger);
    return outcome;
  }

  async #attempt(): Promise<ReloadOutcome<Problem>> {
    const loaded = await this.#options.load();
    if (!loaded.ok) return { kind: 'refused', errors: loaded.errors, reasons: [], files: loaded.files };
    return this.#replace(loaded.config, loaded.warnings);
  }

  async #put(config: Config, warnings: readonly Problem[]): Promise<ReloadOutcome<Problem>> {
    const outcome = await this.#replace(config, warnings);
    this.#options.onOutcome?.(outcome, this.#current, 'change');
    return outcome;
  }

  async #replace(config: Config, warnings: readonly Problem[]): Promise<ReloadOutcome<Problem>> {
    if (config.hash === this.#current.hash) {
      // What differs nowhere else may still come from elsewhere.
      this.#current = config;
      return { kind: 'unchanged' };
    }
    const applied = await this.#options.apply(config);
    if (!applied.ok) return { kind: 'refused', errors: [], reasons: applied.reasons, files: config.files };
    const changes = compareConfigs(this.#current.dataPlane, config.dataPlane);
    this.#current = config;
    return { kind: 'applied', changes, warnings };
  }

  #report(trigger: ReloadTrigger, outcome: ReloadOutcome<Problem>): void {
    const { log, show } = this.#options;
    switch (outcome.kind) {
      case 'unchanged':
        log('info', `reload (${trigger}): nothing changed`);
        return;
      case 'applied':
        if (outcome.warnings.length > 0) show(outcome.warnings);
        log('info', `reload (${trigger}): ${describeChanges(outcome.changes)}`);
        return;
      case 'refused':
        if (outcome.errors.length > 0) show(outcome.errors);
        for (const reason of outcome.reasons) log('error', reason);
        log('error', `reload (${trigger}) refused: the configuration before stays in force`);
        return;
    }
  }
}

function noop(): void {}
