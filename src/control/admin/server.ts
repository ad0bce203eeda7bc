import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { normaliseAddress } from '../../lib/cidr.ts';
import { LOCAL_ACCOUNT } from '../rights/account.ts';
import { type AccessObject, callerOf, NOBODY } from './access.ts';
import { type AdminAnswer, empty, problem } from './answer.ts';
import { entitiesIn, type Identified } from './authentication/identify.ts';
import { discardBody, readBody } from './body.ts';
import type { Endpoint, GatewayControl, RequestPlace } from './endpoint.ts';
import { ENDPOINTS } from './endpoints.ts';
import { isAllowedHost, isAllowedOrigin } from './guard.ts';
import { allowedMethods, Router } from './router.ts';

export interface AdminServerOptions {
  readonly address: string;
  readonly port: number;
  /** Names, besides addresses and localhost, that requests may be addressed to; in small letters. */
  readonly hosts: readonly string[];
  readonly gateway: GatewayControl;
  readonly log: (level: 'error', message: string, detail?: unknown) => void;
  /** Asked for every endpoint that is not public; without it everyone is the superuser. */
  readonly identify?: ((request: IncomingMessage, place: RequestPlace) => Promise<Identified>) | undefined;
  /** HTTPS with this certificate; undefined: HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
}

/** Largest body of an endpoint that says nothing else. */
const MAX_BODY_BYTES = 64 * 1024;
/** Of a body that is not read, since the request is refused before. */
const MAX_DISCARDED_BYTES = 1024 * 1024;
const LINGER_MS = 2000;
/** A request's head, and a request as a whole, in milliseconds. */
const HEAD_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
const MAX_CONNECTIONS = 256;
/** What is in files of its own, loaded when somebody asks for it first: a gateway that nobody administers need not. */
const API_PATH = /^\/(?:v1|docs)(?:\/|$)/;

/** The administration port: a table of endpoints over node:http, on the main thread, away from the data path. */
export class AdminServer {
  readonly #options: AdminServerOptions;
  readonly #server: Server | SecureServer;
  readonly #router = new Router(ENDPOINTS);
  #api: Promise<Router> | undefined;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    const { tls } = options;
    const limits = {
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: 16 * 1024,
    };
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response);
    this.#server =
      tls === undefined ? createServer(limits, handle) : createSecureServer({ ...limits, ...tls }, handle);
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

  /** Loads what the first request of the API would wait for. */
  async loadApi(): Promise<void> {
    await this.#apiRouter();
  }

  /** From now on, for connections that begin. */
  setCertificate(pair: { readonly cert: string; readonly key: string }): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(pair);
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
    const hasBody = answer.status !== 204 && answer.status !== 304;
    response.writeHead(answer.status, {
      ...(hasBody
        ? { 'content-type': answer.type, 'content-length': Buffer.byteLength(answer.body) }
        : undefined),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      // A body that was not read to its end must not be taken for a next request.
      ...(request.complete ? undefined : { connection: 'close' }),
      ...answer.headers,
      ...(answer.cookies === undefined ? undefined : { 'set-cookie': [...answer.cookies] }),
    });
    if (request.method !== 'HEAD' && hasBody) response.write(answer.body);
    // The client has its answer by then, and may go on sending for a while.
    else response.flushHeaders();
    if (!request.complete) await discardBody(request, MAX_DISCARDED_BYTES, LINGER_MS);
    response.end();
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
    const found = (API_PATH.test(path) ? await this.#apiRouter() : this.#router).find(path);
    if (found === undefined) return problem(404, 'not_found', 'There is no such endpoint; GET / lists them');
    if (found === 'malformed')
      return problem(
        400,
        'path_malformed',
        'The percent-encoding of the path is not that of a text in UTF-8',
      );
    const { endpoints, parameters } = found;
    if (request.method === 'OPTIONS') return empty(204, { allow: allowedMethods(endpoints) });
    const endpoint = endpoints.get(request.method === 'HEAD' ? 'GET' : (request.method ?? ''));
    if (endpoint === undefined) {
      return problem(
        405,
        'method_not_allowed',
        `${path} does not answer to this method`,
        {},
        { allow: allowedMethods(endpoints) },
      );
    }
    if (
      endpoint.method !== 'GET' &&
      !isAllowedOrigin(request.headers.origin, header(request, 'sec-fetch-site'), authority)
    ) {
      return problem(403, 'cross_site_request', 'A page of another site may not do this');
    }
    const place: RequestPlace = {
      address: normaliseAddress(request.socket.remoteAddress ?? ''),
      scheme: this.#options.tls === undefined ? 'http' : 'https',
      authority,
    };
    const identified = await this.#identify(endpoint, request, place);
    if (!identified.ok) return identified.answer;
    const maxBytes = endpoint.body?.maxBytes ?? MAX_BODY_BYTES;
    const body = await readBody(request, maxBytes);
    if (!body.ok) {
      return body.reason === 'tooLarge'
        ? problem(413, 'body_too_large', `A body may have ${maxBytes} bytes`)
        : problem(400, 'body_malformed', 'The body is not a text in UTF-8');
    }
    return endpoint.answer(this.#options.gateway, {
      parameters,
      query: new URLSearchParams(query),
      headers: request.headers,
      contentType: request.headers['content-type'],
      body: body.text,
      caller: identified.caller,
      place,
    });
  }

  /** Who calls, if they may call this endpoint at all; an endpoint of a collection asks for each entity besides. */
  async #identify(endpoint: Endpoint, request: IncomingMessage, place: RequestPlace): Promise<Identified> {
    if (endpoint.access === 'public') return { ok: true, caller: NOBODY };
    const { identify, gateway } = this.#options;
    const identified: Identified =
      identify === undefined
        ? { ok: true, caller: callerOf(LOCAL_ACCOUNT, place.address, entitiesIn(gateway)) }
        : await identify(request, place);
    if (!identified.ok || identified.caller.may(endpoint.access, objectOf(endpoint))) return identified;
    return {
      ok: false,
      answer: problem(403, 'forbidden', `${identified.caller.name} has no right to do this`),
    };
  }

  #apiRouter(): Promise<Router> {
    this.#api ??= import('./v1/endpoints.ts').then(({ apiEndpoints }) => new Router(apiEndpoints()));
    return this.#api;
  }
}

function objectOf({ collection, of }: Endpoint): AccessObject {
  return collection === undefined ? { kind: of ?? 'gateway' } : { kind: 'collection', collection };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
