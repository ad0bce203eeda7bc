import { messageOf } from '../../lib/message-of.ts';
import { pause, systemTimers } from '../../lib/timers.ts';
import { type CertificateDescription, describeCertificate } from '../certificates/describe.ts';
import type { LoadedConfig, LoadResult } from '../config/load.ts';
import type { ConfigError } from '../config/problem.ts';
import { describeChanges } from '../reload/changes.ts';
import type { Put, Reloader, ReloadOutcome } from '../reload/reloader.ts';
import type { StoreTransaction } from '../store/database.ts';
import type { Collection, EntityChange, Revision, StoreState } from '../store/entity.ts';
import type { EntityStore } from '../store/entity-store.ts';
import { NoStoreKey } from '../store/sealer.ts';
import { stateAfter } from '../store/state.ts';
import type { StoreConnection } from '../store/store-connection.ts';
import { Listing } from './listing.ts';
import type {
  ChangeOutcome,
  ChangeProblem,
  ChangeRequest,
  ConfigurationManager,
  FailedChange,
  FileTrial,
  ListedEntity,
  NodeStatus,
  Preview,
  PreviewRequest,
  WantedChange,
} from './manager.ts';
import { NodeReports } from './node-reports.ts';
import { planChanges } from './plan.ts';
import { problemOf, problemsOf } from './problems.ts';
import type { StoreFollower } from './store-follower.ts';

export type ConfigReloader = Reloader<LoadedConfig, ConfigError>;

export interface StoredConfigurationOptions {
  readonly connection: StoreConnection;
  readonly follower: StoreFollower;
  readonly reloader: Pick<ConfigReloader, 'current' | 'inTurn'>;
  /** Reads the file as it is, with what a store would hold beside it. Of `newCertificates` none may be over. */
  readonly load: (stored: StoreState, newCertificates?: ReadonlySet<string>) => Promise<LoadResult>;
  /** The same of another file in its place; `name` is what problems call that. */
  readonly loadOther: (file: Readonly<Record<string, unknown>>, stored: StoreState) => Promise<LoadedOther>;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Name of this node. */
  readonly node: string;
  readonly nowMs: () => number;
  /** Writes more into the transaction of a change, such as for an audit log. Where it rejects, nothing is changed. */
  readonly record?: (
    transaction: StoreTransaction,
    revision: Revision,
    changes: readonly EntityChange[],
    request: Pick<ChangeRequest, 'actor'>,
  ) => Promise<void>;
}

export interface LoadedOther {
  readonly name: string;
  readonly result: LoadResult;
}

const REPORT_DELAY_MS = 50;
/** Whoever is not heard of is soon not waited for any more anyway. */
const LEAVE_MS = 1000;

/** What is known of a change before what it changes. */
interface Intent extends Omit<ChangeRequest, 'changes'> {
  /** It brings back what the store took before: nothing of that is too late now. */
  readonly restores?: boolean;
}

/** Tells what is wanted, once it is known what there is. */
type Wish = (
  state: StoreState,
  store: EntityStore | undefined,
  transaction: StoreTransaction | undefined,
) => Promise<readonly WantedChange[] | FailedChange> | readonly WantedChange[];

/** A change that nothing stands against. */
interface Ready {
  readonly kind: 'ready';
  readonly revision: Revision;
  readonly changes: readonly EntityChange[];
  readonly state: StoreState;
  readonly config: LoadedConfig;
  readonly warnings: readonly ConfigError[];
}

/** A change of nothing. */
interface Unchanged {
  readonly kind: 'unchanged';
  readonly revision: number;
  readonly changes: readonly EntityChange[];
  readonly warnings: readonly ChangeProblem[];
}

/** Rolls a transaction back, and says with what the change ends. */
class NotApplied extends Error {
  readonly outcome: ChangeOutcome;

  constructor(outcome: ChangeOutcome) {
    super(outcome.kind);
    this.outcome = outcome;
  }
}

