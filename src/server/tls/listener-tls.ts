import { createHash } from 'node:crypto';
import type * as net from 'node:net';
import * as tls from 'node:tls';
import type { ListenerConfig } from '../schema.ts';
import { type Certificates, CertificateTable, type TableEntry } from './certificate-table.ts';
import type { ClientHello } from './client-hello.ts';
import { secureOptions } from './profiles.ts';
import { keyNameIn, ticketKeys } from './ticket-keys.ts';
import { CHALLENGE_PROTOCOL, type WorkerTls } from './worker-tls.ts';

/** Takes a connection whose handshake is done; `hosts` are those of its certificate, where requests for others are refused. */
export type Secured = (socket: tls.TLSSocket, hosts: ReadonlySet<string> | undefined) => void;

/** A certificate, and the TLS server that shows it: it has no socket of its own. */
interface Shown {
  readonly entry: TableEntry;
  readonly server: tls.Server;
  /** What its sessions are good for: the same certificate, and the same authorities of clients' certificates. */
  readonly purpose: string;
  /** Made of `madeOf`: the first for new tickets, all for those that clients show. */
  keys: readonly Buffer[];
  madeOf: readonly Uint8Array[] | undefined;
}

/** A session can be taken up again for so long, or until the key of its ticket is given up. */
const SESSION_SECONDS = 7200;

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
  readonly #settings: Settings;
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
    this.#settings = settingsOf(config);
    this.#table = new CertificateTable(config, certificates);
    const known = before === undefined ? new Map<string, Shown>() : before.#sameAs(this.#settings);
    for (const entry of this.#table.entries)
      this.#shown.set(entry, known.get(keyOf(entry.pair)) ?? this.#show(entry));
  }

  /** Begins a handshake with a client whose first octets are read and put back. */
  accept(socket: net.Socket, hello: ClientHello | undefined): void {
    const refusesUnknown = this.#config.tls?.unknownNames === 'refuse';
    if (hello === undefined)
      return this.#shake(socket, refusesUnknown ? undefined : this.#table.fallback, undefined);
    const { protocols, serverName = '' } = hello;
    if (protocols.length === 1 && protocols[0] === CHALLENGE_PROTOCOL) {
      const prover = this.#worker.prover(serverName);
      if (prover !== undefined) {
        prover.emit('connection', socket);
        return;
      }
    }
    const found = this.#table.find(hello);
    const isRefused = found.kind === 'unknown' && refusesUnknown;
    this.#shake(socket, isRefused ? undefined : found.entry, hello.ticketKeyName);
  }

  #shake(socket: net.Socket, entry: TableEntry | undefined, ticketKeyName: string | undefined): void {
    const shown = entry === undefined ? undefined : this.#shown.get(entry);
    if (shown === undefined) {
      // RFC 6066 section 3
      socket.end(UNRECOGNIZED_NAME);
      socket.once('finish', () => socket.destroy());
      return;
    }
    const { server } = shown;
    const [present] = this.#ticketKeys(shown);
    const former =
      ticketKeyName === undefined ? undefined : shown.keys.find((keys) => keyNameIn(keys) === ticketKeyName);
    if (former === undefined || former === present) {
      server.emit('connection', socket);
      return;
    }
    // A context has one key. Node hands the hello over in the next tick, and OpenSSL opens the ticket in it; with Node it makes no new ticket for
    // a session that is taken up. Should that change, sessions of a former key would begin anew, and no more.
    server.setTicketKeys(former);
    server.emit('connection', socket);
    process.nextTick(() => server.setTicketKeys(present as Buffer));
  }

  #ticketKeys(shown: Shown): readonly Buffer[] {
    const { ticketSecrets } = this.#worker;
    if (shown.madeOf === ticketSecrets) return shown.keys;
    shown.madeOf = ticketSecrets;
    shown.keys = ticketSecrets.map((secret) => ticketKeys(secret, shown.purpose));
    const [present] = shown.keys;
    if (present !== undefined) shown.server.setTicketKeys(present);
    return shown.keys;
  }

  /** The servers, by certificate and key, if those of this configuration would be alike. */
  #sameAs({ key }: Settings): Map<string, Shown> {
    if (key !== this.#settings.key) return new Map();
    return new Map(Array.from(this.#shown.values(), (shown) => [keyOf(shown.entry.pair), shown]));
  }

  #show(entry: TableEntry): Shown {
    const { pair, fingerprint } = entry;
    const purpose = digestOf([fingerprint, this.#settings.options]);
    const server = tls.createServer({
      ...this.#settings.options,
      ...pair,
      ALPNProtocols: ['http/1.1'],
      allowHalfOpen: true,
      // The listener has a limit of its own.
      handshakeTimeout: 0x7fffffff,
      sessionTimeout: SESSION_SECONDS,
      sessionIdContext: purpose.slice(0, 32),
    });
    const hosts = this.#config.tls?.strictHost === true ? entry.hosts : undefined;
    server.on('secureConnection', (socket) => this.#secured(socket, hosts));
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    if (this.#config.tls?.stapling === true) {
      if (entry.mustStaple) this.#worker.awaitStaple(fingerprint);
      server.on('OCSPRequest', (_certificate, _issuer, answer) =>
        this.#worker.giveStaple(fingerprint, (staple) => answer(null, staple ?? null)),
      );
    }
    return { entry, server, purpose, keys: [], madeOf: undefined };
  }
}

/** What the servers of all certificates of a listener are made with. */
interface Settings {
  readonly options: tls.TlsOptions;
  /** Equal where everything is. */
  readonly key: string;
}

function settingsOf(config: ListenerConfig): Settings {
  const options = { ...secureOptions(config), ...clientAuthOptions(config) };
  const { stapling, strictHost } = config.tls ?? {};
  return { options, key: digestOf([options, stapling, strictHost]) };
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
