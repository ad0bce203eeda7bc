import {
  exchangeFor,
  type RequestDescription,
  runPolicies,
  type TestExchange,
} from '../../../test/support/exchange.ts';
import { consumerSchema } from '../../identity/consumers/schema.ts';
import { Identity } from '../../identity/identity.ts';
import type { IdentityData } from '../../identity/identity-data.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { FakeTimers } from '../../lib/fake-timers.support.ts';
import type { Answer } from '../../policy/contract.ts';
import { NO_RECORDS } from '../../state/records/no-records.support.ts';
import { type CompiledPolicies, compilePolicies } from '../compile.ts';

type Written = Readonly<Record<string, unknown>>;

export interface AuthPlayOptions {
  /** As a configuration has them. */
  readonly consumers?: Readonly<Record<string, Written>>;
  readonly providers?: Readonly<Record<string, Written>>;
  readonly timers?: FakeTimers;
}

/** 2026-01-01, in milliseconds; the clock of tests begins there. */
export const START_MS = Date.UTC(2026, 0, 1);

/** A request on its way. */
export interface Begun {
  readonly verdict: Promise<string>;
  /** What the gateway tells policies when the client is gone. */
  readonly leave: () => void;
}

/** One policy of a route on a clock of the test's own. */
export class AuthPlay implements Disposable {
  readonly timers: FakeTimers;
  /** Lines of the gateway's log. */
  readonly log: string[];
  readonly #policies: CompiledPolicies;

  private constructor(policies: CompiledPolicies, timers: FakeTimers, log: string[]) {
    this.#policies = policies;
    this.timers = timers;
    this.log = log;
  }

  static async start(name: string, options: Written, around: AuthPlayOptions = {}): Promise<AuthPlay> {
    const timers = around.timers ?? new FakeTimers();
    const log: string[] = [];
    const identity = new Identity(dataOf(around), {
      log: (level, message) => log.push(`${level}: ${message}`),
      nowMs: () => START_MS + timers.nowMs(),
      timers,
      records: NO_RECORDS,
    });
    const policies = await compilePolicies([{ name, options }], {
      route: 'r',
      warn: () => {},
      policyEvent: () => {},
      identity,
    });
    return new AuthPlay(policies, timers, log);
  }

  /** Seconds since 1970. */
  get now(): number {
    return (START_MS + this.timers.nowMs()) / 1000;
  }

  async send(
    headers: NonNullable<RequestDescription['headers']>,
    url = '/',
    certificate?: RequestDescription['certificate'],
  ): Promise<{ readonly answer: Answer | undefined; readonly exchange: TestExchange }> {
    const exchange = exchangeFor({ url, headers, certificate });
    return { answer: await runPolicies(this.#policies, exchange), exchange };
  }

  /** `200` and who it is, or the status, code and detail of a refusal. */
  verdict(token: string, certificate?: RequestDescription['certificate']): Promise<string> {
    return this.verdictOf({ authorization: `Bearer ${token}` }, '/', certificate);
  }

  async verdictOf(...request: Parameters<AuthPlay['send']>): Promise<string> {
    const { answer, exchange } = await this.send(...request);
    return verdictIn(answer, exchange);
  }

  /** A request of a client that may leave before it is answered. */
  begin(token: string, clientAddress?: string): Begun {
    const headers = { authorization: `Bearer ${token}` };
    const exchange = exchangeFor({ headers, ...(clientAddress !== undefined && { clientAddress }) });
    return {
      verdict: runPolicies(this.#policies, exchange).then((answer) => verdictIn(answer, exchange)),
      leave: () => {
        for (const { hooks } of this.#policies.onEnd) hooks.onEnd(exchange);
      },
    };
  }

  [Symbol.dispose](): void {
    this.#policies.close();
  }
}

function verdictIn(answer: Answer | undefined, exchange: TestExchange): string {
  if (answer === undefined) return `200 ${exchange.principal?.consumer ?? 'nobody'}`;
  return `${answer.status} ${answer.code ?? ''}: ${answer.detail ?? ''}`;
}

function dataOf({ consumers = {}, providers = {} }: AuthPlayOptions): IdentityData {
  const parse = <Parsed>(schema: { parse(value: unknown): Parsed }, all: Readonly<Record<string, Written>>) =>
    Object.fromEntries(Object.entries(all).map(([name, written]) => [name, schema.parse(written)]));
  return {
    consumers: parse(consumerSchema, consumers),
    providers: parse(providerSchema, providers),
    sessions: {},
  };
}
