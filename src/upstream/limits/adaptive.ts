import { type AdaptiveRegion, LATENCY_BUCKETS, PARTS_OF_OCTAVE, WORD } from './adaptive-region.ts';
import type { AdaptiveSettings } from './schema.ts';

/** What is let through before anything is known, within min and max: as in Netflix's concurrency-limits. */
const FIRST_LIMIT = 20;
/** A window goes on until it has so many: a median of fewer is chance. */
const FEWEST_SAMPLES = 10;
/** Least length of a window in latencies without a queue, as in Netflix's. */
const WINDOW_LATENCIES = 2;
/** How far one window may move the limit, as in Envoy. */
const LEAST_GRADIENT = 0.5;
const MOST_GRADIENT = 2;
/** Windows at `min` after which the baseline is doubted: the service may just have become slower. As in Envoy. */
const WINDOWS_AT_MIN = 5;
/** Latency of bucket 0, as a power of 2. */
const FIRST_OCTAVE = -4;
/** The measurement is put off by up to this share of its interval, so that gateways do not make theirs together. As in Envoy. */
const JITTER = 0.15;

/**
 * A limit of concurrent requests that follows what the service can do: the gradient algorithm of Envoy's adaptive concurrency. The
 * baseline is the median latency without a queue; while latency stays near it the limit grows, and when latency rises it falls:
 *
 *     gradient = baseline * (1 + headroom) / median of the window        limit = limit * gradient + sqrt(limit)
 *
 * The baseline is measured from time to time at half the limit (Envoy goes down to the least limit, and refuses more requests for it).
 * All workers count latencies in the same buckets; the one that gets the lock at the end of a window computes the limit for all.
 */
export class AdaptiveLimit {
  readonly #region: AdaptiveRegion;
  readonly #words: Int32Array;
  readonly #settings: AdaptiveSettings;
  readonly #random: () => number;
  /** What was taken out of the buckets. */
  readonly #counts = new Int32Array(LATENCY_BUCKETS);

  /** `random` is in [0, 1). */
  constructor(region: AdaptiveRegion, settings: AdaptiveSettings, random: () => number) {
    this.#region = region;
    this.#words = region.words;
    this.#settings = settings;
    this.#random = random;
  }

  /** How many requests may be under way now, in all workers. */
  get limit(): number {
    const limit = this.#full();
    return Atomics.load(this.#words, WORD.measuring) === 1 ? this.#bounded(limit / 2) : limit;
  }

  /** The latency without a queue, in ms; undefined until it was measured. For status. */
  get baselineMs(): number | undefined {
    const bucket = Atomics.load(this.#words, WORD.baseline);
    return bucket === 0 ? undefined : latencyOf(bucket);
  }

  /** How long an answer was waited for in vain. It is no latency without a queue, so that a measurement waits for answers. */
  observeTimeout(waitedMs: number, nowMs: number): void {
    if (Atomics.load(this.#words, WORD.measuring) === 0) this.observe(waitedMs, nowMs);
  }

  /** The time to the head of an answer. Not of failures: what is refused at once is no sign of spare room. */
  observe(latencyMs: number, nowMs: number): void {
    const region = this.#region;
    const measuring = Atomics.load(this.#words, WORD.measuring) === 1;
    // Requests from before the limit was halved still stood in the queue.
    if (measuring && nowMs - latencyMs < region.measuringSinceMs) return;
    Atomics.add(this.#words, WORD.latencies + bucketOf(latencyMs), 1);
    const samples = Atomics.add(this.#words, WORD.samples, 1) + 1;
    if (measuring) {
      if (samples >= this.#settings.measureRequests) this.#endMeasuring(nowMs);
    } else if (samples >= FEWEST_SAMPLES && nowMs >= region.windowEndsMs) {
      this.#endWindow(nowMs);
    }
  }

  #endMeasuring(nowMs: number): void {
    if (!this.#region.lock.tryAcquire()) return;
    if (Atomics.load(this.#words, WORD.samples) >= this.#settings.measureRequests) {
      Atomics.store(this.#words, WORD.baseline, this.#takeMedian());
      Atomics.store(this.#words, WORD.windowsAtMin, 0);
      const { measureEvery } = this.#settings;
      this.#region.measureAtMs = nowMs + measureEvery * (1 + JITTER * this.#random());
      this.#beginWindow(nowMs);
      Atomics.store(this.#words, WORD.measuring, 0);
    }
    this.#region.lock.release();
  }

  #endWindow(nowMs: number): void {
    const region = this.#region;
    if (!region.lock.tryAcquire()) return;
    // Unless another worker has just ended it.
    if (nowMs >= region.windowEndsMs) {
      const median = this.#takeMedian();
      const baseline = Atomics.load(this.#words, WORD.baseline);
      if (baseline !== 0) this.#correct(latencyOf(baseline), latencyOf(median));
      this.#beginWindow(nowMs);
      if (baseline === 0 || nowMs >= region.measureAtMs || this.#isDoubtful()) {
        region.measuringSinceMs = nowMs;
        Atomics.store(this.#words, WORD.measuring, 1);
      }
    }
    region.lock.release();
  }

  /** Long enough that the latencies in it tell of the limit at its beginning: corrections on top of each other overshoot. */
  #beginWindow(nowMs: number): void {
    const { window } = this.#settings;
    const baselineMs = latencyOf(Atomics.load(this.#words, WORD.baseline));
    this.#region.windowEndsMs = nowMs + Math.max(window, WINDOW_LATENCIES * baselineMs);
  }

  #correct(baselineMs: number, medianMs: number): void {
    const { headroom, min } = this.#settings;
    const limit = this.#full();
    const ratio = (baselineMs * (1 + headroom / 100)) / medianMs;
    const gradient = Math.min(MOST_GRADIENT, Math.max(LEAST_GRADIENT, ratio));
    const next = this.#bounded(limit * gradient + Math.sqrt(limit));
    Atomics.store(this.#words, WORD.limit, next);
    if (next > min) Atomics.store(this.#words, WORD.windowsAtMin, 0);
    else Atomics.add(this.#words, WORD.windowsAtMin, 1);
  }

  #isDoubtful(): boolean {
    return Atomics.load(this.#words, WORD.windowsAtMin) >= WINDOWS_AT_MIN;
  }

  #full(): number {
    return this.#bounded(Atomics.load(this.#words, WORD.limit) || FIRST_LIMIT);
  }

  /** Also what another configuration left in the cell. */
  #bounded(limit: number): number {
    return Math.floor(Math.min(this.#settings.max, Math.max(this.#settings.min, limit)));
  }

  /** Bucket of the median of the window, which is empty then. By the holder of the lock. */
  #takeMedian(): number {
    const counts = this.#counts;
    let total = 0;
    Atomics.store(this.#words, WORD.samples, 0);
    for (let bucket = 0; bucket < LATENCY_BUCKETS; bucket++) {
      const count = Atomics.exchange(this.#words, WORD.latencies + bucket, 0);
      counts[bucket] = count;
      total += count;
    }
    let median = 0;
    for (let below = 0; below < total / 2; median++) below += counts[median] as number;
    return Math.max(1, median - 1);
  }
}

/** 0 is kept for "not known". */
function bucketOf(latencyMs: number): number {
  if (!(latencyMs > 0)) return 1;
  const bucket = Math.round((Math.log2(latencyMs) - FIRST_OCTAVE) * PARTS_OF_OCTAVE);
  return Math.min(LATENCY_BUCKETS - 1, Math.max(1, bucket));
}

function latencyOf(bucket: number): number {
  return 2 ** (bucket / PARTS_OF_OCTAVE + FIRST_OCTAVE);
}
