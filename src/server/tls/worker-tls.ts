import * as tls from 'node:tls';
import type { CertificatePair } from './certificate-table.ts';
import type { TlsNews } from './tls-news.ts';

/** Certificates by which domains are proved to a certificate authority (RFC 8737), by name in small letters. */
export type Challenges = ReadonlyMap<string, CertificatePair>;

/** RFC 8737 section 3. */
export const CHALLENGE_PROTOCOL = 'acme-tls/1';

/** Clients refuse a certificate that demands a response and comes without; but they do not wait for long either. */
const FIRST_STAPLE_MS = 5000;

/** What the TLS of all listeners of a worker shares, and the main thread may change at any time. */
export class WorkerTls {
  #provers: ReadonlyMap<string, tls.Server> = new Map();
  #ticketSecrets: readonly Uint8Array[] = [];
  #staples: ReadonlyMap<string, Buffer> = new Map();
  /** Who waits for the first response of a certificate, by its fingerprint; nobody does where there is no entry. */
  readonly #awaited = new Map<string, Set<(staple: Buffer | undefined) => void>>();

  /** None: each server makes tickets that itself alone can open. */
  get ticketSecrets(): readonly Uint8Array[] {
    return this.#ticketSecrets;
  }

  receive(news: TlsNews): void {
    switch (news.kind) {
      case 'ticketSecrets':
        this.#ticketSecrets = news.secrets;
        return;
      case 'staples':
        this.#staples = new Map(Array.from(news.staples, ([name, der]) => [name, Buffer.from(der)]));
        for (const fingerprint of this.#awaited.keys())
          if (this.#staples.has(fingerprint)) this.#goOn(fingerprint);
        return;
    }
  }

  /** From now on a handshake waits for the first OCSP response of a certificate, until that is there or for some seconds at most. */
  awaitStaple(fingerprint: string): void {
    if (this.#staples.has(fingerprint) || this.#awaited.has(fingerprint)) return;
    this.#awaited.set(fingerprint, new Set());
    setTimeout(() => this.#goOn(fingerprint), FIRST_STAPLE_MS).unref();
  }

  /** Gives the OCSP response that goes with a certificate; undefined where there is none that is fresh. At once, unless it is awaited. */
  giveStaple(fingerprint: string, give: (staple: Buffer | undefined) => void): void {
    const waiting = this.#awaited.get(fingerprint);
    if (waiting === undefined) give(this.#staples.get(fingerprint));
    else waiting.add(give);
  }

  #goOn(fingerprint: string): void {
    const waiting = this.#awaited.get(fingerprint) ?? [];
    this.#awaited.delete(fingerprint);
    for (const give of waiting) give(this.#staples.get(fingerprint));
  }

  /**
   * From the next handshake on, a client that offers the protocol `acme-tls/1` and no other gets the certificate of the name
   * that it asks for; its connection is closed when the handshake is done. These are all: those of before are over. Throws the
   * error of OpenSSL when one is unusable; those of before stay then.
   */
  setChallenges(challenges: Challenges): void {
    this.#provers = new Map(Array.from(challenges, ([name, pair]) => [name, proverOf(pair)]));
  }

  /** The TLS server, without a socket of its own, that shows the certificate of a challenge. */
  prover(serverName: string): tls.Server | undefined {
    return this.#provers.get(serverName);
  }
}

/** Shows a certificate and closes: nothing else is ever said in this protocol. */
function proverOf(pair: CertificatePair): tls.Server {
  const server = tls.createServer({ ...pair, ALPNProtocols: [CHALLENGE_PROTOCOL] });
  server.on('secureConnection', (socket) => socket.on('error', () => socket.destroy()).end());
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return server;
}
