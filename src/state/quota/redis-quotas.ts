import type { Verdict } from '../limiter.ts';
import type { Log } from '../log.ts';
import { type Asker, RedisConnection } from '../redis/connection.ts';
import { digest } from '../redis/key-names.ts';
import type { RedisServerConfig } from '../schema.ts';
import {
  countedAs,
  newCharges,
  PERS,
  type QuotaCharge,
  type QuotaCounter,
  type QuotaRecord,
  type QuotaTaking,
} from './quota.ts';
import { quotaScript } from './quota-script.ts';

/** Three figures of each kind of period, after whether everything was taken. */
const FIGURES = 3;
const REPLY_LENGTH = 1 + FIGURES * PERS.length;

/** A counter, and its connection, which is the caller's to close. */
export interface ConnectedQuotas {
  readonly connection: RedisConnection;
  readonly counter: RedisQuotas;
}

/** The counter can be asked once the connection is ready. */
export function connectQuotas(settings: RedisServerConfig, log: Log): ConnectedQuotas {
  const connection = new RedisConnection(settings, quotaScript(), log);
  return { connection, counter: new RedisQuotas(connection, settings.prefix) };
}

/** Counts in Redis, for all nodes together: one script call per request. The connection is one that runs `quotaScript`. */
export class RedisQuotas implements QuotaCounter {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  taking(): QuotaTaking {
    return new RedisTaking(this);
  }

  /** The verdict, with what was found in `charges`. */
  take(plan: string, consumer: string, charges: readonly QuotaCharge[]): Verdict | Promise<Verdict> {
    if (!this.#connection.isUp) return 'unavailable';
    const operands = ['1', this.#nameOf(plan, consumer), 'take'];
    for (const { limit, period } of charges)
      operands.push(`${limit}`, `${period.startMs}`, `${period.endMs}`);
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#connection.ask(operands, new Question(charges, resolve));
    return promise;
  }

  /** undefined: Redis did not answer. */
  read(plan: string, consumer: string): Promise<QuotaRecord | undefined> {
    return this.#record(plan, consumer, ['read']);
  }

  /** Begins periods anew, as though nothing had been taken; `which` is as `PERS`. undefined: Redis did not answer, and may have done it. */
  reset(plan: string, consumer: string, which: readonly boolean[]): Promise<QuotaRecord | undefined> {
    return this.#record(plan, consumer, ['reset', ...which.map((one) => (one ? '1' : '0'))]);
  }

  async #record(
    plan: string,
    consumer: string,
    operands: readonly string[],
  ): Promise<QuotaRecord | undefined> {
    const charges = newCharges();
    for (const charge of charges) charge.limit = 1;
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    const name = this.#nameOf(plan, consumer);
    this.#connection.ask(['1', name, ...operands], new Question(charges, resolve));
    return (await promise) === 'unavailable' ? undefined : { plan, consumer, counts: charges };
  }

  /** Only a hash stands there, and in a cluster it is what decides the slot. */
  #nameOf(plan: string, consumer: string): string {
    return `${this.#prefix}quota:{${digest(`${plan}\0${countedAs(consumer)}`)}}`;
  }
}

class RedisTaking implements QuotaTaking {
  plan = '';
  consumer = '';
  readonly charges = newCharges();
  readonly #quotas: RedisQuotas;

  constructor(quotas: RedisQuotas) {
    this.#quotas = quotas;
  }

  take(): Verdict | Promise<Verdict> {
    return this.#quotas.take(this.plan, this.consumer, this.charges);
  }
}

class Question implements Asker {
  readonly #charges: readonly QuotaCharge[];
  readonly #resolve: (verdict: Verdict) => void;

  constructor(charges: readonly QuotaCharge[], resolve: (verdict: Verdict) => void) {
    this.#charges = charges;
    this.#resolve = resolve;
  }

  answered(reply: unknown): boolean {
    if (!Array.isArray(reply) || reply.length !== REPLY_LENGTH || !reply.every(isCount)) return false;
    const isTaken = reply[0] === 1;
    for (const [i, charge] of this.#charges.entries()) {
      if (charge.limit === 0) continue;
      const at = 1 + FIGURES * i;
      charge.period = { startMs: reply[at] as number, endMs: reply[at + 1] as number };
      charge.used = reply[at + 2] as number;
      charge.admitted = isTaken || charge.used < charge.limit;
    }
    this.#resolve(isTaken ? 'taken' : 'refused');
    return true;
  }

  unanswered(): void {
    this.#resolve('unavailable');
  }

  /** What was taken stays taken: the request was sent on, or may have been. */
  late(): void {}
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
