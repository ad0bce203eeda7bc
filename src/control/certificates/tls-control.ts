import { X509Certificate } from 'node:crypto';
import { isMustStaple } from '../../lib/must-staple.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import type { TlsNews } from '../../server/tls/tls-news.ts';
import type { Stapler, StaplerOptions } from './ocsp/stapler.ts';
import { TicketSecrets, type TicketSettings } from './ticket-secrets.ts';

export interface TlsControlOptions {
  readonly publish: (news: TlsNews) => void;
  readonly log: StaplerOptions['log'];
}

/** What the metrics tell of certificates. */
export interface TlsStatus {
  readonly certificates: readonly { readonly name: string; readonly validToMs: number }[];
  /** Those of listeners that demand an OCSP response (RFC 7633), and whether a fresh one goes with them. */
  readonly mustStaple: readonly { readonly name: string; readonly isStapled: boolean }[];
  readonly staples: number;
  readonly stapleFailures: number;
}

/** The main thread's part in TLS: secrets of session tickets, OCSP responses, and when certificates end. */
export class TlsControl {
  readonly #options: TlsControlOptions;
  readonly #tickets: TicketSecrets;
  #stapler: Stapler | undefined;
  #facts = new Map<string, Facts>();
  /** Names of those that listeners have. */
  #shown: ReadonlySet<string> = new Set();
  #isClosed = false;

  constructor(options: TlsControlOptions) {
    this.#options = options;
    this.#tickets = new TicketSecrets({
      publish: (secrets) => options.publish({ kind: 'ticketSecrets', secrets }),
      nowMs: Date.now,
    });
  }

  /** Follows the configuration in force. */
  async configure(
    config: Pick<DataPlaneConfig, 'listeners' | 'certificates'>,
    tickets: TicketSettings,
  ): Promise<void> {
    const { certificates } = config;
    const listeners = Object.values(config.listeners).filter(({ protocol }) => protocol === 'https');
    if (listeners.length > 0) this.#tickets.configure(tickets);
    const facts = new Map<string, Facts>();
    for (const [name, { cert }] of Object.entries(certificates)) {
      const known = this.#facts.get(name);
      facts.set(name, known?.cert === cert ? known : factsOf(cert));
    }
    this.#facts = facts;
    this.#shown = new Set(listeners.flatMap(({ tls }) => tls?.certificates ?? Object.keys(certificates)));
    const stapled = new Set(
      listeners.flatMap(({ tls }) =>
        tls?.stapling === true ? (tls.certificates ?? Object.keys(certificates)) : [],
      ),
    );
    if (stapled.size === 0 && this.#stapler === undefined) return;
    const { Stapler: Loaded } = await import('./ocsp/stapler.ts');
    if (this.#isClosed) return;
    this.#stapler ??= new Loaded({
      publish: (staples) => this.#options.publish({ kind: 'staples', staples }),
      log: this.#options.log,
      nowMs: Date.now,
      random: Math.random,
    });
    this.#stapler.configure(
      [...stapled].flatMap((name) => {
        const pair = certificates[name];
        return pair === undefined ? [] : [[name, pair.cert] as const];
      }),
    );
  }

  /** What a new worker has to know. */
  news(): readonly TlsNews[] {
    const news: TlsNews[] = [];
    const { current } = this.#tickets;
    if (current.length > 0) news.push({ kind: 'ticketSecrets', secrets: current });
    if (this.#stapler !== undefined) news.push({ kind: 'staples', staples: this.#stapler.staples });
    return news;
  }

  status(): TlsStatus {
    const staples = this.#stapler?.staples;
    return {
      certificates: Array.from(this.#facts, ([name, { validToMs }]) => ({ name, validToMs })),
      mustStaple: Array.from(this.#facts).flatMap(([name, { fingerprint, mustStaple }]) =>
        mustStaple && this.#shown.has(name) ? [{ name, isStapled: staples?.has(fingerprint) ?? false }] : [],
      ),
      staples: staples?.size ?? 0,
      stapleFailures: this.#stapler?.failures ?? 0,
    };
  }

  close(): void {
    this.#isClosed = true;
    this.#tickets.close();
    this.#stapler?.close();
  }
}

/** What is kept of a certificate. */
interface Facts {
  readonly cert: string;
  readonly validToMs: number;
  readonly fingerprint: string;
  readonly mustStaple: boolean;
}

function factsOf(cert: string): Facts {
  const leaf = new X509Certificate(cert);
  const { validToDate, fingerprint256: fingerprint } = leaf;
  return { cert, validToMs: validToDate.getTime(), fingerprint, mustStaple: isMustStaple(leaf) };
}
