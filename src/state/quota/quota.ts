import type { Per, Period } from '../../lib/calendar.ts';
import { sha256 } from '../../lib/sha256.ts';
import type { Verdict } from '../limiter.ts';
import type { Companion } from '../redis/companion.ts';

export type { Per, Period } from '../../lib/calendar.ts';

/** The kinds of periods, in the order in which everything lists them. */
export const PERS: readonly Per[] = ['day', 'month'];

/** One quota in a question about a request. */
export interface QuotaCharge {
  /** 0: there is none of this kind. */
  limit: number;
  /** The period that runs by the calendar. Set before `take`; then it is the one that was counted in. */
  period: Period;
  /** Units of the period, this request included where it was let through. */
  used: number;
  /** Whether this quota by itself had room. */
  admitted: boolean;
}

/**
 * Takes a request of all quotas of a consumer, or of none. Whoever is done with one uses it again for another request. A period that has
 * begun is counted in until it ends as it was told then, whatever a clock or a changed time zone says meanwhile.
 */
export interface QuotaTaking {
  plan: string;
  consumer: string;
  /** As `PERS`. */
  readonly charges: readonly QuotaCharge[];
  /** As of `Decision.take`. */
  take(): Verdict | Promise<Verdict>;
  /** After `taken`: the request is refused after all, and is not counted. A period that has ended meanwhile stays as it is. */
  giveBack(): void;
  /** There where a decision about limits in the same storage can take it along, in place of `take`. */
  readonly companion?: QuotaCompanion | undefined;
}

export interface QuotaCompanion extends Companion {
  /** Whether there was room the last time; undefined: nobody has asked since `begin`. */
  readonly verdict: Verdict | undefined;
  /** Whether it was taken then: there may have been no room for something else. */
  readonly isTaken: boolean;
  begin(): void;
}

/** Where quotas are counted: one per worker. */
export interface QuotaCounter {
  taking(): QuotaTaking;
}

/** What is counted of one consumer by one plan. */
export interface QuotaRecord {
  readonly plan: string;
  readonly consumer: string;
  /** As `PERS`. */
  readonly counts: readonly { readonly period: Period; readonly used: number }[];
}

export const NO_PERIOD: Period = { startMs: 0, endMs: 0 };

export function newCharges(): QuotaCharge[] {
  return PERS.map(() => ({ limit: 0, period: NO_PERIOD, used: 0, admitted: true }));
}

/** Octets of a name that are kept as they are. */
const MAX_NAME = 90;
/** Of a UTF-16 unit in UTF-8. */
const MAX_OCTETS = 3;

/** What a consumer is called where it is counted, which decides where that is: the same, or of a name that is very long its hash. What is so called is called the same again. */
export function countedAs(consumer: string): string {
  const name = consumer.toWellFormed();
  if (name.length * MAX_OCTETS <= MAX_NAME || Buffer.byteLength(name) <= MAX_NAME) return name;
  return `sha256:${sha256(name)}`;
}
