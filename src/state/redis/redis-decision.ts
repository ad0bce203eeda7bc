import { randomBytes } from 'node:crypto';
import type { Decision, Limit, Verdict } from '../limiter.ts';
import { FORGETFUL } from './asker.ts';
import type { Companion } from './companion.ts';
import type { RedisConnection } from './connection.ts';
import { add, FIGURES, type Figures, figuresAt, find, leave, NO_FIGURES } from './figures.ts';
import type { KeyNames } from './key-names.ts';
import { type AskedDecision, type AskedTurn, askInTurn, type Lease } from './question.ts';

/** Names what is under way, no two alike in any worker or node, and knows what is. */
export class Tickets {
  readonly taken = new Set<RedisCharge>();
  readonly #owner = randomBytes(9).toString('base64url');
  #last = 0;

  next(): string {
    return `${this.#owner}:${++this.#last}`;
  }
}

export class RedisCharge {
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

/** By itself it is a turn, too. */
export class RedisDecision implements Decision, AskedDecision, AskedTurn {
  readonly charges: readonly RedisCharge[];
  readonly decision = this;
  readonly along = undefined;
  readonly ifFull = 'refuse';
  verdict: Verdict | undefined;
  readonly #connection: RedisConnection;
  readonly #tickets: Tickets;
  readonly #alone = [this];
  /** Those with a key. */
  readonly #asked: RedisCharge[] = [];

  constructor(charges: readonly RedisCharge[], connection: RedisConnection, tickets: Tickets) {
    this.charges = charges;
    this.#connection = connection;
    this.#tickets = tickets;
  }

  take(): Verdict | Promise<Verdict> {
    return this.charges.some(({ key }) => key !== '') ? this.#take() : 'taken';
  }

  async #take(): Promise<Verdict> {
    await askInTurn(this.#alone, this.#connection);
    return this.verdict as Verdict;
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

  addTo(keys: string[], operands: string[]): void {
    this.#asked.length = 0;
    for (const charge of this.charges) {
      charge.admitted = true;
      if (charge.key === '') continue;
      charge.prepare();
      if (charge.isConcurrency) charge.ticket = this.#tickets.next();
      this.#asked.push(charge);
      keys.push(charge.name);
      operands.push(...charge.settings, charge.isConcurrency ? charge.ticket : `${charge.cost}`);
    }
  }

  get figures(): number {
    let figures = 0;
    for (const { limit } of this.#asked) figures += FIGURES[limit.algorithm];
    return figures;
  }

  read(
    reply: readonly unknown[],
    at: number,
    hasRoom: boolean,
    isTaken: boolean,
    along: Companion | undefined,
  ): Verdict | undefined {
    let next = at;
    let isFull = false;
    for (const charge of this.#asked) {
      const { algorithm } = charge.limit;
      const figures = figuresAt(reply, next, algorithm);
      if (figures === undefined) return undefined;
      next += FIGURES[algorithm];
      charge.figures = figures;
      if (isTaken) leave(charge, figures);
      else charge.admitted = find(charge, figures);
      if (!charge.admitted) isFull = true;
    }
    const alongHasRoom = along === undefined ? true : along.read(reply, next, isTaken);
    if (alongHasRoom === undefined) return undefined;
    if (!isTaken) {
      if (hasRoom !== (!isFull && alongHasRoom)) return undefined;
      return this.#forget(isFull ? 'refused' : 'taken');
    }
    for (const charge of this.#asked) if (charge.isConcurrency) this.#tickets.taken.add(charge);
    return 'taken';
  }

  unanswered(): Verdict {
    for (const charge of this.#asked) this.#tickets.taken.delete(charge);
    return this.#forget('unavailable');
  }

  get leases(): readonly Lease[] {
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
