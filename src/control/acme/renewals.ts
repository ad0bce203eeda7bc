import { createHash, X509Certificate } from 'node:crypto';
import { messageOf } from '../../lib/message-of.ts';
import { AcmeProblem } from './problem.ts';
import type { askRenewalInfo, RenewalInfo } from './renewal-info.ts';
import type { AcmeSettings } from './schema.ts';
import type { CertificateRecord } from './storage.ts';

export interface RenewalsOptions {
  readonly ask: typeof askRenewalInfo;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/** What the authority said of one certificate. */
interface Known {
  readonly cert: string;
  /** undefined: it says nothing. */
  readonly wishedMs: number | undefined;
  readonly askAtMs: number;
  readonly failures: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** RFC 9773 section 4.3.2: from a minute to a day. */
const SHORTEST_MS = MINUTE_MS;
const LONGEST_MS = 24 * HOUR_MS;
const USUAL_MS = 6 * HOUR_MS;

/**
 * When certificates are to be renewed: when their authority suggests it (RFC 9773), which it is asked for again and again, since it may want one
 * renewed at once; else as it stands in their record. Every node asks for itself, and all come to the same time.
 */
export class Renewals {
  readonly #options: RenewalsOptions;
  readonly #known = new Map<string, Known>();
  #asking = false;

  constructor(options: RenewalsOptions) {
    this.#options = options;
  }

  /** Milliseconds since 1970. */
  atMs({ name, cert, renewAtMs }: CertificateRecord, { renewBefore }: AcmeSettings): number {
    const known = this.#known.get(name);
    const wishedMs = known?.cert === cert ? known.wishedMs : undefined;
    if (wishedMs === undefined) return renewAtMs;
    // Whoever wants it renewed long before its end has reasons of their own.
    return renewBefore === undefined ? wishedMs : Math.min(wishedMs, renewAtMs);
  }

  /** Whether its authority was asked, well or not. Until then it is not renewed: an order more is one that the authority counts. */
  isKnown({ name, cert }: CertificateRecord): boolean {
    return this.#known.get(name)?.cert === cert;
  }

  /** Asks for the first of these that is due, if none is being asked for. */
  look(certificates: Iterable<readonly [CertificateRecord, AcmeSettings]>): void {
    if (this.#asking || this.#options.signal.aborted) return;
    const nowMs = this.#options.nowMs();
    for (const [record, settings] of certificates) {
      const known = this.#known.get(record.name);
      if (known?.cert === record.cert && known.askAtMs > nowMs) continue;
      this.#asking = true;
      void this.#ask(record, settings, known?.cert === record.cert ? known : undefined).finally(() => {
        this.#asking = false;
      });
      return;
    }
  }

  /** Does not reject. */
  async #ask(record: CertificateRecord, settings: AcmeSettings, before: Known | undefined): Promise<void> {
    const { ask, userAgent, signal, nowMs, log } = this.#options;
    const { name, cert } = record;
    try {
      const info = await ask(settings, cert, { userAgent, signal });
      const wishedMs = info && chosenTime(info, record);
      if (info !== undefined && wishedMs !== before?.wishedMs)
        log('info', `certificate ${name}: ${textOf(info)}`);
      const askAtMs = nowMs() + bounded(info === undefined ? LONGEST_MS : (info.retryAfterMs ?? USUAL_MS));
      this.#known.set(name, { cert, wishedMs, askAtMs, failures: 0 });
    } catch (error) {
      if (signal.aborted) return;
      const failures = (before?.failures ?? 0) + 1;
      const wished = error instanceof AcmeProblem ? (error.retryAfterMs ?? 0) : 0;
      const ownMs = Math.min(USUAL_MS, SHORTEST_MS * 2 ** Math.min(failures - 1, 20));
      if (failures === 1)
        log('warn', `certificate ${name}: the authority does not say when to renew it: ${messageOf(error)}`);
      const askAtMs = nowMs() + bounded(Math.max(wished, ownMs));
      this.#known.set(name, { cert, wishedMs: before?.wishedMs, askAtMs, failures });
    }
  }
}

/**
 * A time in the window, by chance, and the same on every node and after every restart. Whatever the window, a certificate is not ordered over and
 * over, nor left to its end.
 */
function chosenTime({ startMs, endMs }: RenewalInfo, { cert, issuedAtMs }: CertificateRecord): number {
  const { validFromDate, validToDate } = new X509Certificate(cert);
  const lifeMs = validToDate.getTime() - validFromDate.getTime();
  const chance = createHash('sha256').update(cert).digest().readUInt32BE() / 2 ** 32;
  const wishedMs = Math.round(startMs + (endMs - startMs) * chance);
  const latestMs = validToDate.getTime() - lifeMs / 20;
  return Math.max(issuedAtMs + Math.min(HOUR_MS, lifeMs / 10), Math.min(wishedMs, latestMs));
}

function bounded(ms: number): number {
  return Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms));
}

function textOf({ startMs, endMs, explanation }: RenewalInfo): string {
  const [start, end] = [startMs, endMs].map((ms) => new Date(ms).toISOString());
  const why = explanation === undefined ? '' : ` (${explanation})`;
  return `its authority would have it renewed between ${start} and ${end}${why}`;
}
