import { X509Certificate } from 'node:crypto';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { failureAnswer, problemBody } from '../gateway/failure.ts';
import { compileForwarding } from '../gateway/forwarding.ts';
import { PROXY_HEADER_MAX_BYTES, parseProxyHeader } from '../http/proxy-protocol.ts';
import { statusLine } from '../http/serialise.ts';
import { normaliseAddress } from '../lib/cidr.ts';
import type { DataPlaneConfig } from './config.ts';
import { ServerConnection } from './connection.ts';
import type { ConnectionCounter } from './connection-counter.ts';
import type { BoundListener, ServerListener, WorkerRuntime } from './runtime.ts';
import type { ListenerConfig } from './schema.ts';

type Certificates = DataPlaneConfig['certificates'];

/** Listening with a longer queue than Node's 511: a burst of new connections must not be refused by the kernel. */
const BACKLOG = 4096;

/** What of a listener cannot change while its socket stays. */
export function socketKey(config: ListenerConfig): string {
  return `${config.protocol} ${config.address} ${config.port} ${config.proxyProtocol}`;
}

/** A listener in one worker: its socket, and the connections that came by it. */
export class Listener implements BoundListener {
  current: ServerListener;
  readonly connections = new Set<ServerConnection>();
  readonly #worker: WorkerRuntime;
  readonly #counter: ConnectionCounter;
  readonly #server: net.Server;
  /** Connections that have not begun to speak HTTP: a TLS or PROXY handshake is going on. */
  readonly #greeting = new Set<net.Socket>();
  /** Takes connections whose PROXY header was read; the same as `#server` otherwise. */
  readonly #tls: tls.Server | undefined;
  #draining = false;

  constructor(
    name: string,
    config: ListenerConfig,
    certificates: Certificates,
    worker: WorkerRuntime,
    counter: ConnectionCounter,
  ) {
    this.current = serverListener(name, config, config.port);
    this.#worker = worker;
    this.#counter = counter;
    const plain = (socket: net.Socket): void => this.#accept(socket);
    this.#tls =
      config.protocol === 'https'
        ? tls.createServer({ ...tlsOptions(config, certificates), ...SOCKET }, this.#secured)
        : undefined;
    this.#tls?.on('tlsClientError', (_error, socket) => socket.destroy());
    this.#server = net.createServer(SOCKET, plain);
  }

  /** Rejects with the system's error (EADDRINUSE, EACCES) when it cannot listen. */
  listen(reusePort: boolean): Promise<void> {
    const { address, port } = this.current.config;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: address, port, backlog: BACKLOG, reusePort }, () => {
        this.#server.off('error', reject);
        // Out of descriptors and the like: the connection is lost, the listener is not.
        this.#server.on('error', () => {});
        this.current = serverListener(this.current.name, this.current.config, this.address.port);
        resolve();
      });
    });
  }

  get address(): { address: string; port: number } {
    const bound = this.#server.address();
    if (bound === null || typeof bound === 'string')
      return { address: this.current.config.address, port: this.current.config.port };
    return { address: bound.address, port: bound.port };
  }

  /** Connections close after the request that they are at. */
  get draining(): boolean {
    return this.#draining || this.#worker.draining;
  }

  /** Throws when a listener could not be made or updated with these settings. */
  static check(config: ListenerConfig, certificates: Certificates): void {
    if (config.protocol === 'https') tlsOptions(config, certificates);
  }

  /** Takes over another configuration of the same socket. */
  update(name: string, config: ListenerConfig, certificates: Certificates): void {
    this.current = serverListener(name, config, this.address.port);
    this.#tls?.setSecureContext(tlsOptions(config, certificates));
  }

  /** Accepts no more; open connections stay. */
  close(): void {
    this.#server.close();
  }

  /** Idle connections close, busy ones after their answer; then `done` is called. */
  drain(done?: () => void): void {
    this.#server.close(done);
    this.#draining = true;
    for (const socket of this.#greeting) socket.destroy();
    for (const connection of [...this.connections]) connection.drain();
  }

  destroy(): void {
    for (const socket of this.#greeting) socket.destroy();
    for (const connection of [...this.connections]) connection.destroy();
  }

  #accept(socket: net.Socket): void {
    const peer = normaliseAddress(socket.remoteAddress ?? '');
    const { limits } = this.current.config;
    if (!this.#counter.enter(this.current.name, peer, limits)) {
      refuseConnection(socket, this.#tls !== undefined);
      return;
    }
    socket.once('close', () => this.#counter.leave(this.current.name, peer));
    if (this.current.config.proxyProtocol) this.#readProxyHeader(socket, peer);
    else this.#greet(socket, peer);
  }

  #greet(socket: net.Socket, peer: string): void {
    if (this.#tls === undefined) return this.#open(socket, peer);
    this.#hold(socket);
    peers.set(socket, peer);
    this.#tls.emit('connection', socket);
  }

  readonly #secured = (socket: tls.TLSSocket): void => {
    const carrier = (socket as unknown as { _parent?: net.Socket })._parent ?? socket;
    this.#greeting.delete(carrier);
    this.#open(socket, peers.get(carrier) ?? normaliseAddress(socket.remoteAddress ?? ''));
  };

  #open(socket: net.Socket, peer: string): void {
    const connection = new ServerConnection(socket, this, this.#worker, peer);
    this.connections.add(connection);
    socket.once('close', () => this.connections.delete(connection));
    if (this.draining) connection.drain();
  }

  /** A handshake that does not end is a slow client too. */
  #hold(socket: net.Socket): void {
    this.#greeting.add(socket);
    const timer = setTimeout(
      () => this.#greeting.has(socket) && socket.destroy(),
      this.current.config.timeouts.head || 0x7fffffff,
    );
    timer.unref();
    socket.once('close', () => {
      clearTimeout(timer);
      this.#greeting.delete(socket);
    });
    socket.on('error', ignore);
  }

  #readProxyHeader(socket: net.Socket, peer: string): void {
    const { forwarding } = this.current;
    // Without a list of proxies everybody who reaches the listener is one: the operator said that every connection begins so.
    if (this.current.config.forwarding.trust.length > 0 && !forwarding.trusts(peer)) {
      socket.destroy();
      return;
    }
    this.#hold(socket);
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
      this.#greeting.delete(socket);
      if (received.length > header.bytes) socket.unshift(received.subarray(header.bytes));
      this.#greet(socket, header.source === undefined ? peer : normaliseAddress(header.source.address));
      if (this.#tls === undefined) socket.resume();
    };
    socket.on('data', read);
  }
}