/** What the admin API asks of and changes in a configuration that is made of a file and a store. */
export class StoredConfiguration implements ConfigurationManager {
  readonly #options: StoredConfigurationOptions;
  readonly #listing = new Listing();
  readonly #reports: NodeReports;
  #problems: readonly ChangeProblem[] = [];
  #changedAtMs: number | undefined;
  #reporting: NodeJS.Timeout | undefined;

  constructor(options: StoredConfigurationOptions) {
    this.#options = options;
    this.#reports = new NodeReports(options.node, options.nowMs);
  }

  get revision(): number {
    return this.#options.reloader.current.stored.revision;
  }

  get(collection: Collection, name: string): ListedEntity | undefined {
    return this.#listing.get(this.#options.reloader.current, collection, name);
  }

  list(collection: Collection): readonly ListedEntity[] {
    return this.#listing.list(this.#options.reloader.current, collection);
  }

  pendingReason(api: string): string | undefined {
    return this.#options.reloader.current.pendingApis.get(api);
  }

  certificate(name: string): CertificateDescription | undefined {
    const { certificates } = this.#options.reloader.current.dataPlane;
    const pair = Object.hasOwn(certificates, name) ? certificates[name] : undefined;
    return pair === undefined ? undefined : describeCertificate(pair.cert);
  }

  change(request: ChangeRequest): Promise<ChangeOutcome> {
    return this.#inTurn(request, () => request.changes);
  }

