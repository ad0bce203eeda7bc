import type { Fields } from '../../http/fields.ts';
import type { Answer, BodyBounds, Exchange, PolicyHooks } from '../../policy/contract.ts';
import { ClientFields } from './client-fields.ts';
import { type Input, InputReader, malformed } from './input.ts';
import { ORGANIZATION_FIELD } from './organization-field.ts';
import { OutputReader } from './output.ts';
import { objectText, readPairs } from './pairs.ts';
import type { FunctionOptions } from './schema.ts';

const NO_MEMORY: Answer = {
  status: 503,
  code: 'overloaded',
  detail: 'Too many bodies are looked at right now.',
};
const END = Buffer.from('}');
const ORGANIZATION_KEY = ORGANIZATION_FIELD.toLowerCase();

/** Makes of a request the call of a function, and of its output the answer. */
export class FunctionCall implements PolicyHooks {
  readonly requestBodyBounds: BodyBounds;
  readonly responseBodyBounds: BodyBounds;
  readonly #path: string;
  readonly #start: string;
  readonly #headers: readonly string[];
  readonly #blockingHeader: string | undefined;
  readonly #organization: string | undefined;
  readonly #inputs = new InputReader();
  readonly #outputs: OutputReader;

  constructor(options: FunctionOptions) {
    const { name, path, headers, blockingHeader, organization, answer, maxInput, maxOutput } = options;
    this.#path = path;
    this.#start = `{"functionName":${JSON.stringify(name)},"blocking":`;
    this.#headers = headers;
    this.#blockingHeader = blockingHeader;
    this.#organization = organization;
    this.#outputs = new OutputReader(answer);
    this.requestBodyBounds = { maxBytes: maxInput };
    this.responseBodyBounds = { maxBytes: maxOutput, unchecked: 'refuse' };
  }

  onRequest(exchange: Exchange): Answer | undefined {
    return exchange.request.bodyLength === 0 ? this.#call(exchange, undefined) : undefined;
  }

  onRequestBody(exchange: Exchange, body: Buffer): Answer | undefined {
    // One in chunks has no length before it has come: without an octet it is none.
    return this.#call(exchange, body.length === 0 ? undefined : body);
  }

  #call(exchange: Exchange, body: Buffer | undefined): Answer | undefined {
    const { request } = exchange;
    // Policies before took credentials out of it.
    const query = readPairs(request.upstreamSearch, exchange.secretParameters);
    if (!query.ok) return malformed(query.reason, '', 'query');
    const blocking = this.#blocking(request.fields);
    if (blocking === undefined)
      return malformed('is neither true nor false', `/${this.#blockingHeader}`, 'header');
    const input: Input =
      body === undefined
        ? this.#inputs.ofHead(exchange, query.json)
        : this.#inputs.ofBody(exchange, query.json, body);
    if ('refusal' in input) return input.refusal;
    const head = `${this.#start}${blocking},"httpContext":${this.#context(exchange, query.json)},"input":`;
    const json = typeof input.json === 'string' ? Buffer.from(input.json) : input.json;
    if (!exchange.replaceRequestBody(Buffer.concat([Buffer.from(head), json, END]))) return NO_MEMORY;
    request.fields = new ClientFields(request.fields);
    request.upstreamMethod = 'POST';
    request.upstreamPath = this.#path;
    request.upstreamSearch = '';
    return undefined;
  }

  /** Undefined where the client says something that is neither. */
  #blocking(fields: Fields): boolean | undefined {
    const name = this.#blockingHeader;
    if (name === undefined) return true;
    if (fields.repeats(name)) return undefined;
    const value = fields.get(name)?.toLowerCase();
    if (value === undefined || value === 'true') return true;
    return value === 'false' ? false : undefined;
  }

  #context({ request }: Exchange, query: string): string {
    const { method, path, scheme, authority, fields } = request;
    const told: (readonly [string, string])[] = [];
    // RFC 9110 section 5.3: several fields of a name are one list.
    for (const name of this.#headers)
      if (fields.has(name)) told.push([name, textOf(fields.getAll(name).join(', '))]);
    const plain = objectText([
      ['method', method],
      ['scheme', scheme],
      ['host', textOf(authority)],
      ['path', path],
    ]);
    return `${plain.slice(0, -1)},"query":${query},"headers":${objectText(told)}}`;
  }

  onAttempt(exchange: Exchange, fields: Fields): void {
    const all = exchange.request.fields;
    if (!(all instanceof ClientFields)) return;
    fields.retain(all.isOthers);
    fields.put('content-type', 'Content-Type', 'application/json');
    fields.put('accept', 'Accept', 'application/json');
    fields.put('accept-encoding', 'Accept-Encoding', 'identity');
    if (this.#organization !== undefined)
      fields.put(ORGANIZATION_KEY, ORGANIZATION_FIELD, this.#organization);
  }

  onUpstreamResponse({ response }: Exchange): Answer | undefined {
    // Of these there is no body that would be shown.
    return response.status === 204 || response.status === 304 ? this.#outputs.ofHead(response) : undefined;
  }

  onResponseBody({ response }: Exchange, body: Buffer): Answer {
    return this.#outputs.ofBody(response, body);
  }
}

/** Fields are latin1 text; what is UTF-8 is read as that. */
function textOf(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}
