import { randomBytes } from 'node:crypto';
import type { Decision, Limit, Limiter, Verdict } from '../limiter.ts';
import type { Companion } from './companion.ts';
import type { Asker, RedisConnection } from './connection.ts';
import { add, FIGURES, type Figures, figuresAt, find, leave, NO_FIGURES } from './figures.ts';
import { KeyNames } from './key-names.ts';
import { LEASE_MS } from './script.ts';

/**
 * Counts in Redis, exactly and for all nodes together: one script decides about all limits of a request. What is under way is counted by
 * leases, which are renewed while it lasts: those of a node that died end by themselves.
 */
export class RedisLimiter implements Limiter {
  readonly isInstant = false;
  readonly takesAlong = true;
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #tickets = new Tickets();
  readonly #renewal: NodeJS.Timeout;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#renewal = setInterval(() => this.renew(), LEASE_MS / 3);
    this.#renewal.unref();
  }

  decision(limits: readonly Limit[]): Decision {
    const charges = limits.map((limit) => new RedisCharge(limit, new KeyNames(this.#prefix, limit)));
    return new RedisDecision(charges, this.#connection, this.#tickets);
  }

  /** Says of everything that is under way that it still is. Also a Redis that forgot all knows it again then. */
  renew(): void {
    for (const charge of this.#tickets.taken)
      this.#connection.ask(['1', charge.name, 'force', ...charge.settings, charge.ticket], FORGETFUL);
  }

  close(): void {
    clearInterval(this.#renewal);
  }
}

/** For who need not know. */
const FORGETFUL: Asker = {
  answered: (reply) => Array.isArray(reply),
  unanswered() {},
  late() {},
};

/** Names what is under way, no two alike in any worker or node, and knows what is. */
class Tickets {
  readonly taken = new Set<RedisCharge>();
  readonly #owner = randomBytes(9).toString('base64url');
  #last = 0;

  next(): string {
    return `${this.#owner}:${++this.#last}`;
  }
}

class RedisCharge {
  readonly limit: Limit;
  /** Algorithm, quota, window and burst as the script's arguments. */
  readonly settings: readonly string[];
  readonly isConcurrency: boolean;
  key = '';
  cost = 1;
  admitted = true;
  remaining = 0;
  resetMs = 0;
  retryAfterMs = 0;
  /** In Redis. */
  name = '';
  /** Of concurrency: what gives it back. */
  ticket = '';
  figures: Figures = NO_FIGURES;
  readonly #names: KeyNames;
  #named = '';

  constructor(limit: Limit, names: KeyNames) {
    this.limit = limit;
    this.#names = names;
    const { algorithm, quota, windowMs, burst } = limit;
    this.settings = [algorithm, `${quota}`, `${windowMs}`, `${burst}`];
    this.isConcurrency = algorithm === 'concurrency';
  }

  /** A key that stays, such as a route's, is named once. */
  prepare(): void {
    if (this.key === this.#named) return;
    this.name = this.#names.nameOf(this.key);
    this.#named = this.key;
  }
}

class RedisDecision implements Decision {
  readonly charges: readonly RedisCharge[];
  readonly #connection: RedisConnection;
  readonly #tickets: Tickets;
  /** Those with a key. */
  readonly #asked: RedisCharge[] = [];
  #along: Companion | undefined;

  constructor(charges: readonly RedisCharge[], connection: RedisConnection, tickets: Tickets) {
    this.charges = charges;
    this.#connection = connection;
    this.#tickets = tickets;
  }

  take(along?: Companion): Verdict | Promise<Verdict> {
    this.#along = along;
    const asked = this.#asked;
    asked.length = 0;
    for (const charge of this.charges) {
      charge.admitted = true;
      if (charge.key === '') continue;
      charge.prepare();
      if (charge.isConcurrency) charge.ticket = this.#tickets.next();
      asked.push(charge);
    }
    if (asked.length === 0 && along === undefined) return 'taken';
    if (!this.#connection.isUp) return this.unavailable();
    const keys = asked.map(({ name }) => name);
    const operands = ['ask'];
    for (const charge of asked)
      operands.push(...charge.settings, charge.isConcurrency ? charge.ticket : `${charge.cost}`);
    along?.addTo(keys, operands);
    operands.unshift(`${keys.length}`, ...keys);
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#connection.ask(operands, new Taking(this, resolve, this.#connection));
    return promise;
  }

  correct(units: number): void {
    const counted = this.#asked.filter(({ isConcurrency }) => !isConcurrency);
    if (counted.length === 0) return;
    const operands = [`${counted.length}`, ...counted.map(({ name }) => name), 'force'];
    for (const charge of counted) {
      operands.push(...charge.settings, `${units}`);
      charge.figures = add(charge, charge.figures, units);
      leave(charge, charge.figures);
    }
    this.#connection.ask(operands, FORGETFUL);
  }

  release(): void {
    for (const charge of this.#asked) {
      if (!this.#tickets.taken.delete(charge)) continue;
      this.#connection.tell(['ZREM', charge.name, charge.ticket]);
    }
    this.#asked.length = 0;
  }

  /** What the script answered; undefined where it is nothing that it answers. */
  read(reply: unknown): Verdict | undefined {
    const asked = this.#asked;
    const along = this.#along;
    if (!Array.isArray(reply) || reply.length !== lengthFor(asked) + (along?.figures ?? 0)) return undefined;
    const [taken] = reply;
    if (taken !== 0 && taken !== 1) return undefined;
    let at = 1;
    for (const charge of asked) {
      const { algorithm } = charge.limit;
      const figures = figuresAt(reply, at, algorithm);
      if (figures === undefined) return undefined;
      at += FIGURES[algorithm];
      charge.figures = figures;
      if (taken === 1) leave(charge, figures);
      else charge.admitted = find(charge, figures);
    }
    const hasRoom = along === undefined || along.read(reply, at, taken === 1);
    if (hasRoom === undefined) return undefined;
    if (taken === 0) {
      if (asked.some(({ admitted }) => !admitted)) return this.#forget('refused');
      return hasRoom ? undefined : this.#forget('taken');
    }
    for (const charge of asked) if (charge.isConcurrency) this.#tickets.taken.add(charge);
    return 'taken';
  }

  unavailable(): Verdict {
    this.#along?.unanswered();
    return this.#forget('unavailable');
  }

  /** Names and tickets of what a call that is given up may still take. */
  leases(): readonly (readonly [name: string, ticket: string])[] {
    return this.#asked
      .filter(({ isConcurrency }) => isConcurrency)
      .map(({ name, ticket }) => [name, ticket] as const);
  }

  /** Nothing was taken that could be corrected or given back. */
  #forget(verdict: Verdict): Verdict {
    this.#asked.length = 0;
    return verdict;
  }
}

function lengthFor(asked: readonly RedisCharge[]): number {
  let length = 1;
  for (const { limit } of asked) length += FIGURES[limit.algorithm];
  return length;
}

/** One question about a decision, which may be about another request when the answer comes late. */
class Taking implements Asker {
  readonly #decision: RedisDecision;
  readonly #resolve: (verdict: Verdict) => void;
  readonly #connection: RedisConnection;
  #leases: readonly (readonly [name: string, ticket: string])[] = [];

  constructor(decision: RedisDecision, resolve: (verdict: Verdict) => void, connection: RedisConnection) {
    this.#decision = decision;
    this.#resolve = resolve;
    this.#connection = connection;
  }

  answered(reply: unknown): boolean {
    const verdict = this.#decision.read(reply);
    if (verdict === undefined) return false;
    this.#resolve(verdict);
    return true;
  }

  unanswered(): void {
    this.#leases = this.#decision.leases();
    this.#resolve(this.#decision.unavailable());
  }

  /** Nobody knows of what was taken, so that nobody will give it back. */
  late(): void {
    for (const [name, ticket] of this.#leases) this.#connection.tell(['ZREM', name, ticket]);
  }
}
