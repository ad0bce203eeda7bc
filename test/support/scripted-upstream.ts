import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Changes, Gone } from './changes.ts';
import { RecordedSocket } from './recorded-socket.ts';

/** One connection that the gateway opened, as a script plays it. */
export class UpstreamConnection extends RecordedSocket {
  /** 0 for the first connection of the upstream. */
  readonly index: number;

  constructor(index: number, socket: Socket, onChange: () => void) {
    super(socket, onChange);
    this.index = index;
    socket.on('close', () => this.changes.end());
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** The head of the next request, without its empty line. Takes it. */
  async head(): Promise<string> {
    await this.until(() => this.rest.includes('\r\n\r\n'), 'a request head');
    const end = this.rest.indexOf('\r\n\r\n');
    const head = this.rest.toString('latin1', 0, end);
    this.taken += end + 4;
    return head;
  }

  /** Resolves when the text stands somewhere in what came. */
  async untilReceived(text: string): Promise<void> {
    await this.until(() => this.received.includes(text, 0, 'latin1'), JSON.stringify(text));
  }

  async send(data: string | Uint8Array): Promise<void> {
    // Also after the gateway closed its half: it may still read.
    if (!this.closed && !this.socket.destroyed) await this.write(data);
  }
}

/** What the upstream does with a connection. It may end with the connection open. */
export type Script = (connection: UpstreamConnection) => Promise<void> | void;

/** A server whose behaviour is a script, octet by octet. A script that throws makes `close` reject. */
export class ScriptedUpstream {
  readonly port: number;
  readonly connections: UpstreamConnection[] = [];
  readonly #server: Server;
  readonly #changes: Changes;
  readonly #failures: unknown[];
  readonly #sockets: ReadonlySet<Socket>;

  private constructor(
    server: Server,
    connections: UpstreamConnection[],
    changes: Changes,
    failures: unknown[],
    sockets: ReadonlySet<Socket>,
  ) {
    this.port = (server.address() as AddressInfo).port;
    this.connections = connections;
    this.#server = server;
    this.#changes = changes;
    this.#failures = failures;
    this.#sockets = sockets;
  }

  static async start(script: Script, tls?: TlsOptions): Promise<ScriptedUpstream> {
    const connections: UpstreamConnection[] = [];
    const changes = new Changes();
    const failures: unknown[] = [];
    const onConnection = (socket: Socket) => {
      const connection = new UpstreamConnection(connections.length, socket, () => changes.tell());
      connections.push(connection);
      changes.tell();
      // A script may wait for a next request: it ends with its connection.
      Promise.resolve(connection)
        .then(script)
        .catch((error: unknown) => {
          if (!(error instanceof Gone)) failures.push(error);
        });
    };
    const server = tls
      ? createTlsServer({ allowHalfOpen: true, ...tls }, onConnection)
      : createServer({ allowHalfOpen: true }, onConnection);
    // A handshake that fails makes no connection, and leaves a socket.
    const sockets = new Set<Socket>();
    if (tls) server.on('tlsClientError', () => {}).on('connection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new ScriptedUpstream(server, connections, changes, failures, sockets);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The nth connection, from 0, once it is there. */
  async connection(index: number): Promise<UpstreamConnection> {
    await this.#changes.until(() => this.connections.length > index, `upstream connection ${index}`);
    return this.connections[index] as UpstreamConnection;
  }

  async until(check: () => boolean, what: string): Promise<void> {
    await this.#changes.until(check, what);
  }

  /** Whoever connects from now on is refused. */
  async stopListening(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async close(): Promise<void> {
    for (const connection of this.connections) connection.close();
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if (this.#failures.length > 0)
      throw new AggregateError(
        this.#failures,
        `the script of the upstream failed: ${String(this.#failures[0])}`,
      );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

/** A short answer with a length. */
export function answer(status: number, body = '', fields: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Reason\r\n${lines.join('')}Content-Length: ${body.length}\r\n\r\n${body}`;
}
