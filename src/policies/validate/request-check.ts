import type { Answer, Exchange } from '../../policy/contract.ts';
import type { SchemaFault } from './compile-schema.ts';
import { type BodyReading, type Checks, ContentCheck } from './content-check.ts';
import { type ParameterPlace, Parameters, type Style } from './parameters.ts';
import type { ValidateOptions } from './schema.ts';

/** Where in a request something is wrong. */
type Place = ParameterPlace | 'body';

const UNSUPPORTED_TYPE: Answer = { status: 415, code: 'unsupported_media_type' };

/** What is held against every request. */
export class RequestCheck {
  readonly #query: Parameters | undefined;
  readonly #headers: Parameters | undefined;
  readonly #path: Parameters | undefined;
  readonly #cookies: Parameters | undefined;
  readonly #body: ContentCheck | undefined;
  readonly #bodyRequired: boolean;
  readonly #bodyless: boolean;
  readonly #unsupportedType: Answer;
  readonly #unsupportedEncoding: Answer;
  readonly #encodings: readonly string[];
  readonly #maxErrors: number;

  /** Throws an Error that says what is wrong with a schema. */
  constructor({ query, headers, path, cookies, body: described }: ValidateOptions, checks: Checks) {
    const body = described === false ? undefined : described;
    const parameters = (options: typeof query, style: Style) =>
      options && new Parameters(options, style, checks.compiler, checks.definitions, checks.json);
    this.#query = parameters(query, 'form');
    this.#headers = parameters(headers, 'comma');
    this.#path = parameters(path, 'comma');
    this.#cookies = parameters(cookies, 'comma');
    this.#body = body && new ContentCheck(body.content, checks);
    this.#bodyRequired = body?.required === true;
    this.#bodyless = described === false;
    this.#encodings = body?.encodings ?? [];
    this.#maxErrors = checks.maxErrors;
    // RFC 9110 sections 15.5.16 and 12.5.1: a 415 may say what would be taken.
    this.#unsupportedType = {
      ...UNSUPPORTED_TYPE,
      headers: { Accept: Object.keys(body?.content ?? {}).join(', ') },
    };
    this.#unsupportedEncoding = {
      ...UNSUPPORTED_TYPE,
      detail: 'The Content-Encoding of the body is not taken here.',
      headers: { 'Accept-Encoding': this.#encodings.join(', ') || 'identity' },
    };
  }

  /** All but the body's content. */
  head(exchange: Exchange): Answer | undefined {
    const faults: PlacedFault[] = [];
    const { request } = exchange;
    if (this.#path !== undefined) this.#collect('path', this.#path, this.#path.fromPath(exchange), faults);
    if (this.#query !== undefined)
      this.#collect('query', this.#query, this.#query.fromForm(request.search), faults);
    if (this.#headers !== undefined)
      this.#collect('header', this.#headers, this.#headers.fromFields(exchange), faults);
    if (this.#cookies !== undefined) {
      const repeated: SchemaFault[] = [];
      const values = this.#cookies.fromCookies(exchange, repeated);
      for (const fault of repeated) faults.push({ in: 'cookie', ...fault });
      this.#collect('cookie', this.#cookies, values, faults);
    }
    if (request.bodyLength === 0 && this.#bodyRequired)
      faults.push({ in: 'body', path: '', reason: 'is missing' });
    if (request.bodyLength > 0 && this.#bodyless) faults.push(NOT_DESCRIBED);
    if (faults.length > 0) return refusal(faults.slice(0, this.#maxErrors));
    return request.bodyLength === 0 || this.#body === undefined
      ? undefined
      : this.#typeRefusal(exchange, this.#body);
  }

  #collect(place: Place, { schema }: Parameters, values: object, faults: PlacedFault[]): void {
    const found = schema.faults(values, 0, this.#maxErrors);
    if (found !== undefined) for (const fault of found) faults.push({ in: place, ...fault });
  }

  #typeRefusal({ request }: Exchange, body: ContentCheck): Answer | undefined {
    if (!body.takes(request.fields.get('content-type')) || request.fields.getAll('content-type').length > 1)
      return this.#unsupportedType;
    const encoding = request.fields.get('content-encoding')?.toLowerCase();
    if (encoding === undefined) return undefined;
    if (request.fields.repeats('content-encoding')) return this.#unsupportedEncoding;
    if (encoding === 'identity') return undefined;
    return this.#encodings.includes(encoding === 'x-gzip' ? 'gzip' : encoding)
      ? undefined
      : this.#unsupportedEncoding;
  }

  /** For a body that comes in pieces; undefined where nothing is held against it before it is whole. */
  reading({ request }: Exchange): BodyReading | undefined {
    return this.#body?.reading(request.fields.get('content-type'));
  }

  part(reading: BodyReading, body: Buffer): Answer | undefined {
    const fault = reading.more(body);
    return fault && bodyRefusal([fault]);
  }

  body({ request }: Exchange, body: Buffer, reading: BodyReading | undefined): Answer | undefined {
    if (this.#bodyless) return body.length === 0 ? undefined : refusal([NOT_DESCRIBED]);
    if (body.length === 0)
      return this.#bodyRequired ? bodyRefusal([{ path: '', reason: 'is missing' }]) : undefined;
    const faults = this.#body?.faults(request.fields.get('content-type'), body, reading);
    return faults && bodyRefusal(faults);
  }
}

interface PlacedFault extends SchemaFault {
  readonly in: Place;
}

const NOT_DESCRIBED: PlacedFault = { in: 'body', path: '', reason: 'is not described' };

function refusal(errors: readonly PlacedFault[]): Answer {
  return {
    status: 400,
    code: 'invalid_request',
    detail: 'The request is not as the description of this API asks for.',
    problem: { errors },
  };
}

function bodyRefusal(faults: readonly SchemaFault[]): Answer {
  return refusal(faults.map(({ path, reason }) => ({ in: 'body', path, reason })));
}
