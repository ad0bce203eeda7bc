import * as net from 'node:net';
import type * as tls from 'node:tls';
import { failureAnswer, problemBody } from '../gateway/failure.ts';
import { compileForwarding } from '../gateway/forwarding.ts';
import { PROXY_HEADER_MAX_BYTES, parseProxyHeader } from '../http/proxy-protocol.ts';
import { statusLine } from '../http/serialise.ts';
import { normaliseAddress } from '../lib/cidr.ts';
import { readOwned } from '../lib/owned-socket.ts';
import { sameData } from '../lib/same-data.ts';
import type { DataPlaneConfig } from './config.ts';
import { ServerConnection } from './connection.ts';
import { ConnectionClient } from './connection-client.ts';
import type { ConnectionCounter } from './connection-counter.ts';
import type { BoundListener, OpenConnection, ServerListener, WorkerRuntime } from './runtime.ts';
import type { ListenerConfig } from './schema.ts';
import { whenHello } from './tls/hello-reader.ts';
import { ListenerTls } from './tls/listener-tls.ts';
import type { WorkerTls } from './tls/worker-tls.ts';

type Certificates = DataPlaneConfig['certificates'];

/** Listening with a longer queue than Node's 511: a burst of new connections must not be refused by the kernel. */
const BACKLOG = 4096;

