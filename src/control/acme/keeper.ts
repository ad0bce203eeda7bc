import { messageOf } from '../../lib/message-of.ts';
import { pause, type Timers } from '../../lib/timers.ts';
import type { ChallengesNews } from '../../server/challenges.ts';
import type { CertificatePair } from '../../server/tls/certificate-table.ts';
import { digest } from '../config/files.ts';
import { ChallengeAnswers } from './challenge-answers.ts';
import { Handover } from './handover.ts';
import type { issueCertificate } from './issue.ts';
import type { Challenge } from './order.ts';
import { AcmeProblem } from './problem.ts';
import type { askRenewalInfo } from './renewal-info.ts';
import { renewalTime } from './renewal-time.ts';
import { Renewals } from './renewals.ts';
import { retryDelayMs } from './retry-delay.ts';
import type { AcmeSettings } from './schema.ts';
import type { AcmeState, AcmeStorage, CertificateRecord, FailureRecord } from './storage.ts';

/** Between two looks whether another node changed something, or something is due. */
export const LOOK_MS = 1000;
/** A node that orders says so this often at least; one that died is waited for as long. */
const LEASE_MS = 30_000;
/** Challenges of a node that died in the middle are forgotten after that. */
const CHALLENGE_MS = 15 * 60_000;
/** How long other nodes need to hear of a challenge, and the threads of this one. */
const OTHERS_HEAR_MS = 2 * LOOK_MS + 500;
const WORKERS_HEAR_MS = 50;

export interface AcmeKeeperOptions {
  /** Opens it; called once, when something is to be kept. */
  readonly storage: () => Promise<AcmeStorage>;
  /** Of this process among all that share the storage. */
  readonly node: string;
  readonly issue: typeof issueCertificate;
  readonly askRenewalInfo: typeof askRenewalInfo;
  readonly userAgent: string;
  readonly timers: Timers;
  /** Now, in milliseconds since 1970. */
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly log: (level: 'info' | 'warn' | 'error', message: string) => void;
  /** Other answers than before: for every worker. */
  readonly publish: (news: ChallengesNews) => void;
  /** Other certificates than those that `pairs` gave: to be put into force. Resolves with why they are refused, undefined where they are not. */
  readonly changed: () => Promise<string | undefined>;
}

/** How it stands with a certificate. */
export interface AcmeStatus {
  readonly name: string;
  /** `pending`: there is none yet; `error`: the last order failed, whether or not there is a certificate, or the workers refuse it. */
  readonly state: 'pending' | 'ready' | 'error';
  /** Milliseconds since 1970, of what there is. */
  readonly renewAtMs: number | undefined;
  /** Whether this node serves the certificate that was issued last. */
  readonly isServed: boolean;
  /** Why the last order failed, as the authority says, or why the certificate is not served. */
  readonly reason: string | undefined;
  /** Orders that failed since the last one that did not. */
  readonly failures: number;
  readonly retryAtMs: number | undefined;
  /** Orders of this node since it was started. */
  readonly orders: { readonly issued: number; readonly failed: number };
}

interface Entry {
  readonly settings: AcmeSettings;
  /** Of what is in the certificate. */
  readonly ordered: string;
  /** Of everything that an order depends on. */
  readonly digest: string;
}

const NOTHING: AcmeState = { version: -1, certificates: new Map(), failures: new Map(), challenges: [] };

/** The same is not ordered again before: nodes that do not agree what to order would do so without end, as would one whose clock is wrong. */
const REPEAT_MS = 600_000;

/**
 * Keeps the certificates that come by ACME: has them ordered when there is none, renewed when two thirds of their life are over, and tried
 * again after a failure; hands them out; and has every worker of every node answer challenges. All nodes that share the storage look
 * into it once a second; which of them orders is settled by a lease.
 */
export class AcmeKeeper {
  /** What this node ordered last, by name. */
  readonly #lastIssued = new Map<string, { readonly ordered: string; readonly atMs: number }>();
  readonly #options: AcmeKeeperOptions;
  readonly #answers: ChallengeAnswers;
  readonly #closed = new AbortController();
  readonly #standIns = new Map<string, Promise<CertificatePair>>();
  readonly #orders = new Map<string, { issued: number; failed: number }>();
  readonly #handover: Handover;
  readonly #renewals: Renewals;
  /** What was issued and could not be written down yet, by name. */
  readonly #unsaved = new Map<string, CertificateRecord>();
  /** Those of this node, which hold also where they could not be written down. */
  readonly #failures = new Map<string, FailureRecord>();
  #storage: Promise<AcmeStorage> | undefined;
  #refreshing: Promise<boolean> = Promise.resolve(true);
  #entries: ReadonlyMap<string, Entry> = new Map();
  #state: AcmeState = NOTHING;
  #working: Promise<void> | undefined;
  #cancelLook: (() => void) | undefined;
  #looking = false;
  #isAway = false;

