import type { Deadlines } from '../lib/deadlines.ts';
import type { CopyOutcome } from '../observability/worker-metrics.ts';
import type { RouteConfig } from '../routing/schema.ts';
import type { Service } from '../upstream/service.ts';
import type { Recorder } from './recorder.ts';

type MirrorSettings = NonNullable<RouteConfig['mirror']>;

/** What a mirror has beside its settings. */
export interface MirrorContext {
  readonly route: string;
  readonly service: Service;
  readonly deadlines: Deadlines;
  readonly warn: (message: string) => void;
  /** In [0, 1). */
  readonly random: () => number;
}

/** A mirror that is down loses every copy: one line in so long is enough, the metrics have the numbers. */
const QUIET_MS = 10_000;

/** The mirror of one route, in one worker: which requests are copied, how many copies may be under way, what became of them. */
export class Mirror {
  readonly service: Service;
  /** How many octets of a body may wait, for each copy. */
  readonly bufferBytes: number;
  readonly deadlines: Deadlines;
  readonly #share: number;
  readonly #concurrency: number;
  readonly #route: string;
  readonly #warn: (message: string) => void;
  readonly #random: () => number;
  #underWay = 0;
  #quietUntilMs = 0;

  constructor(settings: MirrorSettings, context: MirrorContext) {
    this.service = context.service;
    this.bufferBytes = settings.buffer;
    this.deadlines = context.deadlines;
    this.#share = settings.percent / 100;
    this.#concurrency = settings.concurrency;
    this.#route = context.route;
    this.#warn = context.warn;
    this.#random = context.random;
  }

  /** Whether the next request is of the share that is copied. */
  draw(): boolean {
    return this.#random() < this.#share;
  }

  /** Makes room for a copy, which `end` gives back. False where there is none: the copy counts as dropped. */
  begin(recorder: Recorder): boolean {
    if (this.#underWay >= this.#concurrency) {
      this.lost(recorder, 'dropped', `${this.#underWay} under way are as many as may be`);
      return false;
    }
    this.#underWay++;
    return true;
  }

  end(): void {
    this.#underWay--;
  }

  sent(recorder: Recorder): void {
    recorder.mirrored(this.service.name, 'sent');
  }

  lost(recorder: Recorder, outcome: Exclude<CopyOutcome, 'sent'>, cause: string): void {
    recorder.mirrored(this.service.name, outcome);
    const { nowMs } = this.deadlines;
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + QUIET_MS;
    this.#warn(`a copy for the mirror ${this.service.name} of route ${this.#route} was lost: ${cause}`);
  }
}