  rollback(to: number, request: Omit<ChangeRequest, 'changes'>): Promise<ChangeOutcome> {
    return this.#inTurn({ ...request, restores: true }, async ({ revision }, store, transaction) => {
      const lying =
        transaction === undefined
          ? await store?.between(revision, to)
          : await store?.betweenWithin(transaction, revision, to);
      if (lying === undefined)
        return { kind: 'refused', problems: [problemOf(`revision ${to} is not known, or not any more`)] };
      return lying.map(({ collection, name, after }) => ({ collection, name, value: after }));
    });
  }

  preview(request: PreviewRequest): Promise<Preview> {
    const { reloader, connection } = this.#options;
    // In turn, since loads share what they remember.
    return reloader.inTurn(async () => {
      const state = await this.#options.follower.pull();
      const store = await connection.existing();
      if ('from' in request) return this.#previewBetween(request.from, request.to, state, store);
      const tried = await this.#prepare(
        { author: '', allow: request.allow },
        () => request.changes,
        state,
        store,
        undefined,
      );
      return tried.kind === 'ready'
        ? { kind: 'preview', before: reloader.current, after: tried.config }
        : tried;
    });
  }

  tryFile(file: Readonly<Record<string, unknown>>): Promise<FileTrial> {
    const { reloader, follower, loadOther } = this.#options;
    // In turn, so that it is one at a time.
    return reloader.inTurn(async () => {
      const { name, result } = await loadOther(file, await follower.pull());
      const problems = problemsOf([...(result.ok ? [] : result.errors), ...result.warnings]);
      return {
        before: reloader.current,
        after: result.ok ? result.config : undefined,
        problems: problems.map((found) => (found.file === name ? withoutPlace(found) : found)),
      };
    });
  }

  async revisions({ before, limit }: { readonly before?: number; readonly limit: number }) {
    const store = await this.#options.connection.existing();
    return (await store?.revisions(before, limit)) ?? [];
  }

  async between(from: number, to: number): Promise<readonly EntityChange[] | undefined> {
    if (from === to && from === this.revision) return [];
    const store = await this.#options.connection.existing();
    return store?.between(from, to);
  }

  async nodes(): Promise<readonly NodeStatus[]> {
    const { connection, follower, node, nowMs } = this.#options;
    const own: NodeStatus = {
      node,
      revision: this.revision,
      problems: this.#problems,
      seenAtMs: nowMs(),
      fromSnapshot: follower.fromSnapshot,
    };
    try {
      const store = follower.down === undefined ? await connection.existing() : undefined;
      return store === undefined ? [own] : [own, ...(await this.#reports.others(store))];
    } catch {
      return [own];
    }
  }

  /** When a change was last made by way of this node; milliseconds since 1970. */
  get changedAtMs(): number | undefined {
    return this.#changedAtMs;
  }

  /** Tells what became of a reload: whether this node serves the newest revision, and if not, why. */
  reloaded(outcome: ReloadOutcome<ConfigError>): void {
    const { follower, reloader } = this.#options;
    this.#problems =
      outcome.kind === 'refused'
        ? [...problemsOf(outcome.errors), ...outcome.reasons.map((reason) => problemOf(reason))]
        : [];
    if (outcome.kind !== 'refused') follower.keep(reloader.current.stored);
    // What the workers refuse may do better later; what is wrong stays so.
    else if (outcome.reasons.length > 0) follower.offer(reloader.current.stored.revision);
    this.#reportSoon();
  }

  /** Tells the other nodes how far this one is. Does not reject. */
  async report(): Promise<void> {
    const { connection, follower } = this.#options;
    try {
      const store = follower.down === undefined ? await connection.existing() : undefined;
      if (store !== undefined) await this.#reports.tell(store, this.revision, this.#problems);
    } catch (error) {
      follower.lost(error);
    }
  }

  /** Takes leave of the other nodes, if that does not take long. Does not reject. */
  async close(): Promise<void> {
    clearTimeout(this.#reporting);
    const { connection, follower, log } = this.#options;
    if (follower.down !== undefined) return;
    const leave = async () => {
      const store = await connection.existing();
      if (store !== undefined) await this.#reports.leave(store);
    };
    try {
      await Promise.race([leave(), pause(systemTimers, LEAVE_MS)]);
    } catch (error) {
      log('warn', `the other nodes were not told that this one ends: ${messageOf(error)}`);
    }
  }

  async #inTurn(request: Intent, wish: Wish): Promise<ChangeOutcome> {
    const { reloader, connection, log } = this.#options;
    if (!connection.settings.enabled)
      return {
        kind: 'unavailable',
        reason: 'store.enabled is false: the file alone says what is configured',
      };
    try {
      return await reloader.inTurn((put) => this.#change(request, wish, put));
    } catch (error) {
      if (error instanceof NotApplied) return error.outcome;
      if (error instanceof NoStoreKey)
        return { kind: 'refused', problems: [problemOf(error.message, 'store.key')] };
      const reason = messageOf(error);
      log('error', `a change was not made: ${reason}`);
      return { kind: 'unavailable', reason };
    }
  }

  async #change(request: Intent, wish: Wish, put: Put<LoadedConfig, ConfigError>): Promise<ChangeOutcome> {
    const { connection, follower } = this.#options;
    const existing = await connection.existing();
    if (request.dryRun === true || existing === undefined) {
      // A change that is refused makes no file.
      const tried = await this.#prepare(request, wish, await follower.pull(), existing, undefined);
      if (tried.kind !== 'ready') return tried;
      if (request.dryRun === true) return outcomeOf('planned', tried);
    }
    const store = existing ?? (await connection.open());
    let replaced: LoadedConfig | undefined;
    let effect: ReloadOutcome<ConfigError> | undefined;
    try {
      const ready = await store.database.writing(async (transaction) => {
        await store.database.lock(transaction);
        const state = await store.readWithin(transaction, follower.latest);
        const prepared = await this.#prepare(request, wish, state, store, transaction);
        if (prepared.kind !== 'ready') throw new NotApplied(prepared);
        await store.append(transaction, prepared.revision, prepared.changes, prepared.state);
        await this.#options.record?.(transaction, prepared.revision, prepared.changes, request);
        await store.database.announce(transaction, prepared.revision.number);
        const before = this.#options.reloader.current;
        const outcome = await put(prepared.config, prepared.warnings);
        if (outcome.kind === 'refused')
          throw new NotApplied({
            kind: 'refused',
            problems: outcome.reasons.map((reason) => problemOf(reason)),
          });
        replaced = before;
        effect = outcome;
        return prepared;
      });
      follower.know(ready.state);
      follower.offer(ready.state.revision);
      this.#applied(request, ready, effect);
      return outcomeOf('applied', ready);
    } catch (error) {
      // Whether a commit that failed was one is not known: if it was, the next look at the store puts it into force again.
      // Where that is refused, too, the next look at the store has it read anew.
      if (replaced !== undefined && (await put(replaced)).kind === 'refused') follower.lost(error);
      throw error;
    }
  }

  async #previewBetween(
    from: number,
    to: number,
    state: StoreState,
    store: EntityStore | undefined,
  ): Promise<Preview> {
    const loaded: LoadedConfig[] = [];
    for (const revision of [from, to]) {
      const changes = revision === state.revision ? [] : await store?.between(state.revision, revision);
      if (changes === undefined) return { kind: 'unknown', revision };
      const at = stateAfter(state, { number: revision, atMs: 0, author: '', message: undefined }, changes);
      const result = await this.#options.load(at);
      if (!result.ok) return { kind: 'refused', problems: problemsOf(result.errors) };
      loaded.push(result.config);
    }
    const [before, after] = loaded as [LoadedConfig, LoadedConfig];
    return { kind: 'preview', before, after };
  }

  /** Checks all that can be checked before something is written. */
  async #prepare(
    { author, message, allow, follows, restores }: Intent,
    wish: Wish,
    state: StoreState,
    store: EntityStore | undefined,
    transaction: StoreTransaction | undefined,
  ): Promise<Ready | Unchanged | FailedChange> {
    const { load, nowMs, reloader } = this.#options;
    if (follows !== undefined && follows !== state.revision)
      return { kind: 'outdated', revision: state.revision };
    const wanted = await wish(state, store, transaction);
    if ('kind' in wanted) return wanted;
    const plan = planChanges(wanted, state, reloader.current);
    if (plan.kind !== 'planned') return plan;
    const { changes } = plan;
    if (changes.length === 0)
      return { kind: 'unchanged', revision: state.revision, changes: [], warnings: [] };
    const reason = allow?.(changes);
    if (reason !== undefined) return { kind: 'forbidden', reason };
    const revision: Revision = { number: state.revision + 1, atMs: nowMs(), author, message };
    const after = stateAfter(state, revision, changes);
    const loaded = await load(after, restores === true ? undefined : newCertificates(changes));
    if (!loaded.ok) return { kind: 'refused', problems: problemsOf(loaded.errors) };
    return {
      kind: 'ready',
      revision,
      changes,
      state: after,
      config: loaded.config,
      warnings: loaded.warnings,
    };
  }

  #applied(
    { author }: Intent,
    { revision, state }: Ready,
    effect: ReloadOutcome<ConfigError> | undefined,
  ): void {
    const { follower, log } = this.#options;
    const what = effect?.kind === 'applied' ? describeChanges(effect.changes) : 'nothing';
    log('info', `revision ${revision.number} (${author}): ${what}`);
    this.#problems = [];
    this.#changedAtMs = revision.atMs;
    follower.keep(state);
    this.#reportSoon();
  }

  /** A burst of changes is told of once. */
  #reportSoon(): void {
    this.#reporting ??= setTimeout(() => {
      this.#reporting = undefined;
      void this.report();
    }, REPORT_DELAY_MS).unref();
  }
}

/** It is known to whoever has the file: what was tried is not written as that is. */
function withoutPlace({ severity, path, message, suggestion }: ChangeProblem): ChangeProblem {
  return { severity, path, message, ...(suggestion === undefined ? undefined : { suggestion }) };
}

function newCertificates(changes: readonly EntityChange[]): ReadonlySet<string> {
  return new Set(
    changes.flatMap(({ collection, name, before, after }) =>
      collection === 'certificates' && after?.['cert'] !== before?.['cert'] ? [name] : [],
    ),
  );
}

function outcomeOf(kind: 'applied' | 'planned', { revision, changes, warnings }: Ready): ChangeOutcome {
  return {
    kind,
    revision: kind === 'planned' ? revision.number - 1 : revision.number,
    changes,
    warnings: problemsOf(warnings),
  };
}