  constructor(options: AcmeKeeperOptions) {
    this.#options = options;
    this.#answers = new ChallengeAnswers(options.nowMs, options.publish);
    this.#handover = new Handover({ ask: options.changed, nowMs: options.nowMs, log: options.log });
    this.#renewals = new Renewals({
      ask: options.askRenewalInfo,
      userAgent: options.userAgent,
      signal: this.#closed.signal,
      nowMs: options.nowMs,
      log: options.log,
    });
  }

  /**
   * What to serve for these: what was issued, or else something that nobody vouches for. Never waits for an ACME server, nor fails where
   * the storage is away.
   */
  async pairs(wanted: Readonly<Record<string, AcmeSettings>>): Promise<Record<string, CertificatePair>> {
    await this.#refresh();
    const pairs = Object.entries(wanted).map(async ([name, { hosts }]) => {
      const issued = this.#state.certificates.get(name);
      const pair =
        issued === undefined ? await this.#standIn(name, hosts) : { cert: issued.cert, key: issued.key };
      this.#handover.offer(name, pair.cert);
      return [name, pair] as const;
    });
    return Object.fromEntries(await Promise.all(pairs));
  }

  /** What `pairs` gave is in force. From now on these are kept, and no others. */
  keep(wanted: Readonly<Record<string, AcmeSettings>>): void {
    this.#handover.accepted();
    this.#entries = new Map(Object.entries(wanted).map(([name, settings]) => [name, entryOf(settings)]));
    for (const name of this.#standIns.keys()) if (!this.#entries.has(name)) this.#standIns.delete(name);
    if (this.#entries.size > 0 && !this.#looking && this.#cancelLook === undefined) this.#lookIn(0);
  }

  status(): readonly AcmeStatus[] {
    return Array.from(this.#entries, ([name, entry]) => {
      const certificate = this.#state.certificates.get(name);
      const isServed = certificate !== undefined && this.#handover.isServed(name, certificate.cert);
      const refusal = certificate === undefined || isServed ? undefined : this.#handover.refusal;
      const failure = this.#failureOf(name, entry);
      const trouble = failure ?? refusal;
      return {
        name,
        state: trouble === undefined ? (certificate === undefined ? 'pending' : 'ready') : 'error',
        renewAtMs: certificate && this.#renewals.atMs(certificate, entry.settings),
        isServed,
        reason: trouble?.reason,
        failures: failure?.failures ?? 0,
        retryAtMs: trouble?.retryAtMs,
        orders: { ...this.#ordersOf(name) },
      };
    });
  }

  /** What a worker that is new is to be told. */
  news(): readonly ChallengesNews[] {
    return this.#answers.current;
  }

  /** Ends what is under way. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#cancelLook?.();
    await this.#working;
    const storage = await this.#storage?.catch(() => undefined);
    await storage?.release(this.#options.node).catch(() => {});
  }

  #standIn(name: string, hosts: readonly string[]): Promise<CertificatePair> {
    const known = this.#standIns.get(name);
    if (known !== undefined) return known;
    const made = import('./certificate-maker.ts').then(({ makeStandIn }) =>
      makeStandIn(hosts, this.#options.nowMs()),
    );
    this.#standIns.set(name, made);
    return made;
  }

  #lookIn(delayMs: number): void {
    this.#cancelLook = this.#options.timers.after(delayMs, () => {
      this.#cancelLook = undefined;
      this.#looking = true;
      void this.#look().finally(() => {
        this.#looking = false;
        if (!this.#closed.signal.aborted && (this.#entries.size > 0 || this.#working !== undefined))
          this.#lookIn(LOOK_MS);
      });
    });
  }

  async #look(): Promise<void> {
    if (!(await this.#refresh())) return;
    this.#renewals.look(this.#asOrdered());
    try {
      if (this.#working !== undefined) await this.#lease();
      else if (this.#nextDue() !== undefined && (await this.#lease())) await this.#begin();
    } catch (error) {
      this.#away(error);
    }
  }

  /** Another node may have done it before this one had the lease. */
  async #begin(): Promise<void> {
    if (!(await this.#refresh())) return;
    const due = this.#nextDue();
    if (due === undefined || this.#closed.signal.aborted) return;
    this.#working = this.#order(...due).finally(() => {
      this.#working = undefined;
    });
  }

  async #lease(): Promise<boolean> {
    const storage = await this.#opened();
    return storage.lease(this.#options.node, LEASE_MS);
  }

  /** Takes over what other nodes, or this one, changed. Whether the storage could be asked. One at a time, lest what is older come later. */
  #refresh(): Promise<boolean> {
    this.#refreshing = this.#refreshing.then(() => this.#refreshNow());
    return this.#refreshing;
  }

  async #refreshNow(): Promise<boolean> {
    try {
      const storage = await this.#opened();
      if ((await storage.version()) !== this.#state.version) {
        this.#state = await storage.read();
        this.#forgetWhatIsOver();
        await this.#answers.replace(this.#state.challenges);
      }
      if (this.#isOther()) void this.#handover.press();
    } catch (error) {
      this.#away(error);
      if (this.#state === NOTHING) await this.#recall();
      return false;
    }
    if (this.#isAway) this.#options.log('info', 'certificates by ACME: the store can be used again');
    this.#isAway = false;
    return true;
  }

  /** What another node has issued since makes good what failed here, and what could not be written down here. */
  #forgetWhatIsOver(): void {
    for (const [name, { issuedAtMs }] of this.#state.certificates) {
      if ((this.#failures.get(name)?.atMs ?? Infinity) <= issuedAtMs) this.#failures.delete(name);
      if ((this.#unsaved.get(name)?.issuedAtMs ?? Infinity) <= issuedAtMs) this.#unsaved.delete(name);
    }
  }

  #away(error: unknown): void {
    if (!this.#isAway && !this.#closed.signal.aborted)
      this.#options.log('warn', `certificates by ACME: the store cannot be used: ${messageOf(error)}`);
    this.#isAway = true;
  }

  #opened(): Promise<AcmeStorage> {
    this.#storage ??= this.#options.storage().catch((error: unknown) => {
      this.#storage = undefined;
      throw error;
    });
    return this.#storage;
  }

  /** Starts with what an earlier process knew. */
  async #recall(): Promise<void> {
    const storage = await this.#opened().catch(() => undefined);
    const certificates = await storage?.lastKnown().catch(() => undefined);
    if (certificates !== undefined) this.#state = { ...NOTHING, certificates };
  }

  /** Whether another certificate is served than there is. */
  #isOther(): boolean {
    return [...this.#entries.keys()].some((name) => {
      const cert = this.#state.certificates.get(name)?.cert;
      return cert !== undefined && !this.#handover.isServed(name, cert);
    });
  }

  /** The certificates that are what is wanted. */
  *#asOrdered(): Generator<readonly [CertificateRecord, AcmeSettings]> {
    for (const [name, { settings, ordered }] of this.#entries) {
      const certificate = this.#state.certificates.get(name);
      if (certificate?.ordered === ordered) yield [certificate, settings];
    }
  }

  #nextDue(): readonly [name: string, entry: Entry] | undefined {
    const nowMs = this.#options.nowMs();
    return [...this.#entries].find(([name, entry]) => {
      const certificate = this.#state.certificates.get(name);
      const isWanted =
        certificate?.ordered !== entry.ordered ||
        (this.#renewals.isKnown(certificate) && this.#renewals.atMs(certificate, entry.settings) <= nowMs);
      if (!isWanted || (this.#failureOf(name, entry)?.retryAtMs ?? 0) > nowMs) return false;
      const last = this.#unsaved.has(name) ? undefined : this.#lastIssued.get(name);
      return last === undefined || last.ordered !== entry.ordered || nowMs - last.atMs >= REPEAT_MS;
    });
  }

  /** What failed with other settings says nothing of these. */
  #failureOf(name: string, entry: Entry): FailureRecord | undefined {
    const known = [this.#failures.get(name), this.#state.failures.get(name)];
    return known.find((failure) => failure?.settings === entry.digest);
  }

  /** Never rejects. */
  async #order(name: string, entry: Entry): Promise<void> {
    const { node } = this.#options;
    try {
      const storage = await this.#opened();
      try {
        await this.#issue(name, entry, storage);
      } catch (error) {
        if (this.#closed.signal.aborted) return;
        await storage.saveFailure(this.#failed(name, entry, error));
      } finally {
        await storage.saveChallenges(name, [], CHALLENGE_MS);
      }
      await this.#refresh();
      if (this.#nextDue() === undefined) await storage.release(node);
    } catch (error) {
      this.#away(error);
    }
  }

  async #issue(name: string, entry: Entry, storage: AcmeStorage): Promise<void> {
    const unsaved = this.#unsaved.get(name);
    const isOfUse = unsaved?.ordered === entry.ordered && unsaved.renewAtMs > this.#options.nowMs();
    const record = isOfUse ? unsaved : await this.#issued(name, entry, storage);
    // An authority counts what it issues, so that it is written down later rather than ordered again.
    this.#unsaved.set(name, record);
    await storage.saveCertificate(record);
    this.#unsaved.delete(name);
    this.#failures.delete(name);
    this.#ordersOf(name).issued++;
    const when = new Date(record.renewAtMs).toISOString();
    this.#options.log('info', `certificate ${name}: issued, to be renewed at ${when}`);
  }

  async #issued(
    name: string,
    { settings, ordered }: Entry,
    storage: AcmeStorage,
  ): Promise<CertificateRecord> {
    const { log, timers, nowMs, random, issue, userAgent } = this.#options;
    log('info', `certificate ${name}: ordered at ${settings.directory}`);
    const before = this.#state.certificates.get(name);
    const { cert, key } = await issue(settings, {
      storage: {
        account: (id) => whileOrdering(storage.account(id)),
        saveAccount: (account) => whileOrdering(storage.saveAccount(account)),
      },
      replaces: before?.ordered === ordered ? before.cert : undefined,
      userAgent,
      timers,
      nowMs,
      publish: (challenges) => whileOrdering(this.#publish(storage, name, challenges)),
      signal: this.#closed.signal,
    });
    const renewAtMs = renewalTime(cert, settings.renewBefore, random);
    this.#lastIssued.set(name, { ordered, atMs: nowMs() });
    return { name, ordered, cert, key, issuedAtMs: nowMs(), renewAtMs };
  }

  #failed(name: string, entry: Entry, error: unknown): FailureRecord {
    const { nowMs, random, log } = this.#options;
    const reason = messageOf(error);
    // What is there and only has to be written down waits for no authority.
    const type = this.#unsaved.has(name) ? 'unreachable' : 'internal';
    const problem = error instanceof AcmeProblem ? error : new AcmeProblem(type, reason);
    const failures = (this.#failureOf(name, entry)?.failures ?? 0) + 1;
    const atMs = nowMs();
    const retryAtMs = atMs + Math.round(retryDelayMs(problem, failures, random));
    const when = `tried again at ${new Date(retryAtMs).toISOString()}`;
    log('error', `certificate ${name}: the order failed: ${reason}; ${when}`);
    this.#ordersOf(name).failed++;
    const failure = { name, settings: entry.digest, failures, reason, atMs, retryAtMs };
    this.#failures.set(name, failure);
    return failure;
  }

  /** Resolves once every node can be asked. */
  async #publish(storage: AcmeStorage, name: string, challenges: readonly Challenge[]): Promise<void> {
    await storage.saveChallenges(name, challenges, CHALLENGE_MS);
    await this.#refresh();
    const delayMs = storage.isShared ? OTHERS_HEAR_MS : WORKERS_HEAR_MS;
    await pause(this.#options.timers, delayMs, this.#closed.signal);
  }

  #ordersOf(name: string): { issued: number; failed: number } {
    let orders = this.#orders.get(name);
    if (orders === undefined) this.#orders.set(name, (orders = { issued: 0, failed: 0 }));
    return orders;
  }
}

/** No authority counts it as a failure that the store is away amid an order: it is tried again as soon as after an outage of theirs. */
async function whileOrdering<Result>(asked: Promise<Result>): Promise<Result> {
  try {
    return await asked;
  } catch (error) {
    throw new AcmeProblem('unreachable', `the store cannot be used: ${messageOf(error)}`);
  }
}

function entryOf(settings: AcmeSettings): Entry {
  const { directory, hosts, keyType } = settings;
  return {
    settings,
    ordered: digest(JSON.stringify([directory, hosts, keyType])),
    digest: digest(JSON.stringify(settings)),
  };
}
