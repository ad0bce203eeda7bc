import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that keeps what it was sent, and answers `served`. */
export class TokenBackend implements AsyncDisposable {
  readonly received: IncomingHttpHeaders[] = [];
  readonly #server = createServer((request, response) => {
    this.received.push(request.headers);
    response.end('served');
  });

  static async start(): Promise<TokenBackend> {
    const backend = new TokenBackend();
    await new Promise<void>((resolve) => backend.#server.listen(0, '127.0.0.1', resolve));
    return backend;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Every Authorization that came, each once. */
  get authorizations(): readonly (string | undefined)[] {
    return [...new Set(this.received.map(({ authorization }) => authorization))];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
