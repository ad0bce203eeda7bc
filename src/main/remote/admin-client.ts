import { type ClientRequest, type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isRecord } from '../../lib/is-record.ts';
import { messageOf } from '../../lib/message-of.ts';

/** Which gateway, and as whom. */
export interface AdminPlace {
  /** Of the admin port, without a path. */
  readonly url: URL;
  /** Sent as Authorization: Bearer. */
  readonly token?: string | undefined;
  /** PEM of the authorities that the admin port is trusted by; undefined: those of Node.js. */
  readonly ca?: string | undefined;
}

export interface AdminCall {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly fields?: Readonly<Record<string, string>>;
}

export interface AdminReply {
  readonly status: number;
  readonly etag: string | undefined;
  /** Read as JSON where it is that, else text. */
  readonly body: unknown;
}

/** A place that the gateway tells of, with what is wrong there. */
export type Found = Readonly<Record<string, unknown>>;

interface Refusal {
  readonly status: number;
  /** The first line of the message. */
  readonly title: string;
  readonly errors: readonly Found[];
}

/** What went wrong with a call, as a text for whoever made it. */
export class AdminFailure extends Error {
  /** What the gateway answered; undefined: it did not. */
  readonly refusal: Refusal | undefined;

  constructor(message: string, refusal?: Refusal) {
    super(message);
    this.name = 'AdminFailure';
    this.refusal = refusal;
  }

  get status(): number | undefined {
    return this.refusal?.status;
  }
}

const TIMEOUT_MS = 60_000;
/** A whole configuration with its secrets left out. */
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;

/** Calls the admin API of a running gateway. */
export class AdminClient {
  readonly #place: AdminPlace;

  constructor(place: AdminPlace) {
    this.#place = place;
  }

  get url(): string {
    return this.#place.url.origin;
  }

  /** Rejects with `AdminFailure` where there is no answer, or it is not one of success. */
  async call(method: string, path: string, call: AdminCall = {}): Promise<AdminReply> {
    const reply = await this.#send(method, path, call);
    if (reply.status >= 200 && reply.status < 300) return reply;
    const refusal = refusalOf(reply);
    throw new AdminFailure([refusal.title, ...refusal.errors.map(placeText)].join('\n'), refusal);
  }

  async #send(method: string, path: string, { query = {}, body, fields }: AdminCall): Promise<AdminReply> {
    const url = new URL(path, this.#place.url);
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const text = body === undefined ? undefined : JSON.stringify(body);
    try {
      const answer = await this.#exchange(url, method, text, fields);
      return await read(answer);
    } catch (error) {
      throw new AdminFailure(`no answer from ${this.url}: ${reasonOf(error)}`);
    }
  }

  #exchange(
    url: URL,
    method: string,
    body: string | undefined,
    fields: AdminCall['fields'],
  ): Promise<IncomingMessage> {
    const { token, ca } = this.#place;
    const options = {
      method,
      headers: {
        accept: 'application/json',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...fields,
      },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    };
    return new Promise((resolve, reject) => {
      const sent: ClientRequest =
        url.protocol === 'https:'
          ? requestHttps(url, { ...options, ...(ca === undefined ? {} : { ca }) }, resolve)
          : requestHttp(url, options, resolve);
      sent.on('error', reject);
      sent.end(body);
    });
  }
}

async function read(answer: IncomingMessage): Promise<AdminReply> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of answer as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new Error('the answer is too large');
  }
  const text = Buffer.concat(pieces).toString('utf8');
  const isJson = /^application\/(?:[\w.+-]+\+)?json/i.test(answer.headers['content-type'] ?? '');
  return {
    status: answer.statusCode ?? 0,
    etag: answer.headers.etag,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text,
  };
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `none within ${TIMEOUT_MS / 1000} s`;
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}

/** Of problem details (RFC 9457): the title, and each place that is wrong. */
function refusalOf({ status, body }: AdminReply): Refusal {
  if (!isRecord(body)) return { status, title: `the gateway answered ${status}`, errors: [] };
  const { title, detail, code, errors } = body;
  const first = [title, detail].filter((text) => typeof text === 'string' && text !== '').join(': ');
  return {
    status,
    title: `${first === '' ? 'the gateway refused' : first} (${typeof code === 'string' ? code : status})`,
    errors: Array.isArray(errors) ? errors.filter(isRecord) : [],
  };
}

/** `  apis.hello.paths[0]: is not a path (did you mean /hello?)`, of an error or a warning that the gateway found. */
export function placeText(found: Found): string {
  const { path, parameter, file, line, message, suggestion } = found;
  const place = filled(path) ?? filled(parameter);
  // A line of the store is nobody's file; but a stored policy has its name there alone.
  const isFile = typeof file === 'string' && !/^store:(?!policies\/)/.test(file);
  const inFile = isFile && typeof line === 'number' ? `${file}:${line}` : undefined;
  const where = [place, inFile].filter((part) => part !== undefined).join(' in ');
  const hint = typeof suggestion === 'string' ? ` (did you mean ${suggestion}?)` : '';
  return `  ${where === '' ? '' : `${where}: `}${typeof message === 'string' ? message : 'is wrong'}${hint}`;
}

function filled(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
