import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Pair } from '../../../test/support/certificates.ts';
import { Changes } from '../../../test/support/changes.ts';

/** A request that a test answers, all at once or bit by bit. */
export class ApiRequest {
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly #answer: ServerResponse;
  readonly #changes: Changes;

  constructor(request: IncomingMessage, answer: ServerResponse, changes: Changes) {
    const url = new URL(request.url ?? '/', 'http://api');
    this.path = url.pathname;
    this.query = Object.fromEntries(url.searchParams);
    this.headers = request.headers;
    this.#answer = answer;
    this.#changes = changes;
  }

  json(body: unknown, fields: Readonly<Record<string, string>> = {}, status = 200): void {
    this.text(JSON.stringify(body), fields, status);
  }

  text(body: string, fields: Readonly<Record<string, string>> = {}, status = 200): void {
    this.#answer.writeHead(status, { 'content-type': 'application/json', ...fields }).end(body);
  }

  /** Sends a part of the answer; the first one brings the head. Resolves when it is sent, or there is nobody to take it. */
  async write(part: string): Promise<void> {
    if (this.#answer.closed) return;
    await new Promise<void>((resolve) => {
      this.#answer.once('close', resolve);
      this.#answer.write(part, () => {
        this.#answer.off('close', resolve);
        resolve();
      });
    });
  }

  /** Sends a head, and leaves the body open. */
  begin(status: number): void {
    this.#answer.writeHead(status).flushHeaders();
  }

  end(): void {
    this.#answer.end();
  }

  /** Breaks the connection. */
  cut(): void {
    this.#answer.destroy();
  }

  get closed(): boolean {
    return this.#answer.closed;
  }

  /** Resolves when the client has left. */
  async untilClosed(): Promise<void> {
    await this.#changes.until(() => this.closed, 'the client to leave');
  }
}

/** An HTTP API on the loopback whose every answer is given by a test. */
export class ApiServer {
  readonly url: string;
  readonly #server: Server;
  readonly #requests: ApiRequest[];
  readonly #changes: Changes;

  private constructor(url: string, server: Server, requests: ApiRequest[], changes: Changes) {
    this.url = url;
    this.#server = server;
    this.#requests = requests;
    this.#changes = changes;
  }

  static async start(tls?: Pair): Promise<ApiServer> {
    const requests: ApiRequest[] = [];
    const changes = new Changes();
    const received = (request: IncomingMessage, answer: ServerResponse) => {
      answer.on('close', () => changes.tell()).on('error', () => {});
      requests.push(new ApiRequest(request, answer, changes));
      changes.tell();
    };
    const server = tls ? createTlsServer(tls, received) : createServer(received);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    return new ApiServer(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, server, requests, changes);
  }

  /** Requests that nobody asked for yet. */
  get waiting(): number {
    return this.#requests.length;
  }

  async next(): Promise<ApiRequest> {
    await this.#changes.until(() => this.#requests.length > 0, 'a request');
    return this.#requests.shift() as ApiRequest;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
