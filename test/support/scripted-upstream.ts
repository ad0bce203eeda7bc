import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Changes, Gone } from './changes.ts';

/** One connection that the gateway opened, as a script plays it. */
export class UpstreamConnection {
  /** 0 for the first connection of the upstream. */
  readonly index: number;
  readonly socket: Socket;
  /** All that came, to the octet. */
  received: Buffer = Buffer.alloc(0);
  ended = false;
  closed = false;
  error: NodeJS.ErrnoException | undefined;
  readonly #changes = new Changes();
  #taken = 0;

  constructor(index: number, socket: Socket, onChange: () => void) {
    this.index = index;
    this.socket = socket;
    socket.setNoDelay(true);
    const changed = () => {
      this.#changes.tell();
      onChange();
    };
    socket.on('data', (data: Buffer) => {
      this.received = Buffer.concat([this.received, data]);
      changed();
    });
    socket.on('end', () => {
      this.ended = true;
      changed();
    });
    socket.on('error', (error) => {
      this.error = error;
    });
    socket.on('close', () => {
      this.closed = true;
      changed();
      this.#changes.end();
    });
  }

  /** Nothing can be sent any more. */
  get gone(): boolean {
    return this.ended || this.closed || this.socket.destroyed;
  }

  get text(): string {
    return this.received.toString('latin1');
  }

  /** The head of the next request, without its empty line. Takes it. */
  async head(): Promise<string> {
    const find = () => this.received.indexOf('\r\n\r\n', this.#taken);
    await this.#changes.until(
      () => find() !== -1,
      'a request head',
      () => this.#state(),
    );
    const end = find();
    const head = this.received.toString('latin1', this.#taken, end);
    this.#taken = end + 4;
    return head;
  }

  /** The next octets. Takes them. */
  async octets(count: number): Promise<Buffer> {
    await this.#changes.until(
      () => this.received.length >= this.#taken + count,
      `${count} octets`,
      () => this.#state(),
    );
    const octets = this.received.subarray(this.#taken, this.#taken + count);
    this.#taken += count;
    return octets;
  }

  /** Resolves when the text stands somewhere in what came. */
  async untilReceived(text: string): Promise<void> {
    await this.#changes.until(
      () => this.received.includes(text, 0, 'latin1'),
      JSON.stringify(text),
      () => this.#state(),
    );
  }

  async until(check: () => boolean, what: string): Promise<void> {
    await this.#changes.until(check, what, () => this.#state());
  }

  /** Resolves when the gateway closed its side or the connection is gone. */
  async untilEnded(): Promise<void> {
    await this.#changes.until(
      () => this.ended || this.closed,
      'the gateway to close',
      () => this.#state(),
    );
  }

  async untilClosed(): Promise<void> {
    await this.#changes.until(
      () => this.closed,
      'the connection to be gone',
      () => this.#state(),
    );
  }

  async send(data: string | Uint8Array): Promise<void> {
    const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
    if (this.closed || this.socket.destroyed) return;
    await new Promise<void>((resolve) => this.socket.write(octets, () => resolve()));
  }

  /** Closes the sending side alone. */
  halfClose(): void {
    this.socket.end();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  close(): void {
    this.socket.destroy();
  }

  #state(): string {
    return `received ${JSON.stringify(this.received.toString('latin1', this.#taken, this.#taken + 500))}, ended ${this.ended}, closed ${this.closed}`;
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
