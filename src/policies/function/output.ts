import { isFieldValue, isToken } from '../../http/fields.ts';
import { isRecord } from '../../lib/is-record.ts';
import { jsonMember } from '../../lib/json-member.ts';
import { JsonReader } from '../../lib/json-reader.ts';
import type { Answer, ResponseView } from '../../policy/contract.ts';
import { isOwnField } from '../field-options.ts';
import { WITHOUT_BODY } from '../respond/schema.ts';

const LIMITS = {
  depth: 100,
  keys: 1_000_000,
  items: 1_000_000,
  values: 1_000_000,
  string: Number.MAX_SAFE_INTEGER,
};

const JSON_TYPE = { 'Content-Type': 'application/json' };
const NULL = Buffer.from('null');
const EMPTY: Answer = { status: 204 };
const ACCEPTED: Answer = { status: 202 };
const INVALID: Answer = {
  status: 502,
  code: 'function_invalid',
  detail: 'The function service gave an answer that is no output.',
};

/** Failures of a call that say something of the request or of the moment; any other is between the gateway and the function service. */
const TOLD: ReadonlySet<number> = new Set([400, 409, 413, 422, 429, 503, 504]);

/** Makes answers of what function services answer. */
export class OutputReader {
  readonly #json = new JsonReader(LIMITS);
  readonly #asHttp: boolean;

  constructor(answer: 'output' | 'http') {
    this.#asHttp = answer === 'http';
  }

  /** Of an answer that can have no body. */
  ofHead({ status }: ResponseView): Answer {
    return status === 204 ? EMPTY : INVALID;
  }

  ofBody(response: ResponseView, body: Buffer): Answer {
    const { status } = response;
    if (status >= 400) return failed(response);
    if (status < 200 || status >= 300) return INVALID;
    // Of a call that nobody waits for there need not be any output.
    const isAccepted = status === 202;
    const output = this.#json.fault(body) === undefined ? jsonMember(body, 'output') : undefined;
    if (output === undefined) return isAccepted ? ACCEPTED : INVALID;
    if (output.equals(NULL)) return isAccepted ? ACCEPTED : EMPTY;
    if (!this.#asHttp) return { status: isAccepted ? 202 : 200, headers: JSON_TYPE, body: output };
    return httpAnswer(output) ?? INVALID;
  }
}

function failed({ status, fields }: ResponseView): Answer {
  const retryAfter = fields.get('retry-after');
  return {
    status: TOLD.has(status) ? status : 502,
    code: 'function_failed',
    detail: 'The function failed.',
    ...(retryAfter !== undefined && TOLD.has(status) && { headers: { 'Retry-After': retryAfter } }),
  };
}

/** Of an output that has `status`, `headers` and `body`, which goes on as it is written; undefined for one that is no such answer. */
function httpAnswer(text: Buffer): Answer | undefined {
  const output = JSON.parse(text.toString('utf8')) as unknown;
  if (!isRecord(output)) return undefined;
  const { status = 200, headers = {}, body = null, ...others } = output;
  if (Object.keys(others).length > 0 || !isFinalStatus(status) || !isRecord(headers)) return undefined;
  const fields: Record<string, string> = {};
  let isTyped = false;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== 'string' || !isToken(name) || !(value === '' || isFieldValue(value)))
      return undefined;
    if (isOwnField(name)) return undefined;
    isTyped ||= name.toLowerCase() === 'content-type';
    fields[name] = value;
  }
  if (body === null) return { status, headers: fields };
  if (WITHOUT_BODY.has(status)) return undefined;
  const isText = typeof body === 'string';
  if (!isTyped) fields['Content-Type'] = isText ? 'text/plain; charset=utf-8' : 'application/json';
  return { status, headers: fields, body: isText ? body : (jsonMember(text, 'body') ?? '') };
}

function isFinalStatus(status: unknown): status is number {
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
}
