const TWO: readonly string[] = Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0'));
/** `.000` to `.999` */
const FRACTION: readonly string[] = Array.from({ length: 1000 }, (_, n) => `.${String(n).padStart(3, '0')}`);

/** Writes times of day; everything but the milliseconds is made once per second, as a Date costs more than the rest of a line. */
export class TimeText {
  #second = Number.NaN;
  #iso = '';
  #local = '';
  readonly #before: string;
  readonly #after: string;

  /** What every time is put between. */
  constructor(before = '', after = '') {
    this.#before = before;
    this.#after = after;
  }

  /** `2026-01-31T12:03:11.123` in UTC of epoch milliseconds. */
  iso(epochMs: number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#second) this.#read(second);
    return this.#iso + (FRACTION[Math.floor(epochMs - second * 1000)] ?? '.000') + this.#after;
  }

  /** `12:03:11.123` in the machine's time zone. */
  local(epochMs: number): string {
    const second = Math.floor(epochMs / 1000);
    if (second !== this.#second) this.#read(second);
    return this.#local + (FRACTION[Math.floor(epochMs - second * 1000)] ?? '.000') + this.#after;
  }

  #read(second: number): void {
    const date = new Date(Number.isFinite(second) ? second * 1000 : 0);
    this.#second = second;
    this.#iso = this.#before + date.toISOString().slice(0, 19);
    this.#local = `${this.#before}${TWO[date.getHours()]}:${TWO[date.getMinutes()]}:${TWO[date.getSeconds()]}`;
  }
}

/** Milliseconds with microseconds, such as `1.204`. From integers, as that costs a quarter of formatting a double. */
export function millisText(ms: number): string {
  const micros = Math.round(ms * 1000);
  if (!(micros > 0 && micros < Number.MAX_SAFE_INTEGER)) return '0.000';
  const whole = Math.floor(micros / 1000);
  return String(whole) + FRACTION[micros - whole * 1000];
}

/** Milliseconds for people: `0.4ms`, `12.0ms`, `3.21s`. */
export function shortMillisText(ms: number): string {
  return ms < 1000 ? `${Math.max(0, ms).toFixed(1)}ms` : `${(ms / 1000).toFixed(2)}s`;
}
