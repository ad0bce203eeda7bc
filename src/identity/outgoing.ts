import { type IncomingMessage, Agent as PlainAgent, request as requestPlain } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { causeOf } from '../lib/cause.ts';
import { systemTimers, type Timers } from '../lib/timers.ts';
import { addressProblem } from './address-problem.ts';

export interface OutgoingOptions {
  /** PEM of the authorities to trust instead of those that Node.js trusts. */
  readonly ca?: string | undefined;
  /** PEM of what the other side is shown over TLS. */
  readonly clientCertificate?: { readonly cert: string; readonly key: string } | undefined;
  /** Whether http may lead to another host than this one. */
  readonly insecure?: boolean | undefined;
  /** For the whole answer; default 5 s. */
  readonly timeoutMs?: number | undefined;
  /** Largest body of an answer; default 1 MiB. */
  readonly maxBytes?: number | undefined;
  /**
   * Keeps connections for the next request; one that broke meanwhile is replaced and the request sent again, so only for requests that may be
   * repeated: a refresh token must not be redeemed twice.
   */
  readonly reuse?: boolean | undefined;
}

/** What openid-client and oauth4webapi give to a `customFetch`, and what the gateway's own code needs. */
export interface OutgoingRequest {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | null | undefined;
}

const TIMEOUT_MS = 5000;
const MAX_BYTES = 1024 * 1024;
/** At once to one address; further requests wait for their turn. */
const KEPT = { keepAlive: true, maxSockets: 128 } as const;
/** Statuses whose answer has no body: `Response` takes none either. */
const BARE = new Set([204, 205, 304]);

/** Nothing of the request but its address, without query, stands in the message. */
export class OutgoingError extends Error {
  override readonly name = 'OutgoingError';
  /** Whether the other side may have had it: there was a connection. */
  readonly isSent: boolean;

  constructor(message: string, isSent = false, options?: ErrorOptions) {
    super(message, options);
    this.isSent = isSent;
  }
}

/**
 * The way to identity providers: https, or http to this host; bounded in time and size. Redirects are not followed, since what is sent is
 * meant for one address. Nothing is decompressed, and no cookie is kept.
 */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #timers: Timers;
  readonly #running = new Set<AbortController>();
  readonly #agents: readonly [PlainAgent, TlsAgent] | undefined;
  #closed = false;

  constructor(options: OutgoingOptions = {}, timers: Timers = systemTimers) {
    this.#options = options;
    this.#timers = timers;
    if (options.reuse === true) this.#agents = [new PlainAgent(KEPT), new TlsAgent(KEPT)];
  }

  /** As the global `fetch`, in so far as tokens need it. Rejects with an OutgoingError; any status is an answer. */
  readonly fetch = async (url: string | URL, request: OutgoingRequest = {}): Promise<Response> => {
    const target = new URL(url);
    const shown = `${target.origin}${target.pathname}`;
    const problem = addressProblem(target, this.#options.insecure);
    if (problem !== undefined) throw new OutgoingError(`${shown} ${problem}`);
    if (this.#closed) throw new OutgoingError(`${shown} is not asked any more`);
    const controller = new AbortController();
    this.#running.add(controller);
    const limitMs = this.#options.timeoutMs ?? TIMEOUT_MS;
    const cancel = this.#timers.after(limitMs, () =>
      controller.abort(new Error(`gave no answer within ${limitMs} ms`)),
    );
    const { signal } = controller;
    const end = () => controller.abort(request.signal?.reason);
    request.signal?.addEventListener('abort', end, { once: true });
    if (request.signal?.aborted === true) end();
    const progress = { isSent: false };
    try {
      const answer = await this.#send(target, request, signal, progress);
      return responseOf(answer, await readWhole(answer, this.#options.maxBytes ?? MAX_BYTES));
    } catch (error) {
      const reason = causeOf(signal.aborted ? signal.reason : error);
      throw new OutgoingError(`${shown}: ${reason}`, progress.isSent, { cause: error });
    } finally {
      cancel();
      request.signal?.removeEventListener('abort', end);
      this.#running.delete(controller);
      // Where connections are not kept they go with the request, however much of the answer is left.
      if (this.#agents === undefined) controller.abort();
    }
  };

  /** Ends every request; one that comes later fails at once. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#running) controller.abort(new Error('is not asked any more'));
    for (const agent of this.#agents ?? []) agent.destroy();
  }

  async #send(
    url: URL,
    request: OutgoingRequest,
    signal: AbortSignal,
    progress: { isSent: boolean },
    again = false,
  ): Promise<IncomingMessage> {
    const isTls = url.protocol === 'https:';
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const { ca, clientCertificate } = this.#options;
    const body = bodyOf(request.body);
    const sent = (isTls ? requestTls : requestPlain)(url, {
      method: request.method ?? 'GET',
      headers: {
        ...request.headers,
        ...(body === undefined ? undefined : { 'content-length': body.length }),
      },
      agent: this.#agents?.[isTls ? 1 : 0] ?? false,
      signal,
      ...(ca === undefined ? undefined : { ca }),
      ...clientCertificate,
    })
      .on('error', reject)
      .on('socket', (socket) => {
        if (!socket.connecting) progress.isSent = true;
        else socket.once(isTls ? 'secureConnect' : 'connect', () => (progress.isSent = true));
      })
      .on('response', (answer) => {
        // What breaks after the answer was read concerns nobody.
        answer.on('error', () => {});
        resolve(answer);
      });
    sent.end(body);
    try {
      return await promise;
    } catch (error) {
      // The other side had closed a connection that was kept, before the request reached it.
      if (again || !sent.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error;
      return this.#send(url, request, signal, progress, true);
    }
  }
}

/** A stream is not among what is sent to providers. */
function bodyOf(body: unknown): Buffer | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  if (body instanceof URLSearchParams) return Buffer.from(body.toString());
  if (body instanceof Uint8Array) return Buffer.from(body);
  if (body instanceof ArrayBuffer) return Buffer.from(new Uint8Array(body));
  throw new TypeError('a body is text, octets or the parameters of a form');
}

async function readWhole(answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > maxBytes) throw new Error(`answered with more than ${maxBytes} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function responseOf(answer: IncomingMessage, body: Buffer): Response {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) throw new Error(`answered ${status}`);
  const headers = new Headers();
  for (const [name, values] of Object.entries(answer.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return new Response(BARE.has(status) ? null : new Uint8Array(body), { status, headers });
}
