import type { MetricsRecorder } from '../observability/worker-metrics.ts';
import type { BreakerChange } from '../upstream/breaker/breaker.ts';
import type { Ejection } from '../upstream/outlier/detector.ts';
import type { ServiceObserver } from '../upstream/service.ts';

type Log = (level: 'info' | 'warn', message: string, detail?: unknown) => void;

/** Tells log and metrics what happens at one service. */
export class ServiceReport implements ServiceObserver {
  readonly #service: string;
  readonly #metrics: MetricsRecorder;
  readonly #log: Log;

  constructor(service: string, metrics: MetricsRecorder, log: Log) {
    this.#service = service;
    this.#metrics = metrics;
    this.#log = log;
  }

  connectionOpened(): void {
    this.#metrics.upstreamConnectionOpened(this.#service);
  }

  connectionClosed(): void {
    this.#metrics.upstreamConnectionClosed(this.#service);
  }

  breakerChanged(target: string | undefined, { from, to, cause, openMs }: BreakerChange): void {
    this.#metrics.breakerChanged(this.#service, target === undefined ? 'service' : 'target', to);
    const whose = target === undefined ? this.#service : `${this.#service}, target ${target}`;
    this.#log(to === 'open' ? 'warn' : 'info', `the circuit breaker of ${whose} is ${to}, it was ${from}`, {
      cause,
      ...(to === 'open' ? { forMs: openMs } : {}),
    });
  }

  ejected(target: string, { rule, verdict, forMs }: Ejection): void {
    this.#metrics.ejected(this.#service, rule, verdict);
    this.#log('warn', `target ${target} of ${this.#service} ${VERDICTS[verdict]}`, { rule, forMs });
  }
}

const VERDICTS: Readonly<Record<Ejection['verdict'], string>> = {
  ejected: 'is an outlier and taken out',
  shadow: 'is an outlier; outlier detection only tells',
  'too-many': 'is an outlier and stays in, because as many are out as may be',
};
