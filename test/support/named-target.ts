import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Changes } from './changes.ts';
import { send } from './send.ts';

/** A target that answers every request with its name: at once, or under `/held` when the test says so. */
export class NamedTarget implements AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Connections that were opened to it, those that are closed included. */
  connections = 0;
  /** What it answers with. */
  status = 200;
  readonly #server: Server;
  readonly #held = new Set<ServerResponse>();
  readonly #changes = new Changes();
  readonly #name: string;

  static async start(name: string): Promise<NamedTarget> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new NamedTarget(name, server);
  }

  private constructor(name: string, server: Server) {
    this.port = (server.address() as AddressInfo).port;
    this.url = `http://127.0.0.1:${this.port}`;
    this.#name = name;
    this.#server = server;
    server.on('connection', () => this.connections++);
    server.on('request', (request, response: ServerResponse) => {
      response.statusCode = this.status;
      if (request.url !== '/held') {
        response.end(name);
        return;
      }
      this.#held.add(response);
      this.#changes.tell();
    });
  }

  /** Resolves when so many requests are held. */
  async untilHeld(count = 1): Promise<void> {
    await this.#changes.until(() => this.#held.size >= count, `${count} requests at ${this.#name}`);
  }

  /** Answers what is held. */
  release(): void {
    for (const response of this.#held) response.end(this.#name);
    this.#held.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** Each on a connection of its own, so that every worker gets some. */
const REQUESTS = 16;

/**
 * Asks until a whole round of requests is answered by just these targets. The main thread tells the workers what it knows by messages, so
 * that what it has logged is true of them a moment later.
 */
export async function untilAnsweredBy(url: string, names: readonly string[]): Promise<void> {
  for (;;) {
    const round = await Promise.all(Array.from({ length: REQUESTS }, () => send(url)));
    const wrong = round.find(({ status }) => status !== 200);
    if (wrong !== undefined) throw new Error(`answered ${wrong.status}: ${wrong.body}`);
    const answered = new Set(round.map(({ body }) => body));
    if (answered.size === names.length && names.every((name) => answered.has(name))) return;
  }
}

/** Asks until the service has targets in every worker: until a whole round of requests gets no 503. */
export async function untilServed(url: string): Promise<void> {
  for (let inARow = 0; inARow < REQUESTS; ) {
    const { status, body } = await send(url);
    if (status !== 200 && status !== 503) throw new Error(`answered ${status}: ${body}`);
    inARow = status === 200 ? inARow + 1 : 0;
  }
}
