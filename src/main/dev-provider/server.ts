import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { messageOf } from '../../lib/message-of.ts';
import { sameData } from '../../lib/same-data.ts';
import { DevIssuer } from './issuer.ts';
import type { DevIssuerSettings } from './settings.ts';

/** May wait, answer itself or do something after; `next` gives the request to the issuer and resolves when it has answered. */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => Promise<void>,
) => Promise<void>;

export interface DevProvidersOptions {
  /** Names of the issuers, each the path below which it is: `keycloak` is at http://127.0.0.1:9910/keycloak. The name '' is at the root. */
  readonly issuers: Readonly<Record<string, Partial<DevIssuerSettings>>>;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default: a free one. */
  readonly port?: number;
  /** Sees every request first. */
  readonly intercept?: Intercept;
  /** Whether a POST to <issuer>/rotate-keys makes another key sign, for anybody of this machine. */
  readonly controls?: boolean;
}

/** One or more identity providers behind one port of this machine. Not for production: users and keys are in memory. */
export class DevProviders implements AsyncDisposable {
  readonly issuers = new Map<string, DevIssuer>();
  intercept: Intercept | undefined;
  readonly #host: string;
  readonly #controls: boolean;
  #port = 0;
  #server: Server | undefined;

  private constructor({ host = '127.0.0.1', intercept, controls = false }: DevProvidersOptions) {
    this.#host = host;
    this.#controls = controls;
    this.intercept = intercept;
  }

  /** Rejects where the port is taken. */
  static async start(options: DevProvidersOptions): Promise<DevProviders> {
    const providers = new DevProviders(options);
    await providers.#listen(options.port ?? 0);
    for (const [name, settings] of Object.entries(options.issuers)) await providers.put(name, settings);
    return providers;
  }

  /** One more issuer; of one that is there, what differs. */
  async put(name: string, settings: Partial<DevIssuerSettings>): Promise<void> {
    const known = this.issuers.get(name);
    if (known === undefined) this.issuers.set(name, await DevIssuer.make(this.#urlOf(name), settings));
    else if (!sameData(settings.clients, known.settings.clients)) {
      Object.assign(known.settings, settings);
      known.applySettings();
    }
  }

  /** Throws for a name that is none of them. */
  issuer(name: string): DevIssuer {
    const issuer = this.issuers.get(name);
    if (issuer === undefined) throw new Error(`there is no issuer ${JSON.stringify(name)}`);
    return issuer;
  }

  get origin(): string {
    return `http://${this.#host}:${this.#port}`;
  }

  /** Ends every connection and refuses new ones; users, grants and keys stay. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** On the same port again, after `stop`. */
  async start(): Promise<void> {
    if (this.#server === undefined) await this.#listen(this.#port);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #urlOf(name: string): string {
    return name === '' ? this.origin : `${this.origin}/${name}`;
  }

  #listen(port: number): Promise<void> {
    const server = createServer((request, response) => void this.#handle(request, response));
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, this.#host === 'localhost' ? '127.0.0.1' : this.#host, () => {
        server.off('error', reject);
        this.#port = (server.address() as AddressInfo).port;
        this.#server = server;
        resolve();
      });
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const next = (): Promise<void> => this.#route(request, response);
    try {
      await (this.intercept === undefined ? next() : this.intercept(request, response, next));
    } catch (error) {
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain' });
      response.end(`${messageOf(error)}\n`);
    }
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/';
    const first = path.slice(1).split(/[/?]/, 1)[0] ?? '';
    const issuer = this.issuers.get(first) ?? this.issuers.get('');
    if (
      issuer !== undefined &&
      this.#controls &&
      request.method === 'POST' &&
      path.endsWith('/rotate-keys')
    ) {
      await issuer.rotateKeys();
      response.writeHead(204).end();
      return;
    }
    if (issuer !== undefined) return issuer.handle(request, response);
    response.writeHead(404, { 'content-type': 'text/plain' });
    response.end(`Issuers here: ${[...this.issuers.values()].map(({ url }) => url).join(', ')}\n`);
  }
}
