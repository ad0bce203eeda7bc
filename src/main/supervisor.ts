import type { DataPlaneConfig } from '../server/config.ts';
import type { Log, News, WorkerNews, WorkerOutput, WorkerStats } from './messages.ts';
import { type ListenerAddress, PortChooser } from './ports.ts';
import { type Death, type Reply, WorkerLink, type WorkerThread } from './worker-link.ts';

/** Every time that supervision goes by, in one place: docs/operations.md names them. */
export const SUPERVISION = {
  /** Between two questions whether a worker is alive. */
  heartbeatMs: 5_000,
  /** Unanswered heartbeats after which a worker is reported: 10 s. */
  reportAfterBeats: 2,
  /** Unanswered heartbeats after which a worker is replaced: 60 s. */
  replaceAfterBeats: 12,
  /** The first death is answered at once; each further one waits twice as long as the one before. */
  firstBackOffMs: 100,
  longestBackOffMs: 10_000,
  /** A worker that served this long starts with a clean record. */
  cleanRecordMs: 60_000,
  /** Longest time for a worker to compile a configuration and bind its listeners. */
  prepareMs: 30_000,
} as const;

export interface SupervisorOptions {
  /** At least 1; more than 1 needs `reusePort`. */
  readonly workers: number;
  readonly reusePort: boolean;
  readonly spawn: (workerId: number) => WorkerThread;
  readonly log: Log;
  /** What workers say that is not about supervision. */
  readonly deliver: (workerId: number, output: WorkerOutput) => void;
  /** What every thread is told before anything else: the targets of services as they are now. */
  readonly greeting: () => readonly News[];
  /** After a worker has died: give back what it held in shared memory. */
  readonly onDeath?: (workerId: number) => void;
}

export type ApplyResult = { readonly ok: true } | { readonly ok: false; readonly reasons: readonly string[] };

export interface SupervisorStatus {
  readonly workers: number;
  readonly serving: number;
  readonly deaths: number;
  readonly connections: number;
  readonly requestsInFlight: number;
}

/** A configuration in force, with the number that commit and discard name it by. */
interface Generation {
  readonly number: number;
  readonly config: DataPlaneConfig;
}

/** The place of one worker; threads come and go in it. */
interface Slot {
  readonly id: number;
  state: 'empty' | 'starting' | 'serving' | 'backOff';
  link: WorkerLink | undefined;
  /** Settles when a replacement serves or has failed. */
  comingUp: Promise<void>;
  backOff: NodeJS.Timeout | undefined;
  deathsInARow: number;
  servingSince: number;
  /** Number of the configuration that it serves. */
  generation: number;
  unansweredBeats: number;
  stats: WorkerStats;
}

/** A worker as it was when a configuration was put to it. */
interface Participant {
  readonly slot: Slot;
  readonly link: WorkerLink;
}

const NO_STATS: WorkerStats = { connections: 0, requestsInFlight: 0 };

/** Milliseconds before the n-th death in a row is answered with a new worker; n counts from 1. */
export function backOffMs(deathsInARow: number): number {
  if (deathsInARow <= 1) return 0;
  return Math.min(SUPERVISION.longestBackOffMs, SUPERVISION.firstBackOffMs * 2 ** (deathsInARow - 2));
}

