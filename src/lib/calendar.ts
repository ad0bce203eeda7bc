/** From `startMs` on, and before `endMs`: milliseconds since 1970. */
export interface Period {
  readonly startMs: number;
  readonly endMs: number;
}

/** Kinds of periods. */
export type Per = 'day' | 'month';

const HOUR_MS = 3_600_000;
/** No zone is further from UTC, and none ever skipped more than a day. */
const FURTHEST_MS = 48 * HOUR_MS;

/** Whether it is a time zone that the ICU data of this Node.js knows. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

/** The calendar days or months of a time zone. A period is found once, and kept while it lasts. */
export class Calendar {
  readonly #per: Per;
  readonly #format: Intl.DateTimeFormat;
  #current: Period = { startMs: 0, endMs: 0 };

  /** Throws a RangeError for a time zone that does not exist. */
  constructor(per: Per, timeZone: string) {
    this.#per = per;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
    });
  }

  /** The period that the moment is in. */
  at(nowMs: number): Period {
    const { startMs, endMs } = this.#current;
    if (nowMs < startMs || nowMs >= endMs) this.#current = this.#find(nowMs);
    return this.#current;
  }

  #find(nowMs: number): Period {
    const { year, month, day } = this.#dateAt(nowMs);
    const isDay = this.#per === 'day';
    const startOf = (later: number) =>
      this.#startOf(isDay ? Date.UTC(year, month - 1, day + later) : Date.UTC(year, month - 1 + later, 1));
    return { startMs: startOf(0), endMs: startOf(1) };
  }

  /** The first moment that has this date or a later one. Midnight need not be there: clocks may be put forward then, even over a whole day. */
  #startOf(midnightUtcMs: number): number {
    const wanted = numberOf(new Date(midnightUtcMs));
    let before = midnightUtcMs - FURTHEST_MS;
    let after = midnightUtcMs + FURTHEST_MS;
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      const { year, month, day } = this.#dateAt(middle);
      if (ordinal(year, month, day) >= wanted) after = middle;
      else before = middle;
    }
    return after;
  }

  #dateAt(ms: number): { year: number; month: number; day: number } {
    const date = { year: 0, month: 0, day: 0 };
    for (const { type, value } of this.#format.formatToParts(ms))
      if (type === 'year' || type === 'month' || type === 'day') date[type] = Number(value);
    return date;
  }
}

function numberOf(date: Date): number {
  return ordinal(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate());
}

/** Grows with the date. */
function ordinal(year: number, month: number, day: number): number {
  return (year * 12 + month) * 31 + day;
}
