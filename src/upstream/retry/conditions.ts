import type { UpstreamFailureKind } from '../failure.ts';

/** Names of what is tried again, as the configuration has them; a number is the status of an answer. */
export const CONDITION_NAMES = ['connect', 'reset', 'timeout', 'gateway-error', '5xx'] as const;

export type Condition = (typeof CONDITION_NAMES)[number] | number;

const GATEWAY_ERRORS: readonly number[] = [502, 503, 504];

/** Which condition a failure meets. What cannot get better by another attempt, or makes an overload worse, meets none. */
const FAILURES: Readonly<Record<UpstreamFailureKind, Condition | undefined>> = {
  refused: 'connect',
  connect_timeout: 'connect',
  tls: 'connect',
  reset: 'reset',
  stale: 'reset',
  first_byte_timeout: 'timeout',
  idle_timeout: 'timeout',
  try_timeout: 'timeout',
  invalid: undefined,
  overloaded: undefined,
};

/** What is tried again, compiled: a look-up for each outcome. */
export class Conditions {
  /** By status. */
  readonly #statuses = new Uint8Array(600);
  readonly #kinds = new Set<UpstreamFailureKind>();

  constructor(on: readonly Condition[]) {
    for (const condition of on) {
      if (typeof condition === 'number') this.#statuses[condition] = 1;
      else if (condition === '5xx') this.#statuses.fill(1, 500);
      else if (condition === 'gateway-error') for (const status of GATEWAY_ERRORS) this.#statuses[status] = 1;
    }
    for (const kind in FAILURES) {
      const condition = FAILURES[kind as UpstreamFailureKind];
      if (condition !== undefined && on.includes(condition)) this.#kinds.add(kind as UpstreamFailureKind);
    }
  }

  meetsStatus(status: number): boolean {
    return this.#statuses[status] === 1;
  }

  meetsFailure(kind: UpstreamFailureKind): boolean {
    return this.#kinds.has(kind);
  }
}
