import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { Changes } from './changes.ts';

/** A request as node:http understood it. */
export interface RecordedRequest {
  readonly method: string;
  readonly target: string;
  readonly version: string;
  /** Names in small letters, in order. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  readonly trailers: readonly (readonly [name: string, value: string])[];
}

/** node:http as a second opinion: what the gateway forwards is recorded as it was parsed, and what could not be is counted. */
export class RecordingUpstream {
  readonly requests: RecordedRequest[] = [];
  /** Octets that node:http refused, by its code of error: each is a fault of the gateway. */
  readonly refusals: string[] = [];
  /** Heads of requests that came, those included whose body never did. */
  heads = 0;
  readonly port: number;
  readonly #server: Server;
  readonly #changes = new Changes();

  private constructor(server: Server) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  static async start(): Promise<RecordingUpstream> {
    const server = createServer({
      maxHeaderSize: 256 * 1024,
      keepAliveTimeout: 0,
      requestTimeout: 0,
      headersTimeout: 0,
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const upstream = new RecordingUpstream(server);
    upstream.#record();
    return upstream;
  }

  #record(): void {
    const server = this.#server;
    const { requests, refusals } = this;
    const record = (request: IncomingMessage, body: Buffer) => {
      requests.push({
        method: request.method as string,
        target: request.url as string,
        version: request.httpVersion,
        fields: pairs(request.rawHeaders),
        body,
        trailers: pairs(request.rawTrailers),
      });
      this.#changes.tell();
    };
    server.on('request', (request, response) => {
      this.heads++;
      this.#changes.tell();
      const pieces: Buffer[] = [];
      request.on('data', (piece: Buffer) => pieces.push(piece));
      request.on('error', () => {});
      request.on('end', () => {
        record(request, Buffer.concat(pieces));
        response.setHeader('X-Number', String(requests.length));
        response.end(`request ${requests.length}`);
      });
    });
    for (const event of ['upgrade', 'connect'] as const) {
      server.on(event, (request: IncomingMessage, socket: Socket) => {
        record(request, Buffer.alloc(0));
        socket.destroy();
      });
    }
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
      // A request that the gateway gave up is no refusal: node:http sees that it is not whole.
      if (error.code !== 'ECONNRESET' && error.code !== 'HPE_INVALID_EOF_STATE')
        refusals.push(error.code ?? error.message);
      this.#changes.tell();
      socket.destroy();
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async until(check: () => boolean, what: string): Promise<void> {
    await this.#changes.until(
      check,
      what,
      () => `${this.requests.length} requests, refusals [${this.refusals.join(', ')}]`,
    );
  }

  /** Forgets what was recorded. */
  clear(): void {
    this.requests.length = 0;
    this.heads = 0;
    this.refusals.length = 0;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  const list: (readonly [string, string])[] = [];
  for (let i = 0; i < raw.length; i += 2) list.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  return list;
}
