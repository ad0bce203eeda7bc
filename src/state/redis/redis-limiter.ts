import type { Decision, Limit, Limiter, Turn } from '../limiter.ts';
import { FORGETFUL } from './asker.ts';
import type { RedisConnection } from './connection.ts';
import { KeyNames } from './key-names.ts';
import { type AskedTurn, askInTurn } from './question.ts';
import { RedisCharge, RedisDecision, Tickets } from './redis-decision.ts';
import { LEASE_MS } from './script.ts';

/**
 * Counts in Redis, exactly and for all nodes together: one script decides about all limits of a request. What is under way is counted by
 * leases, which are renewed while it lasts: those of a node that died end by themselves.
 */
export class RedisLimiter implements Limiter {
  readonly isInstant = false;
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

  takeInTurn(turns: readonly Turn[]): Promise<void> {
    return askInTurn(turns as readonly unknown[] as readonly AskedTurn[], this.#connection);
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
