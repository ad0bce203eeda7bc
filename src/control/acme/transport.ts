import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request as requestTls } from 'node:https';
import { parseRetryAfter } from '../../http/retry-after.ts';
import { causeOf } from '../../lib/cause.ts';
import { AcmeProblem } from './problem.ts';

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** A JWS in JSON. */
  readonly body?: string;
  readonly accept?: string;
}

export interface AcmeAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Of Retry-After. */
  readonly retryAfterMs: number | undefined;
}

const MAX_BODY_BYTES = 1024 * 1024;
const LIMIT_MS = 30_000;

/** Speaks HTTPS with one ACME server: bounded in time and size, no redirects. */
export class AcmeTransport {
  readonly #agent: Agent;
  readonly #userAgent: string;
  readonly #closed = new AbortController();

  /** `ca`: PEM of the authorities to trust instead of those that Node.js trusts. */
  constructor(ca: string | undefined, userAgent: string) {
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1, ...(ca === undefined ? {} : { ca }) });
    this.#userAgent = userAgent;
  }

  /** Resolves with an answer of any status; rejects with an AcmeProblem where there is none. */
  async send(call: AcmeRequest): Promise<AcmeAnswer> {
    if (!call.url.startsWith('https://'))
      throw new AcmeProblem('malformedAnswer', 'the ACME server named an address that is not https://');
    try {
      const answer = await this.#open(call);
      const { statusCode: status = 0, headers } = answer;
      const retryAfter = headers['retry-after'];
      return {
        status,
        headers,
        text: await readText(answer),
        retryAfterMs: retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, Date.now()),
      };
    } catch (error) {
      throw new AcmeProblem('unreachable', `the ACME server cannot be reached: ${causeOf(error)}`);
    }
  }

  close(): void {
    this.#closed.abort(new Error('closed'));
    this.#agent.destroy();
  }

  #open({ method, url, body, accept }: AcmeRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      requestTls(url, {
        method,
        agent: this.#agent,
        signal: AbortSignal.any([this.#closed.signal, AbortSignal.timeout(LIMIT_MS)]),
        headers: {
          // RFC 8555 section 6.1: clients MUST send one.
          'User-Agent': this.#userAgent,
          ...(accept === undefined ? {} : { Accept: accept }),
          ...(body === undefined
            ? {}
            : { 'Content-Type': 'application/jose+json', 'Content-Length': Buffer.byteLength(body) }),
        },
      })
        .on('error', reject)
        .on('response', resolve)
        .end(body);
    });
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw new Error(`it answered with more than ${MAX_BODY_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString('utf8');
}
