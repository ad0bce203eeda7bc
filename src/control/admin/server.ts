import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AdminAnswer, problem } from './answer.ts';
import type { AdminRequest, Endpoint, GatewayControl } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { isAllowedHost, isAllowedOrigin } from './guard.ts';

export interface AdminServerOptions {
  readonly address: string;
  readonly port: number;
  /** Names, besides addresses and localhost, that requests may be addressed to; in small letters. */
  readonly hosts: readonly string[];
  readonly gateway: GatewayControl;
  readonly log: (level: 'error', message: string, detail?: unknown) => void;
}

/** Largest body that an endpoint takes. */
const MAX_BODY_BYTES = 64 * 1024;
/** A request's head, and a request as a whole, in milliseconds. */
const HEAD_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 256;

/** The administration port: a table of endpoints over node:http, on the main thread, away from the data path. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { headersTimeout: HEAD_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS, maxHeaderSize: 16 * 1024 },
      (request, response) => void this.#handle(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** Resolves with the address bound; rejects when it cannot be. */
  listen(): Promise<{ address: string; port: number }> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ host: this.#options.address, port: this.#options.port }, () => {
        this.#server.off('error', reject);
        const bound = this.#server.address();
        if (bound === null || typeof bound === 'string') reject(new Error('the admin server has no port'));
        else resolve({ address: bound.address, port: bound.port });
      });
    });
  }

  /** Stops listening and ends every connection. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: AdminAnswer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      this.#options.log('error', `admin: ${request.method} ${request.url} failed`, error);
      answer = problem(500, 'internal_error', 'The request failed; the log has the cause');
    }
    if (response.destroyed) return;
    response.writeHead(answer.status, {
      'content-type': answer.type,
      'content-length': Buffer.byteLength(answer.body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // A body that was not read to its end must not be taken for a next request.
      ...(request.complete ? {} : { connection: 'close' }),
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<AdminAnswer> {
    const authority = request.headers.host;
    if (authority === undefined || !isAllowedHost(authority, this.#options.hosts)) {
      return problem(
        421,
        'host_not_allowed',
        'This host is not one of the admin server: use its address, localhost or a name from admin.hosts',
      );
    }
    const [path = '/', query = ''] = splitOnce(request.url ?? '/', '?');
    const endpoints = ENDPOINTS.filter((endpoint) => endpoint.path === path);
    if (endpoints.length === 0)
      return problem(404, 'not_found', 'There is no such endpoint; GET / lists them');
    const method = request.method === 'HEAD' ? 'GET' : request.method;
    const endpoint = endpoints.find((candidate) => candidate.method === method);
    if (endpoint === undefined) {
      return problem(
        405,
        'method_not_allowed',
        `${path} does not answer to this method`,
        {},
        { allow: allow(endpoints) },
      );
    }
    if (
      endpoint.method !== 'GET' &&
      !isAllowedOrigin(request.headers.origin, header(request, 'sec-fetch-site'), authority)
    ) {
      return problem(403, 'cross_site_request', 'A page of another site may not do this');
    }
    const body = await readBody(request);
    if (body === undefined) return problem(413, 'body_too_large', `A body may have ${MAX_BODY_BYTES} bytes`);
    const asked: AdminRequest = {
      query: new URLSearchParams(query),
      contentType: request.headers['content-type'],
      body,
    };
    return endpoint.answer(this.#options.gateway, asked);
  }
}

function allow(endpoints: readonly Endpoint[]): string {
  return endpoints.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', ');
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

/** The whole body as UTF-8 text; undefined when it is longer than allowed. Rejects when the client leaves. */
function readBody(request: IncomingMessage): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > MAX_BODY_BYTES) {
        request.pause();
        resolve(undefined);
      } else pieces.push(piece);
    });
    request.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')));
    request.on('error', reject);
  });
}
