import { X509Certificate } from 'node:crypto';
import { messageOf } from '../../../lib/message-of.ts';
import { certificateBlocks } from '../../../lib/pem.ts';
import { type CertificateId, certificateId, checkResponse, ocspRequest } from './message.ts';

export interface StaplerOptions {
  /** Told of all responses that are fresh, by the fingerprint of their certificate, whenever one changes. */
  readonly publish: (staples: ReadonlyMap<string, Uint8Array>) => void;
  readonly log: (level: 'info' | 'warn', message: string, detail?: unknown) => void;
  readonly nowMs: () => number;
  readonly random: () => number;
}

/** A certificate whose responder is asked. */
interface Watched {
  /** In the configuration, for the log. */
  readonly name: string;
  readonly url: string;
  readonly id: CertificateId;
  readonly issuer: X509Certificate;
  response: Buffer | undefined;
  endsMs: number;
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

const RESPONSE_MAX_BYTES = 64 * 1024;
const REQUEST_MS = 10_000;
const FIRST_RETRY_MS = 60_000;
const LONGEST_RETRY_MS = 3_600_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;

/**
 * Asks the OCSP responders of certificates what is to go with them (RFC 6066 section 8), and asks again halfway to the end of each
 * response. A failure leaves the response that there is until its end, and is tried again, after a minute at first and an hour at most.
 */
export class Stapler {
  readonly #options: StaplerOptions;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #failures = 0;

  constructor(options: StaplerOptions) {
    this.#options = options;
  }

  /** How often a responder gave no response that can be used. */
  get failures(): number {
    return this.#failures;
  }

  get staples(): ReadonlyMap<string, Uint8Array> {
    const found = new Map<string, Uint8Array>();
    for (const [fingerprint, { response }] of this.#watched)
      if (response !== undefined) found.set(fingerprint, response);
    return found;
  }

  /** Watches these certificates, by name, and no others: those that name a responder, and whose issuer is in the chain. */
  configure(chains: Iterable<readonly [name: string, pem: string]>): void {
    const wanted = new Map<string, Watched>();
    for (const [name, pem] of chains) this.#add(name, pem, wanted);
    for (const [fingerprint, { timer }] of this.#watched) {
      if (wanted.has(fingerprint)) continue;
      clearTimeout(timer);
      this.#watched.delete(fingerprint);
    }
    for (const [fingerprint, watched] of wanted) {
      if (this.#watched.has(fingerprint)) continue;
      this.#watched.set(fingerprint, watched);
      void this.#refresh(fingerprint, watched);
    }
    this.#options.publish(this.staples);
  }

  close(): void {
    this.#closed.abort();
    for (const { timer } of this.#watched.values()) clearTimeout(timer);
    this.#watched.clear();
  }

  #add(name: string, pem: string, wanted: Map<string, Watched>): void {
    const [leaf, issuer] = certificateBlocks(pem)
      .slice(0, 2)
      .map((block) => new X509Certificate(block));
    const known = leaf === undefined ? undefined : this.#watched.get(leaf.fingerprint256);
    if (leaf === undefined) return;
    if (known !== undefined) {
      wanted.set(leaf.fingerprint256, known);
      return;
    }
    const url = /^OCSP - URI:(https?:\/\/\S+)$/m.exec(leaf.infoAccess ?? '')?.[1];
    if (url === undefined) return;
    if (issuer === undefined || !leaf.checkIssued(issuer) || !leaf.verify(issuer.publicKey)) {
      this.#options.log('warn', `certificate ${name}: no OCSP, since the chain does not have its issuer`);
      return;
    }
    wanted.set(leaf.fingerprint256, {
      name,
      url,
      id: certificateId(leaf, issuer),
      issuer,
      response: undefined,
      endsMs: 0,
      failures: 0,
      timer: undefined,
    });
  }

  async #refresh(fingerprint: string, watched: Watched): Promise<void> {
    const { nowMs, random } = this.#options;
    let wait: number;
    try {
      const response = await this.#ask(watched);
      const outcome = checkResponse(response, watched.id, watched.issuer, nowMs());
      if (outcome.kind === 'refused') throw new Error(outcome.reason);
      if (watched.failures > 0)
        this.#options.log('info', `certificate ${watched.name}: its OCSP responder answers again`);
      watched.response = response;
      watched.endsMs = outcome.nextUpdateMs;
      watched.failures = 0;
      const left = outcome.nextUpdateMs - nowMs();
      // Not all nodes at once.
      wait = Math.max(Math.min(left, FIRST_RETRY_MS), left * (0.4 + 0.2 * random()));
    } catch (error) {
      if (this.#closed.signal.aborted) return;
      this.#failures++;
      wait = Math.min(FIRST_RETRY_MS * 2 ** watched.failures, LONGEST_RETRY_MS) * (0.8 + 0.4 * random());
      if (watched.failures++ === 0)
        this.#options.log('warn', `certificate ${watched.name}: no OCSP response: ${messageOf(error)}`);
      if (watched.endsMs <= nowMs()) watched.response = undefined;
      else wait = Math.min(wait, watched.endsMs - nowMs());
    }
    if (this.#watched.get(fingerprint) !== watched) return;
    watched.timer = setTimeout(
      () => void this.#refresh(fingerprint, watched),
      Math.min(wait, LONGEST_WAIT_MS),
    ).unref();
    this.#options.publish(this.staples);
  }

  async #ask({ url, id }: Watched): Promise<Buffer> {
    const answer = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/ocsp-request', accept: 'application/ocsp-response' },
      body: new Uint8Array(ocspRequest(id)),
      redirect: 'error',
      signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(REQUEST_MS)]),
    });
    if (answer.status !== 200 || answer.body === null) {
      await answer.body?.cancel();
      throw new Error(`the responder answers ${answer.status}`);
    }
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const piece of answer.body as AsyncIterable<Uint8Array>) {
      length += piece.length;
      if (length > RESPONSE_MAX_BYTES) throw new Error('the response is too long');
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }
}
