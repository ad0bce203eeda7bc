import type { Turn, Verdict } from '../limiter.ts';
import type { Asker } from './asker.ts';
import type { Companion } from './companion.ts';
import type { RedisConnection } from './connection.ts';
import { slotIn } from './key-names.ts';

/** Name and ticket of something under way. */
export type Lease = readonly [name: string, ticket: string];

/** A decision as a question is about it. */
export interface AskedDecision {
  /** Adds the names of its keys, and the five arguments of each, to a question. */
  addTo(keys: string[], operands: string[]): void;
  /** How many figures the script tells of it, since it was added. */
  readonly figures: number;
  /**
   * What became of it, by the figures that begin there. The script found room for it and what it takes along, or did not; it took them where it
   * did and no other turn refused. undefined where that is nothing that the script answers.
   */
  read(
    reply: readonly unknown[],
    at: number,
    hasRoom: boolean,
    isTaken: boolean,
    along: Companion | undefined,
  ): Verdict | undefined;
  /** Nobody can tell, or nobody was asked. */
  unanswered(): Verdict;
  /** What a call that is given up may still take. */
  readonly leases: readonly Lease[];
}

export interface AskedTurn extends Pick<Turn, 'along' | 'ifFull' | 'verdict'> {
  readonly decision: AskedDecision;
}

/** Asks about all turns at once; of a cluster, where they lie on several servers, about the first of them that lie on one. */
export function askInTurn(turns: readonly AskedTurn[], connection: RedisConnection): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const keys: string[] = [];
  const charges: string[] = [];
  const sizes: string[] = [];
  let asked = 0;
  for (const turn of turns) turn.verdict = undefined;
  for (const { decision, along, ifFull } of turns) {
    const from = keys.length;
    const chargesFrom = charges.length;
    decision.addTo(keys, charges);
    along?.addTo(keys, charges, connection);
    if (from > 0 && connection.isSplit && slotIn(keys[from] ?? '') !== slotIn(keys[0] ?? '')) {
      keys.length = from;
      charges.length = chargesFrom;
      break;
    }
    sizes.push(`${keys.length - from}`, ifFull);
    asked++;
  }
  const question = new Question(turns.slice(0, asked), resolve, connection);
  if (connection.isUp) connection.ask([`${keys.length}`, ...keys, 'ask', ...charges, ...sizes], question);
  else question.unanswered();
  return promise;
}

/** One question about decisions, which may be about other requests when the answer comes late. */
class Question implements Asker {
  readonly #turns: readonly AskedTurn[];
  readonly #resolve: () => void;
  readonly #connection: RedisConnection;
  #leases: readonly Lease[] = [];

  constructor(turns: readonly AskedTurn[], resolve: () => void, connection: RedisConnection) {
    this.#turns = turns;
    this.#resolve = resolve;
    this.#connection = connection;
  }

  answered(reply: unknown): boolean {
    if (!Array.isArray(reply) || !this.#read(reply)) return false;
    this.#resolve();
    return true;
  }

  unanswered(): void {
    this.#leases = this.#turns.flatMap(({ decision }) => decision.leases);
    for (const turn of this.#turns) {
      turn.verdict = turn.decision.unanswered();
      turn.along?.unanswered();
    }
    this.#resolve();
  }

  /** Nobody knows of what was taken, so that nobody will give it back. */
  late(): void {
    for (const [name, ticket] of this.#leases) this.#connection.tell(['ZREM', name, ticket]);
  }

  #read(reply: readonly unknown[]): boolean {
    let length = 0;
    let asked = 0;
    let isRefused = false;
    for (const { decision, along, ifFull } of this.#turns) {
      const room = reply[length];
      if (room !== 0 && room !== 1) return false;
      length += 1 + decision.figures + (along?.figures ?? 0);
      asked++;
      if (room === 1 || ifFull === 'pass') continue;
      isRefused = ifFull === 'refuse';
      break;
    }
    if (reply.length !== length) return false;
    let at = 0;
    for (const turn of this.#turns.slice(0, asked)) {
      const { decision, along } = turn;
      const next = at + 1 + decision.figures + (along?.figures ?? 0);
      const hasRoom = reply[at] === 1;
      turn.verdict = decision.read(reply, at + 1, hasRoom, hasRoom && !isRefused, along);
      if (turn.verdict === undefined) return false;
      at = next;
    }
    return true;
  }
}
