import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A service that answers when the test says so. */
export class HeldService implements AsyncDisposable {
  readonly #server: Server;
  readonly #held: ServerResponse[] = [];

  static async start(): Promise<HeldService> {
    const service = new HeldService();
    service.#server.listen(0, '127.0.0.1');
    await once(service.#server, 'listening');
    return service;
  }

  private constructor() {
    this.#server = createServer((_request, response) => {
      this.#held.push(response);
      this.#server.emit('held');
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits for a request. */
  async asked(): Promise<void> {
    if (this.#held.length === 0) await once(this.#server, 'held');
  }

  release(body: string): void {
    for (const response of this.#held) response.end(body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