const SOCKET = {
  noDelay: true,
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;

/** Told when connections come and go, for the metrics. */
export interface ListenerObserver {
  connectionOpened(listener: string): void;
  connectionClosed(listener: string): void;
}

/** What of a listener cannot change while its socket stays. */
export function socketKey(config: ListenerConfig): string {
  return `${config.protocol} ${config.address} ${config.port} ${config.proxyProtocol}`;
}

/** A listener in one worker: its socket, and the connections that came by it. */
export class Listener implements BoundListener {
  current: ServerListener;
  readonly connections = new Set<OpenConnection>();
  readonly #worker: WorkerRuntime;
  readonly #counter: ConnectionCounter;
  readonly #observer: ListenerObserver;
  readonly #server: net.Server;
  #tls: ListenerTls | undefined;
  readonly #workerTls: WorkerTls;
  /** What `check` made, for the `update` that follows. */
  #checked: { readonly config: ListenerConfig; readonly tls: ListenerTls | undefined } | undefined;
  /** Connections that do not speak HTTP yet: a TLS or PROXY handshake is going on. */
  readonly #greeting = new Map<net.Socket, string>();
  #draining = false;
  #emptied: (() => void) | undefined;

  /** Throws when a certificate is unusable. */
  constructor(
    name: string,
    config: ListenerConfig,
    certificates: Certificates,
    worker: WorkerRuntime,
    counter: ConnectionCounter,
    observer: ListenerObserver,
    workerTls: WorkerTls,
  ) {
    this.current = serverListener(name, config, config.port);
    this.#worker = worker;
    this.#counter = counter;
    this.#observer = observer;
    this.#workerTls = workerTls;
    this.#tls = this.#tlsFor(config, certificates);
    this.#server = net.createServer({ ...SOCKET, pauseOnConnect: true }, (socket) => this.#accept(socket));
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot listen. */
  listen(reusePort: boolean): Promise<void> {
    const { address, port } = this.current.config;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: address, port, backlog: BACKLOG, reusePort }, () => {
        this.#server.off('error', reject);
        // Out of descriptors and the like: the connection is lost, the listener is not.
        this.#server.on('error', ignore);
        this.current = serverListener(this.current.name, this.current.config, this.address.port);
        resolve();
      });
    });
  }

  get address(): { readonly address: string; readonly port: number } {
    const bound = this.#server.address();
    const { address, port } = this.current.config;
    return bound === null || typeof bound === 'string'
      ? { address, port }
      : { address: bound.address, port: bound.port };
  }

  /** Connections close after the request that they are at. */
  get draining(): boolean {
    return this.#draining || this.#worker.draining;
  }

  /** Takes over another configuration of the same socket. `check` must have passed. */
  update(name: string, config: ListenerConfig, certificates: Certificates): void {
    const before = this.current.config.tls?.clientAuth;
    this.current = serverListener(name, config, this.address.port);
    if (this.#tls === undefined) return;
    this.#tls = this.#checked?.config === config ? this.#checked.tls : this.#tlsFor(config, certificates);
    this.#checked = undefined;
    if (!sameData(before, config.tls?.clientAuth)) this.#forgetClients();
  }

  /** What was found out of clients' certificates, or not asked, holds as long as their connections: they have to come again. */
  #forgetClients(): void {
    for (const socket of this.#greeting.keys()) socket.destroy();
    for (const connection of [...this.connections]) connection.drain();
  }

  /** Throws when the listener could not be updated with these settings. */
  check(config: ListenerConfig, certificates: Certificates): void {
    this.#checked = { config, tls: this.#tlsFor(config, certificates) };
  }

  #tlsFor(config: ListenerConfig, certificates: Certificates): ListenerTls | undefined {
    if (config.protocol !== 'https') return undefined;
    return new ListenerTls(
      config,
      certificates,
      this.#workerTls,
      (socket, hosts) => this.#secured(socket, hosts),
      this.#tls,
    );
  }

  /** Accepts no more. Idle connections close, busy ones after their answer; then `emptied` is called. */
  drain(emptied?: () => void): void {
    this.#draining = true;
    this.#emptied = emptied;
    this.#server.close();
    for (const socket of this.#greeting.keys()) socket.destroy();
    for (const connection of [...this.connections]) connection.drain();
    this.#tellEmptied();
  }

  destroy(): void {
    this.#server.close();
    for (const socket of this.#greeting.keys()) socket.destroy();
    for (const connection of [...this.connections]) connection.abort();
  }

  onClosed(connection: OpenConnection): void {
    if (!this.connections.delete(connection)) return;
    this.#observer.connectionClosed(this.current.name);
    this.#counter.leave(this.current.name, connection.countedAs);
    this.#tellEmptied();
  }

  #tellEmptied(): void {
    if (this.connections.size > 0 || this.#greeting.size > 0) return;
    this.#emptied?.();
    this.#emptied = undefined;
  }

  #accept(socket: net.Socket): void {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) {
      // Reset before it was accepted. What it sent could be read still, and would be nobody's: no limit by address would count it.
      socket.destroy();
      return;
    }
    const peer = normaliseAddress(remoteAddress);
    const { proxyProtocol, limits } = this.current.config;
    // Behind a proxy the client's address is known, and counted, once the PROXY header is read.
    const counted = proxyProtocol ? '' : peer;
    if (
      this.#draining ||
      !this.#counter.enter(
        this.current.name,
        counted,
        proxyProtocol ? { ...limits, connectionsPerAddress: 0 } : limits,
      )
    ) {
      refuseConnection(socket, this.#tls !== undefined);
    } else if (proxyProtocol) {
      this.#hold(socket, counted);
      this.#readProxyHeader(socket, peer);
    } else if (this.#tls !== undefined) {
      this.#hold(socket, counted);
      this.#secure(socket, peer);
    } else {
      this.#open(socket, peer, counted);
    }
  }

  /** A handshake that does not end is a slow client too. */
  #hold(socket: net.Socket, counted: string): void {
    this.#greeting.set(socket, counted);
    const limit = this.current.config.timeouts.head;
    const timer =
      limit === 0
        ? undefined
        : setTimeout(() => this.#greeting.has(socket) && socket.destroy(), limit).unref();
    socket.on('error', ignore);
    socket.once('close', () => {
      clearTimeout(timer);
      const countedAs = this.#greeting.get(socket);
      if (countedAs === undefined) return;
      this.#greeting.delete(socket);
      this.#counter.leave(this.current.name, countedAs);
      this.#tellEmptied();
    });
  }

  /** Reads the PROXY header; who may send one is the operator's word, or `forwarding.trust` where that is set. */
  #readProxyHeader(socket: net.Socket, peer: string): void {
    const { config, forwarding } = this.current;
    if (config.forwarding.trust.length > 0 && !forwarding.trusts(peer)) {
      socket.destroy();
      return;
    }
    let received = Buffer.alloc(0);
    const read = (data: Buffer): void => {
      received = Buffer.concat([received, data]);
      const header = parseProxyHeader(received);
      if (header.kind === 'incomplete' && received.length <= PROXY_HEADER_MAX_BYTES) return;
      if (header.kind !== 'done') {
        socket.destroy();
        return;
      }
      socket.off('data', read);
      socket.pause();
      const client = header.source === undefined ? peer : normaliseAddress(header.source.address);
      if (!this.#recount(socket, client)) return;
      const early = received.subarray(header.bytes);
      if (early.length > 0) socket.unshift(early);
      if (this.#tls !== undefined) return this.#secure(socket, client);
      this.#greeting.delete(socket);
      this.#open(socket, client, client);
    };
    socket.on('data', read);
    // Connected and gone again, as health checks of load balancers do.
    socket.once('end', () => this.#greeting.has(socket) && socket.destroy());
    socket.resume();
  }

  /** Counts a connection under its client's address; one too many is refused. */
  #recount(socket: net.Socket, client: string): boolean {
    this.#counter.leave(this.current.name, '');
    const admitted = this.#counter.enter(this.current.name, client, this.current.config.limits);
    if (admitted) {
      this.#greeting.set(socket, client);
      return true;
    }
    this.#greeting.delete(socket);
    refuseConnection(socket, this.#tls !== undefined);
    this.#tellEmptied();
    return false;
  }

  #secure(socket: net.Socket, client: string): void {
    clients.set(socket, client);
    // Asked for when the hello is there: it may come after a reload.
    whenHello(socket, (hello) => this.#tls?.accept(socket, hello));
  }

  #secured(socket: tls.TLSSocket, hosts: ReadonlySet<string> | undefined): void {
    const carrier = (socket as unknown as { readonly _parent?: net.Socket })._parent ?? socket;
    const counted = this.#greeting.get(carrier) ?? '';
    this.#greeting.delete(carrier);
    this.#open(socket, clients.get(carrier) ?? counted, counted, hosts);
  }

  /** `peer` is the address that the connection is used with, `counted` the one that it was counted under. */
  #open(socket: net.Socket, peer: string, counted: string, hosts?: ReadonlySet<string>): void {
    const client = new ConnectionClient(socket, peer, hosts);
    const connection = new ServerConnection(socket, this, this.#worker, client, counted);
    this.connections.add(connection);
    this.#observer.connectionOpened(this.current.name);
    readOwned(socket);
    if (this.draining) connection.drain();
  }
}

/** What a PROXY header said of connections whose TLS handshake is going on. */
const clients = new WeakMap<net.Socket, string>();

function ignore(): void {}

function serverListener(name: string, config: ListenerConfig, port: number): ServerListener {
  return {
    name,
    config,
    scheme: config.protocol,
    port,
    forwarding: compileForwarding(config.forwarding),
    requestIdField: config.forwarding.requestId,
  };
}

const TOO_MANY_BODY = problemBody(failureAnswer('too_many_connections'), '');
const TOO_MANY = `${statusLine(503)}Content-Type: application/problem+json\r\nContent-Length: ${TOO_MANY_BODY.length}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n${TOO_MANY_BODY}`;

/** How long a refused connection is read on, so that a reset does not overtake the answer. */
const REFUSED_MS = 1000;

/** RFC 9110 section 15.6.4. A TLS client would need a handshake first, which is what the limit is to save. */
function refuseConnection(socket: net.Socket, secure: boolean): void {
  socket.on('error', ignore);
  if (secure) {
    socket.destroy();
    return;
  }
  socket.end(TOO_MANY);
  socket.once('end', () => socket.destroy());
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}
