import { once } from 'node:events';
import * as net from 'node:net';
import * as tls from 'node:tls';
import { type ListenerConfig, listenerSchema } from '../schema.ts';
import type { Certificates } from './certificate-table.ts';
import { whenHello } from './hello-reader.ts';
import { ListenerTls } from './listener-tls.ts';
import { WorkerTls } from './worker-tls.ts';

/** A listener with `tls` as it is written, its defaults filled in. */
export function httpsListener(settings: Record<string, unknown>): ListenerConfig {
  return listenerSchema.parse({ port: 0, protocol: 'https', tls: settings });
}

/** What became of a handshake: the common name of the certificate, or the alert. */
export interface Met {
  readonly name?: string;
  readonly alert?: string;
  readonly protocol?: string | null;
  readonly alpn?: string | false | null;
  readonly cipher?: string;
  readonly isReused?: boolean;
}

/** A listener's TLS on a socket of its own; each connection gets one octet once its handshake is done. */
export class TlsHarness {
  readonly worker: WorkerTls;
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #tls: ListenerTls;

  private constructor(config: ListenerConfig, certificates: Certificates, worker: WorkerTls) {
    this.worker = worker;
    this.#tls = new ListenerTls(config, certificates, worker, secured);
    this.#server = net.createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('close', () => this.#sockets.delete(socket));
      whenHello(socket, (hello) => this.#tls.accept(socket, hello));
    });
  }

  static async listen(
    settings: Record<string, unknown>,
    certificates: Certificates,
    worker = new WorkerTls(),
  ): Promise<TlsHarness> {
    const harness = new TlsHarness(httpsListener(settings), certificates, worker);
    harness.#server.listen(0, '127.0.0.1');
    await once(harness.#server, 'listening');
    return harness;
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  update(settings: Record<string, unknown>, certificates: Certificates): void {
    this.#tls = new ListenerTls(httpsListener(settings), certificates, this.worker, secured, this.#tls);
  }

  connect(options: tls.ConnectionOptions): tls.TLSSocket {
    return tls.connect({ port: this.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  }

  /** A session of a client, to be taken up again. */
  async session(options: tls.ConnectionOptions = {}): Promise<Buffer> {
    const client = this.connect(options);
    const [session] = (await once(client, 'session')) as [Buffer];
    client.destroy();
    return session;
  }

  /** One handshake. */
  async meet(options: tls.ConnectionOptions = {}): Promise<Met> {
    const client = this.connect(options);
    const closed = once(client, 'close');
    try {
      await once(client, 'secureConnect');
      const met = {
        name: String(client.getPeerCertificate().subject?.CN),
        protocol: client.getProtocol(),
        alpn: client.alpnProtocol,
        cipher: client.getCipher().name,
        isReused: client.isSessionReused(),
      };
      await Promise.race([once(client, 'data'), closed]);
      return met;
    } catch (error) {
      return { alert: String((error as NodeJS.ErrnoException).code) };
    } finally {
      client.destroy();
      await closed.catch(() => {});
    }
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }
}

function secured(socket: tls.TLSSocket): void {
  socket.on('error', () => socket.destroy());
  socket.write('.');
}
