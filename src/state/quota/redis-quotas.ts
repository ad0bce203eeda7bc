import type { Verdict } from '../limiter.ts';
import type { Log } from '../log.ts';
import { type Asker, type Asking, FORGETFUL } from '../redis/asker.ts';
import { RedisConnection } from '../redis/connection.ts';
import { digest, slotOf } from '../redis/key-names.ts';
import { decisionScript } from '../redis/script.ts';
import type { RedisConfig } from '../schema.ts';
import {
  countedAs,
  newCharges,
  PERS,
  type QuotaCharge,
  type QuotaCompanion,
  type QuotaCounter,
  type QuotaRecord,
  type QuotaTaking,
} from './quota.ts';

/** What the script tells of a period: its start, its end, and the units in it. */
const FIGURES = 3;

/** A counter, and its connection, which is the caller's to close. */
export interface ConnectedQuotas {
  readonly connection: RedisConnection;
  readonly counter: RedisQuotas;
}

/** The counter can be asked once the connection is ready. */
export function connectQuotas(settings: RedisConfig, log: Log): ConnectedQuotas {
  const connection = new RedisConnection(settings, decisionScript(), log);
  return { connection, counter: new RedisQuotas(connection, settings.prefix) };
}

/** Counts in Redis, for all nodes together: one script call per request. The connection is one that runs `decisionScript`. */
export class RedisQuotas implements QuotaCounter {
  readonly #connection: RedisConnection;
  readonly #prefix: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
  }

  taking(): QuotaTaking {
    return new RedisTaking(this.#connection, this.#prefix);
  }

  /** undefined: Redis did not answer. */
  read(plan: string, consumer: string): Promise<QuotaRecord | undefined> {
    return this.#record('look', plan, consumer, []);
  }

  /** Begins periods anew, as though nothing had been taken; `which` is as `PERS`. undefined: Redis did not answer, and may have done it. */
  reset(plan: string, consumer: string, which: readonly boolean[]): Promise<QuotaRecord | undefined> {
    return this.#record('reset', plan, consumer, which);
  }

  async #record(
    op: 'look' | 'reset',
    plan: string,
    consumer: string,
    which: readonly boolean[],
  ): Promise<QuotaRecord | undefined> {
    const taking = new RedisTaking(this.#connection, this.#prefix);
    taking.plan = plan;
    taking.consumer = consumer;
    for (const charge of taking.charges) charge.limit = 1;
    const answered = await taking.ask(op, (index) => (which[index] === true ? 1 : 0));
    return answered === 'unavailable' ? undefined : { plan, consumer, counts: taking.charges };
  }
}

/** Of a plan and a consumer: only hashes stand there, and in a cluster that of the consumer decides the slot, as it does of its limits. */
function nameOf(prefix: string, plan: string, consumer: string): string {
  return `${prefix}quota:${slotOf(countedAs(consumer))}:${digest(plan)}`;
}

class RedisTaking implements QuotaTaking, QuotaCompanion {
  plan = '';
  consumer = '';
  readonly charges = newCharges();
  readonly companion = this;
  verdict: Verdict | undefined;
  isTaken = false;
  readonly #prefix: string;
  /** Where it was asked last: what is given back is not to come before what was taken, nor behind the next request. */
  #asking: Asking;

  constructor(asking: Asking, prefix: string) {
    this.#asking = asking;
    this.#prefix = prefix;
  }

  take(): Verdict | Promise<Verdict> {
    return this.#asking.isUp ? this.ask('ask', oneUnit) : 'unavailable';
  }

  giveBack(): void {
    const keys: string[] = [];
    const operands = ['force'];
    this.#add(keys, operands, lessOne);
    for (const charge of this.charges) if (charge.limit > 0) charge.used--;
    this.#asking.ask([`${keys.length}`, ...keys, ...operands], FORGETFUL);
  }

  /** `unitsOf` each kind of period. */
  ask(op: 'ask' | 'look' | 'reset', unitsOf: (index: number) => number): Promise<Verdict> {
    const keys: string[] = [];
    const operands: string[] = [op];
    this.#add(keys, operands, unitsOf);
    operands.unshift(`${keys.length}`, ...keys);
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    this.#asking.ask(operands, new Question(this, resolve));
    return promise;
  }

  begin(): void {
    this.verdict = undefined;
    this.isTaken = false;
  }

  get figures(): number {
    return this.charges.reduce((sum, { limit }) => (limit > 0 ? sum + FIGURES : sum), 0);
  }

  addTo(keys: string[], operands: string[], asking: Asking): void {
    this.#asking = asking;
    this.#add(keys, operands, oneUnit);
  }

  read(reply: readonly unknown[], at: number, isTaken: boolean): boolean | undefined {
    let next = at;
    let hasRoom = true;
    for (const charge of this.charges) {
      if (charge.limit === 0) continue;
      const [startMs, endMs, used] = [reply[next], reply[next + 1], reply[next + 2]];
      if (!isCount(startMs) || !isCount(endMs) || !isCount(used)) return undefined;
      next += FIGURES;
      charge.period = { startMs, endMs };
      charge.used = used;
      charge.admitted = isTaken || used < charge.limit;
      if (!charge.admitted) hasRoom = false;
    }
    this.verdict = hasRoom ? 'taken' : 'refused';
    this.isTaken = isTaken;
    return hasRoom;
  }

  unanswered(): void {
    this.verdict = 'unavailable';
  }

  #add(keys: string[], operands: string[], unitsOf: (index: number) => number): void {
    const name = nameOf(this.#prefix, this.plan, this.consumer);
    for (let i = 0; i < this.charges.length; i++) {
      const { limit, period } = this.charges[i] as QuotaCharge;
      if (limit === 0) continue;
      keys.push(`${name}:${PERS[i]}`);
      operands.push('period', `${limit}`, `${period.startMs}`, `${period.endMs}`, `${unitsOf(i)}`);
    }
  }
}

const oneUnit = (): number => 1;
const lessOne = (): number => -1;

class Question implements Asker {
  readonly #taking: RedisTaking;
  readonly #resolve: (verdict: Verdict) => void;

  constructor(taking: RedisTaking, resolve: (verdict: Verdict) => void) {
    this.#taking = taking;
    this.#resolve = resolve;
  }

  answered(reply: unknown): boolean {
    const taking = this.#taking;
    if (!Array.isArray(reply) || reply.length !== 1 + taking.figures || !isCount(reply[0])) return false;
    const isTaken = reply[0] === 1;
    if (taking.read(reply, 1, isTaken) === undefined) return false;
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
