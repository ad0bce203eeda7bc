import {
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestPlain,
  STATUS_CODES,
} from 'node:http';
import { request as requestTls } from 'node:https';
import { StringDecoder } from 'node:string_decoder';
import { causeOf } from '../../lib/cause.ts';
import type { Timers } from '../../lib/timers.ts';
import type { Failure } from './polled-source.ts';

export interface HttpCall {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** PEM of the authorities to trust instead of those that Node.js trusts. */
  readonly ca?: string | undefined;
  /** For the head of the answer. */
  readonly headMs: number;
  /** For the whole of it. */
  readonly wholeMs: number;
}

export interface HttpFailure extends Failure {
  /** Of the answer, where one began: 200 of one that broke off. */
  readonly status?: number;
}

export interface JsonAnswer {
  readonly ok: true;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const MAX_LINE_CHARS = 4 * 1024 * 1024;

/** GET for APIs that tell of targets: bounded in time and size, one connection per call, no redirects. Rejects nothing. */
export class HttpClient {
  readonly #timers: Timers;
  readonly #running = new Set<AbortController>();
  #closed = false;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  async getJson(call: HttpCall): Promise<JsonAnswer | HttpFailure> {
    return this.#run(call, async (answer) => {
      const body = (await readWhole(answer)).toString('utf8');
      try {
        return { ok: true, headers: answer.headers, body: JSON.parse(body) as unknown };
      } catch {
        return { ok: false, cause: 'answered with something that is not JSON' };
      }
    });
  }

  /**
   * Tells the lines of an answer as they come, those of one piece together, until `received` returns false. A last one without its
   * end is not told.
   */
  async getLines(
    call: HttpCall,
    received: (lines: readonly string[]) => boolean,
  ): Promise<{ readonly ok: true } | HttpFailure> {
    return this.#run(call, async (answer) => {
      const decoder = new StringDecoder('utf8');
      let rest = '';
      for await (const piece of answer as AsyncIterable<Buffer>) {
        const lines = decoder.write(piece).split('\n');
        lines[0] = rest + (lines[0] as string);
        rest = lines.pop() as string;
        if (rest.length > MAX_LINE_CHARS) throw new Error('answered with a line that is too long');
        if (lines.length > 0 && !received(lines)) break;
      }
      return { ok: true };
    });
  }

  /** Ends every call; one that comes later fails at once. */
  close(): void {
    this.#closed = true;
    for (const controller of this.#running) controller.abort(new Error('closed'));
  }

  async #run<T>(call: HttpCall, read: (answer: IncomingMessage) => Promise<T>): Promise<T | HttpFailure> {
    if (this.#closed) return { ok: false, cause: 'closed' };
    const controller = new AbortController();
    const { signal } = controller;
    this.#running.add(controller);
    const limit = (ms: number) =>
      this.#timers.after(ms, () => controller.abort(new Error(`gave no answer within ${ms} ms`)));
    const cancelWhole = limit(call.wholeMs);
    const cancelHead = limit(call.headMs);
    let status: number | undefined;
    try {
      const answer = await open(call, signal);
      cancelHead();
      status = answer.statusCode ?? 0;
      if (status !== 200)
        return { ok: false, status, cause: `answered ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd() };
      return await read(answer);
    } catch (error) {
      const cause = causeOf(signal.aborted ? signal.reason : error);
      return { ok: false, cause, ...(status === undefined ? undefined : { status }) };
    } finally {
      cancelHead();
      cancelWhole();
      this.#running.delete(controller);
      // The connection goes with the call, however much of the answer is left.
      controller.abort();
    }
  }
}

async function open(call: HttpCall, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(call.url);
  const request = url.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    request(url, {
      headers: call.headers,
      agent: false,
      signal,
      ...(call.ca === undefined ? undefined : { ca: call.ca }),
    })
      .on('error', reject)
      .on('response', (answer) => {
        // What breaks after the answer was read concerns nobody.
        answer.on('error', () => {});
        resolve(answer);
      })
      .end();
  });
}

async function readWhole(answer: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > MAX_BODY_BYTES) throw new Error(`answered with more than ${MAX_BODY_BYTES} bytes`);
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
