import { Fields } from '../../src/http/fields.ts';
import type { CompiledPolicies } from '../../src/policies/compile.ts';
import type {
  Answer,
  BodyTransform,
  Challenger,
  ClientCertificate,
  ClientView,
  Exchange,
  RequestView,
} from '../../src/policy/contract.ts';
import type { Held } from '../../src/policy/held.ts';
import type { Principal } from '../../src/policy/principal.ts';

/** What a test says of a request; all else is filled in. */
export interface RequestDescription {
  readonly method?: string;
  /** Absolute, such as `https://api.example.com/a?b=c`, or a path with its query, for http://api.example.com. */
  readonly url?: string;
  /** Pairs, for a name that stands twice, or a record. */
  readonly headers?: Readonly<Record<string, string>> | readonly (readonly [name: string, value: string])[];
  readonly bodyLength?: number;
  readonly clientAddress?: string;
  readonly certificate?: ClientCertificate | undefined;
  readonly isPeerTrusted?: boolean;
  readonly params?: Readonly<Record<string, string>>;
  readonly routeName?: string;
  /** Of a service that was asked already. */
  readonly serviceName?: string;
  readonly id?: string;
}

/** An exchange for unit tests: no connection, no pipeline; what a policy does to it can be read from it. */
export class TestExchange implements Exchange {
  readonly id: string;
  readonly client: ClientView;
  readonly isPeerTrusted: boolean;
  readonly request: RequestView;
  readonly response = { status: 0, fields: new Fields() };
  readonly answerFields = new Fields();
  readonly routeName: string;
  /** Set once an upstream is asked. */
  serviceName: string | undefined;
  /** Lowest limit asked for by `limitRequestBody`. */
  bodyLimitBytes = Number.POSITIVE_INFINITY;
  /** What the upstream would get instead of the client's body. */
  replacedBody: Buffer | undefined = undefined;
  principal: Principal | undefined = undefined;
  callerToken: string | undefined = undefined;
  challenger: Challenger | undefined = undefined;
  held: Held | undefined = undefined;
  readonly #params: Readonly<Record<string, string>>;
  #notes: Map<string, unknown> | undefined;

  constructor(description: RequestDescription) {
    const [, scheme, authority, path, search] = splitUrl(description.url ?? '/');
    this.id = description.id ?? 'request-1';
    const address = description.clientAddress ?? '192.0.2.1';
    this.client = { address, peerAddress: address, certificate: description.certificate };
    this.isPeerTrusted = description.isPeerTrusted ?? false;
    const fields = new Fields();
    const headers = description.headers ?? {};
    const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
    for (const [name, value] of pairs) fields.append(name, value);
    this.request = {
      method: description.method ?? 'GET',
      upstreamMethod: description.method ?? 'GET',
      scheme: scheme as 'http' | 'https',
      authority,
      host: authority.replace(/:\d+$/, ''),
      path,
      search,
      version: 11,
      fields,
      upstreamPath: path,
      upstreamSearch: search,
      upstreamHost: undefined,
      bodyLength: description.bodyLength ?? 0,
    };
    this.routeName = description.routeName ?? 'route-1';
    this.serviceName = description.serviceName;
    this.#params = description.params ?? {};
  }

  get notes(): Map<string, unknown> {
    this.#notes ??= new Map();
    return this.#notes;
  }

  get hasNotes(): boolean {
    return this.#notes !== undefined;
  }

  note(name: string): unknown {
    return this.#notes?.get(name);
  }

  param(name: string): string | undefined {
    return Object.hasOwn(this.#params, name) ? this.#params[name] : undefined;
  }

  limitRequestBody(bytes: number): void {
    this.bodyLimitBytes = Math.min(this.bodyLimitBytes, bytes);
  }

  replaceRequestBody(octets: Buffer): boolean {
    this.replacedBody = octets;
    return true;
  }

  /** Lines `Name: value` of the request as it would be sent on. */
  get requestLines(): string[] {
    return linesOf(this.request.fields);
  }

  /** Lines `Name: value` of the answer. */
  get responseLines(): string[] {
    return linesOf(this.response.fields);
  }
}

function splitUrl(url: string): [string, string, string, string, string] {
  const match = /^(?:(https?):\/\/([^/?]+))?([^?]*)(\?.*)?$/s.exec(url);
  return ['', match?.[1] ?? 'http', match?.[2] ?? 'api.example.com', match?.[3] || '/', match?.[4] ?? ''];
}

function linesOf(fields: Fields): string[] {
  const lines: string[] = [];
  for (let i = 0; i < fields.list.length; i += 3) lines.push(`${fields.list[i + 1]}: ${fields.list[i + 2]}`);
  return lines;
}

export function exchangeFor(description: RequestDescription = {}): TestExchange {
  return new TestExchange(description);
}

/** What an upstream would answer. */
export interface UpstreamAnswer {
  readonly status?: number;
  readonly headers?: RequestDescription['headers'];
}

/**
 * Runs an exchange through policies as the gateway does, in small: the hooks of the request, an upstream that gives `upstream`
 * unless a policy answered, the hooks of the answer. Returns the policy's answer, if one answered.
 */
export async function runPolicies(
  policies: CompiledPolicies,
  exchange: TestExchange,
  upstream: UpstreamAnswer = {},
): Promise<Answer | undefined> {
  let answer: Answer | undefined;
  for (const { hooks } of policies.onRequest) {
    answer = (await hooks.onRequest(exchange)) ?? undefined;
    if (answer) break;
  }
  if (answer === undefined) {
    exchange.serviceName = 'service-1';
    for (const { hooks } of policies.onAttempt) hooks.onAttempt(exchange, exchange.request.fields);
    setAnswer(exchange, upstream.status ?? 200, upstream.headers ?? {});
    for (const { hooks } of policies.onUpstreamResponse) {
      const replacement = (await hooks.onUpstreamResponse(exchange)) ?? undefined;
      if (replacement === undefined) continue;
      answer = replacement;
      setAnswer(exchange, answer.status, answer.headers ?? {});
    }
  } else {
    setAnswer(exchange, answer.status, answer.headers ?? {});
  }
  exchange.response.fields.pushAll(exchange.answerFields);
  for (const { hooks } of policies.onResponse) hooks.onResponse(exchange);
  for (const { hooks } of policies.onEnd) hooks.onEnd(exchange);
  return answer;
}

function setAnswer(
  exchange: TestExchange,
  status: number,
  headers: NonNullable<RequestDescription['headers']>,
): void {
  exchange.response.status = status;
  exchange.response.fields.clear();
  const pairs = Array.isArray(headers) ? headers : Object.entries(headers);
  for (const [name, value] of pairs) exchange.response.fields.append(name, value);
}

/** What comes out of a body transform for these pieces, as text. */
export function throughTransform(transform: BodyTransform, pieces: readonly string[]): string {
  const out = pieces.map((piece) => transform.chunk(Buffer.from(piece)));
  if (transform.end) out.push(transform.end());
  return Buffer.concat(out).toString();
}
