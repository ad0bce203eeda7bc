import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

type Script = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A server that plays the issuer: metadata, keys, or whatever a test has it answer. */
export class IssuerServer implements AsyncDisposable {
  /** `GET /path`, in order. */
  readonly requests: string[] = [];
  /** Answers a path; none: 404. */
  readonly answers = new Map<string, unknown>();
  readonly #server: Server;
  readonly #scheme: string;

  private constructor(server: Server, scheme: string) {
    this.#server = server;
    this.#scheme = scheme;
    server.on(
      'request',
      (request: IncomingMessage, response: ServerResponse) => void this.#serve(request, response),
    );
  }

  static async start(tls?: ServerOptions): Promise<IssuerServer> {
    const server = tls === undefined ? createServer() : createTlsServer(tls);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new IssuerServer(server, tls === undefined ? 'http' : 'https');
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What is not a function is answered as JSON; a number is a status. */
  answer(path: string, answer: unknown): void {
    this.answers.set(path, answer);
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.requests.filter((request) => request.endsWith(` ${path}`)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    const path = request.url ?? '';
    this.requests.push(`${request.method} ${path}`);
    const answer = this.answers.get(path) ?? 404;
    if (typeof answer === 'function') (answer as Script)(request, response, body);
    else if (typeof answer === 'number') response.writeHead(answer).end();
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }
}