/** Addresses of connections whose TLS handshake is going on. */
const peers = new WeakMap<net.Socket, string>();

const SOCKET = {
  noDelay: true,
  allowHalfOpen: true,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;

function ignore(): void {}

const TOO_MANY_BODY = problemBody(failureAnswer('too_many_connections'), '');
const TOO_MANY = `${statusLine(503)}Content-Type: application/problem+json\r\nContent-Length: ${TOO_MANY_BODY.length}\r\nRetry-After: 1\r\nConnection: close\r\n\r\n${TOO_MANY_BODY}`;

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

/** Throws the error of OpenSSL when a certificate or key is unusable. */
function tlsOptions(config: ListenerConfig, certificates: Certificates): tls.TlsOptions {
  const names = config.tls?.certificates ?? [];
  const pairs = names.map((name) => {
    const pair = certificates[name];
    if (pair === undefined) throw new Error(`the certificate ${name} does not exist`);
    return {
      pair,
      context: tls.createSecureContext({ ...pair, minVersion: minVersion(config) }),
      hosts: certificateHosts(pair.cert),
    };
  });
  const first = pairs[0];
  if (first === undefined) throw new Error('an https listener needs a certificate');
  return {
    cert: first.pair.cert,
    key: first.pair.key,
    minVersion: minVersion(config),
    ALPNProtocols: ['http/1.1'],
    SNICallback: (serverName, done) => {
      const name = serverName.toLowerCase();
      const found =
        pairs.find((pair) => pair.hosts.has(name)) ??
        pairs.find((pair) => pair.hosts.has(`*.${name.slice(name.indexOf('.') + 1)}`));
      done(null, (found ?? first).context);
    },
  };
}

function minVersion(config: ListenerConfig): tls.SecureVersion {
  return config.tls?.minVersion === '1.3' ? 'TLSv1.3' : 'TLSv1.2';
}

function certificateHosts(pem: string): ReadonlySet<string> {
  const names = new X509Certificate(pem).subjectAltName ?? '';
  return new Set(names.split(',').flatMap((part) => /^\s*DNS:(.+)$/.exec(part)?.[1]?.toLowerCase() ?? []));
}

/** RFC 9110 section 15.6.4. A TLS client would need a handshake first, which is what the limit is to save. */
function refuseConnection(socket: net.Socket, secure: boolean): void {
  socket.on('error', ignore);
  if (secure) {
    socket.destroy();
    return;
  }
  socket.end(TOO_MANY, () => socket.destroy());
}
