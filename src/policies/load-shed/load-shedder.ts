import type { Load } from '../../lib/load-gauge.ts';
import type { Answer, PolicyContext, PolicyHooks } from '../../policy/contract.ts';
import { Pressure } from './pressure.ts';
import type { LoadShedOptions, Priority } from './schema.ts';

/** Which third of the way to full pressure is whose: in it the share that is refused goes from none to all. */
const THIRD: Readonly<Record<Exclude<Priority, 'critical'>, number>> = { low: 0, normal: 1, high: 2 };

export class LoadShedder implements PolicyHooks {
  readonly #third: number;
  readonly #eventLoop: Pressure;
  readonly #memory: Pressure;
  readonly #answer: Answer;
  readonly #context: Pick<PolicyContext, 'load' | 'count'>;
  readonly #random: () => number;
  #measuredAtMs = 0;
  /** Of the requests, how many are refused. */
  #share = 0;

  /** `random` is in [0, 1). */
  constructor(
    { priority, eventLoop, memory, retryAfter }: LoadShedOptions & { priority: keyof typeof THIRD },
    context: Pick<PolicyContext, 'load' | 'count'>,
    random: () => number,
  ) {
    this.#third = THIRD[priority];
    this.#eventLoop = new Pressure(eventLoop);
    this.#memory = new Pressure({ start: memory.start / 100, full: memory.full / 100 });
    this.#answer = {
      status: 503,
      code: 'overloaded',
      detail: 'The gateway has more to do than it can.',
      headers: { 'Retry-After': String(Math.ceil(retryAfter / 1000)) },
    };
    this.#context = context;
    this.#random = random;
  }

  onRequest(): Answer | undefined {
    const load = this.#context.load();
    if (load.measuredAtMs !== this.#measuredAtMs) this.#weigh(load);
    if (this.#share === 0 || this.#random() >= this.#share) return undefined;
    this.#context.count('shed');
    return this.#answer;
  }

  #weigh({ measuredAtMs, eventLoopDelayMs, memoryShare }: Load): void {
    this.#measuredAtMs = measuredAtMs;
    const pressure = Math.max(this.#eventLoop.at(eventLoopDelayMs), this.#memory.at(memoryShare));
    this.#share = Math.min(1, Math.max(0, pressure * 3 - this.#third));
  }
}