/**
 * Keeps the workers alive and of one mind: a configuration is prepared by all of them before any serves it, and a worker
 * that dies is replaced by one that serves the configuration in force.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #slots: readonly Slot[];
  readonly #ports: PortChooser;
  #committed: Generation | undefined;
  #lastGeneration = 0;
  #deaths = 0;
  #stopping = false;
  #heartbeat: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#ports = new PortChooser(options.reusePort);
    this.#slots = Array.from({ length: options.workers }, (_, id) => ({
      id,
      state: 'empty' as const,
      link: undefined,
      comingUp: Promise.resolve(),
      backOff: undefined,
      deathsInARow: 0,
      servingSince: 0,
      generation: 0,
      unansweredBeats: 0,
      stats: NO_STATS,
    }));
  }

  /** Where the listeners of the configuration in force are, by name. */
  get addresses(): Readonly<Record<string, ListenerAddress>> {
    const listeners = this.#committed?.config.listeners ?? {};
    return Object.fromEntries(
      Object.entries(listeners).map(([name, { address, port }]) => [name, { address, port }]),
    );
  }

  status(): SupervisorStatus {
    let serving = 0;
    let connections = 0;
    let requestsInFlight = 0;
    for (const slot of this.#slots) {
      if (slot.state === 'serving') serving++;
      connections += slot.stats.connections;
      requestsInFlight += slot.stats.requestsInFlight;
    }
    return { workers: this.#slots.length, serving, deaths: this.#deaths, connections, requestsInFlight };
  }

  /**
   * Puts a configuration into force in all workers or in none; the first call starts them. One call at a time: the reload
   * queue sees to that.
   */
  async apply(config: DataPlaneConfig): Promise<ApplyResult> {
    await this.#settled();
    const ports = await this.#ports.choose(config).catch((error: Error) => error);
    if (ports instanceof Error) return { ok: false, reasons: [ports.message] };
    const next: Generation = { number: ++this.#lastGeneration, config: ports.config };

    const taking = this.#participants();
    const replies = await Promise.all(
      taking.map(({ link }) => link.prepare(next.number, next.config, SUPERVISION.prepareMs)),
    );
    const reasons = refusals(replies);
    if (reasons.length > 0 || this.#stopping) {
      for (const participant of taking) this.#giveUp(participant, next.number);
      await ports.release();
      return { ok: false, reasons: reasons.length > 0 ? reasons : ['the gateway is stopping'] };
    }

    this.#committed = next;
    for (const { slot, link } of taking) if (slot.link === link) this.#serve(slot, link, next.number);
    await ports.keep();
    // What came up while the others prepared serves the configuration before this one.
    for (const slot of this.#slots)
      if (slot.state === 'serving' && slot.generation !== next.number) this.#bringUp(slot);
    this.#heartbeat ??= setInterval(() => this.#beat(), SUPERVISION.heartbeatMs).unref();
    return { ok: true };
  }

  /** Tells every thread that lives. */
  tell(news: News): void {
    for (const link of this.#links()) link.tell(news);
  }

  /** Lets every worker finish its requests within the limit, then ends the threads. Resolves when none is left. */
  async drain(limitMs: number): Promise<void> {
    this.#stop();
    await Promise.all(this.#links().map((link) => link.drain(limitMs)));
    await this.#terminateAll();
  }

  /** Ends the threads at once. */
  async close(): Promise<void> {
    this.#stop();
    await this.#terminateAll();
  }

  /** Waits until no worker is coming up: a replacement prepares the configuration in force, and it prepares one at a time. */
  async #settled(): Promise<void> {
    for (;;) {
      const starting = this.#slots.filter((slot) => slot.state === 'starting');
      if (starting.length === 0) return;
      await Promise.all(starting.map((slot) => slot.comingUp));
    }
  }

  #stop(): void {
    this.#stopping = true;
    clearInterval(this.#heartbeat);
    for (const slot of this.#slots) clearTimeout(slot.backOff);
  }

  async #terminateAll(): Promise<void> {
    await Promise.all(this.#links().map((link) => link.terminate()));
  }

  /** Of the threads that live. */
  #links(): WorkerLink[] {
    return this.#slots.flatMap(({ link }) => (link === undefined ? [] : [link]));
  }

  /** The workers that a new configuration is put to: those that serve, or new ones where none does. */
  #participants(): Participant[] {
    const serving = this.#slots.flatMap((slot) =>
      slot.state === 'serving' && slot.link !== undefined ? [{ slot, link: slot.link }] : [],
    );
    if (serving.length > 0) return serving;
    // The configuration in force may be what kills the workers, so the new one does not wait for the back-off to end.
    return this.#slots.map((slot) => {
      clearTimeout(slot.backOff);
      return { slot, link: this.#spawn(slot) };
    });
  }

  #spawn(slot: Slot): WorkerLink {
    const link = new WorkerLink(this.#options.spawn(slot.id), (message) => this.#receive(slot, message));
    for (const news of this.#options.greeting()) link.tell(news);
    slot.link = link;
    slot.state = 'starting';
    slot.unansweredBeats = 0;
    void link.exited.then((death) => this.#died(slot, link, death));
    return link;
  }

  #serve(slot: Slot, link: WorkerLink, generation: number): void {
    link.commit(generation);
    if (slot.state !== 'serving') slot.servingSince = Date.now();
    slot.state = 'serving';
    slot.generation = generation;
  }

  /** A worker that serves goes on with what it has; one that never served ends, and its exit is answered as a death. */
  #giveUp({ slot, link }: Participant, generation: number): void {
    // Another link: it died meanwhile, and its successor has nothing to do with this.
    if (slot.link !== link) return;
    if (slot.state === 'serving') link.discard(generation);
    else slot.comingUp = this.#end(link);
  }

  async #end(link: WorkerLink): Promise<void> {
    await link.terminate();
    await link.exited;
  }

  /** Takes a worker to the configuration in force, however often that changes meanwhile. */
  #bringUp(slot: Slot): void {
    const link = slot.link ?? this.#spawn(slot);
    slot.comingUp = this.#converge(slot, link);
  }

  async #converge(slot: Slot, link: WorkerLink): Promise<void> {
    for (;;) {
      const target = this.#committed;
      if (target === undefined) return;
      const reply = await link.prepare(target.number, target.config, SUPERVISION.prepareMs);
      if (slot.link !== link || this.#stopping) return;
      if (!reply.ok) {
        this.#options.log(
          'error',
          `worker ${slot.id} cannot serve the configuration in force: ${reply.reason}`,
        );
        await this.#end(link);
        return;
      }
      if (target === this.#committed) {
        if (slot.state === 'starting') this.#options.log('info', `worker ${slot.id} serves again`);
        this.#serve(slot, link, target.number);
        return;
      }
      link.discard(target.number);
    }
  }

  #died(slot: Slot, link: WorkerLink, { reason, stack }: Death): void {
    if (slot.link !== link) return;
    const servedLong =
      slot.state === 'serving' && Date.now() - slot.servingSince >= SUPERVISION.cleanRecordMs;
    slot.link = undefined;
    slot.state = 'empty';
    slot.stats = NO_STATS;
    this.#options.onDeath?.(slot.id);
    if (this.#stopping) return;
    this.#deaths++;
    slot.deathsInARow = servedLong ? 1 : slot.deathsInARow + 1;
    // Before the first configuration is in force there is nothing to come up with: the caller of `apply` decides.
    if (this.#committed === undefined) return;
    const delayMs = backOffMs(slot.deathsInARow);
    this.#options.log(
      'error',
      `worker ${slot.id} died and is replaced ${delayMs === 0 ? 'at once' : `in ${delayMs} ms`}`,
      {
        reason,
        deaths: this.#deaths,
        stack,
      },
    );
    if (delayMs === 0) {
      this.#bringUp(slot);
      return;
    }
    slot.state = 'backOff';
    slot.backOff = setTimeout(() => this.#bringUp(slot), delayMs);
  }

  #receive(slot: Slot, message: WorkerNews): void {
    switch (message.kind) {
      case 'pong':
        if (slot.unansweredBeats > SUPERVISION.reportAfterBeats) {
          this.#options.log('info', `worker ${slot.id} answers again`);
        }
        slot.unansweredBeats = 0;
        slot.stats = message.stats;
        return;
      case 'log':
      case 'accessLog':
      case 'metrics':
        this.#options.deliver(slot.id, message);
        return;
    }
  }

  /** Counts beats, not time: a machine that was suspended does not make every worker look dead. */
  #beat(): void {
    for (const slot of this.#slots) {
      if (slot.state !== 'serving' || slot.link === undefined) continue;
      const seconds = (slot.unansweredBeats * SUPERVISION.heartbeatMs) / 1000;
      if (slot.unansweredBeats === SUPERVISION.reportAfterBeats) {
        this.#options.log(
          'warn',
          `worker ${slot.id} has not answered for ${seconds} s: something blocks its event loop`,
        );
      } else if (slot.unansweredBeats === SUPERVISION.replaceAfterBeats) {
        this.#options.log('error', `worker ${slot.id} has not answered for ${seconds} s and is ended`);
        void slot.link.terminate();
      }
      slot.unansweredBeats++;
      slot.link.ping();
    }
  }
}

/** What stands against a configuration, each reason once: workers mostly refuse for the same one. */
function refusals(replies: readonly Reply[]): string[] {
  return [...new Set(replies.flatMap((reply) => (reply.ok ? [] : [reply.reason])))];
}
