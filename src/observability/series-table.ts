import { type MetricName, type MetricsMessage, OTHER, seriesOf, slotsOf } from './metrics.ts';

/** Values of one series in shared memory. Only its own thread writes there, so plain loads and stores do. */
export class Series {
  readonly values: Float64Array;
  readonly offset: number;

  constructor(values: Float64Array, offset: number) {
    this.values = values;
    this.offset = offset;
  }

  add(amount: number): void {
    this.values[this.offset] = (this.values[this.offset] as number) + amount;
  }

  set(value: number): void {
    this.values[this.offset] = value;
  }
}

/**
 * Sums of histograms are kept in billionths: whole numbers add up to the same in any order, so that a sum over workers never goes back
 * by a rounding when one of them ends.
 */
export const SUM_UNITS = 1e9;

/** Slots of a chunk: 64 KiB. A series never lies in two chunks. */
const CHUNK_SLOTS = 8192;

/** The series of one thread. Memory comes in chunks as series appear; the hub is told of both. */
export class SeriesTable {
  readonly buckets: readonly number[];
  readonly #maxSeries: number;
  readonly #post: (message: MetricsMessage) => void;
  readonly #known = new Map<string, Series>();
  #values: Float64Array | undefined;
  #chunk = -1;
  #next = CHUNK_SLOTS;
  #count = 0;

  /** `buckets` in order. Beyond `maxSeries` time series, new label values are counted as `other`. */
  constructor(buckets: readonly number[], maxSeries: number, post: (message: MetricsMessage) => void) {
    this.buckets = buckets;
    this.#maxSeries = maxSeries;
    this.#post = post;
  }

  /** The series of a metric with these label values, made when first asked for. */
  series(metric: MetricName, ...labels: readonly string[]): Series {
    const key = seriesKey(metric, labels);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const cost = seriesOf(metric, this.buckets);
    if (labels.length > 0 && this.#count + cost > this.#maxSeries && !labels.every(isOther)) {
      // Not remembered under its own key: names that a client can make up must not fill this map.
      return this.series(metric, ...labels.map(() => OTHER));
    }
    this.#count += cost;
    const made = this.#allocate(metric, labels);
    this.#known.set(key, made);
    return made;
  }

  /** Counts one observation, in the unit of the buckets. */
  observe(histogram: Series, value: number): void {
    const { buckets } = this;
    const { values, offset } = histogram;
    let i = 0;
    while (i < buckets.length && value > (buckets[i] as number)) i++;
    values[offset + i] = (values[offset + i] as number) + 1;
    const sum = offset + buckets.length + 1;
    values[sum] = (values[sum] as number) + Math.round(value * SUM_UNITS);
  }

  #allocate(metric: MetricName, labels: readonly string[]): Series {
    const slots = slotsOf(metric, this.buckets);
    if (this.#values === undefined || this.#next + slots > CHUNK_SLOTS) {
      const buffer = new SharedArrayBuffer(CHUNK_SLOTS * 8);
      this.#values = new Float64Array(buffer);
      this.#chunk++;
      this.#next = 0;
      this.#post({ kind: 'chunk', chunk: this.#chunk, buffer });
    }
    const series = new Series(this.#values, this.#next);
    this.#next += slots;
    this.#post({ kind: 'series', metric, labels, chunk: this.#chunk, offset: series.offset });
    return series;
  }
}

/** Tells series apart; NUL cannot stand in a name. */
export function seriesKey(metric: MetricName, labels: readonly string[]): string {
  return labels.length === 0 ? metric : `${metric}\0${labels.join('\0')}`;
}

function isOther(label: string): boolean {
  return label === OTHER;
}
