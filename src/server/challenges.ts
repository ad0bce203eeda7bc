import { answer } from '../gateway/answer.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { CertificatePair } from './tls/certificate-table.ts';

/** From the main thread to every worker: what ACME servers are to find from now on (RFC 8555 section 8). */
export interface ChallengesNews {
  readonly kind: 'challenges';
  /** Key authorizations of HTTP-01 by token. */
  readonly answers: Readonly<Record<string, string>>;
  /** Certificates of TLS-ALPN-01 by host, in PEM. */
  readonly certificates: Readonly<Record<string, CertificatePair>>;
}

const PREFIX = '/.well-known/acme-challenge/';

/** Answers of HTTP-01, while an ACME server may ask for some. */
export class HttpChallenges {
  readonly #answers: ReadonlyMap<string, string>;

  private constructor(answers: ReadonlyMap<string, string>) {
    this.#answers = answers;
  }

  /** undefined where there are none. */
  static from({ answers }: ChallengesNews): HttpChallenges | undefined {
    const entries = Object.entries(answers);
    return entries.length === 0 ? undefined : new HttpChallenges(new Map(entries));
  }

  /**
   * Answers a request for a token that is known, before any route or policy sees it: the server may come from anywhere, and asks over
   * plain HTTP (section 8.3). Every other request is left alone.
   */
  take(exchange: Exchange): boolean {
    const { method, path } = exchange.request;
    if (!path.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return false;
    const body = this.#answers.get(path.slice(PREFIX.length));
    if (body === undefined) return false;
    answer(exchange, { status: 200, headers: HEADERS, body });
    return true;
  }
}

const HEADERS = { 'Content-Type': 'application/octet-stream', 'Cache-Control': 'no-store' };
