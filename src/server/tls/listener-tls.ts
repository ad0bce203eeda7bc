import { createHash } from 'node:crypto';
import type * as net from 'node:net';
import * as tls from 'node:tls';
import type { ListenerConfig } from '../schema.ts';
import { type Certificates, CertificateTable, type TableEntry } from './certificate-table.ts';
import type { ClientHello } from './client-hello.ts';
import { secureOptions } from './profiles.ts';
import { CHALLENGE_PROTOCOL, type WorkerTls } from './worker-tls.ts';

/** Takes a connection whose handshake is done. */
export type Secured = (socket: tls.TLSSocket) => void;

/** A certificate, and the TLS server that shows it: it has no socket of its own. */
interface Shown {
  readonly entry: TableEntry;
  readonly server: tls.Server;
}

/** Alert records: fatal, before any key is agreed on (RFC 8446 sections 5.1 and 6.2). */
const UNRECOGNIZED_NAME = Buffer.from([21, 3, 3, 0, 2, 2, 112]);

/**
 * TLS of one listener with one configuration. Which certificate a client gets is decided by its ClientHello, before OpenSSL sees it;
 * the handshake itself is then that of a TLS server with this one certificate.
 */
export class ListenerTls {
  readonly #config: ListenerConfig;
  readonly #worker: WorkerTls;
  readonly #secured: Secured;
  readonly #table: CertificateTable;
  readonly #options: tls.TlsOptions;
  readonly #shown = new Map<TableEntry, Shown>();

  /** Takes over from `before` what did not change. Throws when a certificate is missing or unusable, with the error of OpenSSL. */
  constructor(
    config: ListenerConfig,
    certificates: Certificates,
    worker: WorkerTls,
    secured: Secured,
    before?: ListenerTls,
  ) {
    this.#config = config;
    this.#worker = worker;
    this.#secured = secured;
    this.#options = { ...secureOptions(config), ...clientAuthOptions(config) };
    this.#table = new CertificateTable(config, certificates);
    const known = before === undefined ? new Map<string, Shown>() : before.#sameAs(this.#options);
    for (const entry of this.#table.entries)
      this.#shown.set(entry, {
        entry,
        server: known.get(keyOf(entry.pair))?.server ?? this.#serverOf(entry),
      });
  }

  /** Begins a handshake with a client whose first octets are read and put back. */
  accept(socket: net.Socket, hello: ClientHello | undefined): void {
    if (hello === undefined) return this.#shake(socket, this.#table.fallback);
    const { protocols, serverName = '' } = hello;
    if (protocols.length === 1 && protocols[0] === CHALLENGE_PROTOCOL) {
      const prover = this.#worker.prover(serverName);
      if (prover !== undefined) {
        prover.emit('connection', socket);
        return;
      }
    }
    const found = this.#table.find(hello);
    const isRefused = found.kind === 'unknown' && this.#config.tls?.unknownNames === 'refuse';
    this.#shake(socket, isRefused ? undefined : found.entry);
  }

  #shake(socket: net.Socket, entry: TableEntry | undefined): void {
    const shown = entry === undefined ? undefined : this.#shown.get(entry);
    if (shown === undefined) {
      // RFC 6066 section 3
      socket.end(UNRECOGNIZED_NAME);
      socket.once('finish', () => socket.destroy());
      return;
    }
    shown.server.emit('connection', socket);
  }

  /** The servers with these options, by certificate and key. */
  #sameAs(options: tls.TlsOptions): Map<string, Shown> {
    if (digestOf(options) !== digestOf(this.#options)) return new Map();
    return new Map(Array.from(this.#shown.values(), (shown) => [keyOf(shown.entry.pair), shown]));
  }

  #serverOf({ pair, fingerprint }: TableEntry): tls.Server {
    const server = tls.createServer({
      ...this.#options,
      ...pair,
      ALPNProtocols: ['http/1.1'],
      allowHalfOpen: true,
      // The listener has a limit of its own.
      handshakeTimeout: 0x7fffffff,
      // A session is good for what it was made with: the same certificate, and the same authorities of clients' certificates.
      sessionIdContext: digestOf([fingerprint, this.#options]).slice(0, 32),
    });
    server.on('secureConnection', this.#secured);
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }
}

/** Whether clients are asked for a certificate, and refused without. */
function clientAuthOptions({ tls: settings }: ListenerConfig): {
  readonly requestCert: boolean;
  readonly rejectUnauthorized: boolean;
} {
  const mode = settings?.clientAuth?.mode;
  return { requestCert: mode !== undefined, rejectUnauthorized: mode === 'require' };
}

function keyOf({ cert, key }: Certificates[string]): string {
  return `${cert}\n${key}`;
}

function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex');
}
