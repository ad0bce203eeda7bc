import {
  type ClientRequest,
  type IncomingMessage,
  Agent as PlainAgent,
  request as plainRequest,
} from 'node:http';
import { type RequestOptions, Agent as SecureAgent, request as secureRequest } from 'node:https';
import { Fields, isFieldValue, isToken } from '../../http/fields.ts';
import type { ForwardAuthOptions } from './schema.ts';

/** Connections that are open at once; further requests wait for one, within their time. */
const CONNECTIONS = 100;
const MAX_HEAD_BYTES = 32 * 1024;

/** What the service answered. Fields that could not be passed on are left out. */
export interface ServiceAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: Buffer;
}

/** The service that says who may go on. Keeps its connections. */
export class AuthService {
  readonly #url: URL;
  readonly #agent: PlainAgent;
  readonly #request: (url: URL, options: RequestOptions) => ClientRequest;
  readonly #ca: string | undefined;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;

  constructor({ url, ca, timeout, maxBody }: Pick<ForwardAuthOptions, 'url' | 'ca' | 'timeout' | 'maxBody'>) {
    this.#url = new URL(url);
    const settings = { keepAlive: true, maxSockets: CONNECTIONS };
    const isSecure = this.#url.protocol === 'https:';
    this.#agent = isSecure ? new SecureAgent(settings) : new PlainAgent(settings);
    this.#ca = ca;
    this.#request = isSecure ? secureRequest : plainRequest;
    this.#timeoutMs = timeout;
    this.#maxBytes = maxBody;
  }

  /**
   * Rejects with an Error when there is no whole answer in time, it is larger than it may be, or `gone` is given. Redirects are answers like
   * others.
   */
  async ask(headers: Readonly<Record<string, string>>, gone: AbortSignal): Promise<ServiceAnswer> {
    const late = new AbortController();
    const end = () => late.abort();
    const timer = setTimeout(end, this.#timeoutMs);
    gone.addEventListener('abort', end, { once: true });
    try {
      return await this.#send({ headers, signal: late.signal, agent: this.#agent });
    } catch (error) {
      throw late.signal.aborted ? new Error(`no answer within ${this.#timeoutMs} ms`) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(options: RequestOptions): Promise<ServiceAnswer> {
    return new Promise((resolve, reject) => {
      const sent = this.#request(this.#url, { ...options, ca: this.#ca, maxHeaderSize: MAX_HEAD_BYTES });
      sent.on('response', (answer) => {
        this.#read(answer).then(resolve, reject);
      });
      // Nobody asked for one; where nobody listens, the request ends without a word.
      sent.on('upgrade', (_answer, socket) => {
        socket.destroy();
        reject(new Error('it answered with an upgrade'));
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // RFC 9112 section 9.3.1: it closed a connection that waited, as it may at any time; the question is asked again on one of its own.
        if (sent.reusedSocket && error.code === 'ECONNRESET')
          resolve(this.#send({ ...options, agent: false }));
        else reject(error);
      });
      sent.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #read(answer: IncomingMessage): Promise<ServiceAnswer> {
    const pieces: Buffer[] = [];
    let length = 0;
    for await (const piece of answer as AsyncIterable<Buffer>) {
      length += piece.length;
      if (length > this.#maxBytes) {
        answer.destroy();
        throw new Error(`its answer is larger than ${this.#maxBytes} octets`);
      }
      pieces.push(piece);
    }
    return {
      status: answer.statusCode ?? 0,
      fields: fieldsOf(answer.rawHeaders),
      body: Buffer.concat(pieces),
    };
  }
}

function fieldsOf(raw: readonly string[]): Fields {
  const fields = new Fields();
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] as string;
    const value = (raw[i + 1] as string).trim();
    if (isToken(name) && isFieldValue(value)) fields.push(name.toLowerCase(), name, value);
  }
  return fields;
}
