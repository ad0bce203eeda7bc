import { Fields } from '../http/fields.ts';
import type { Answer } from '../policy/contract.ts';
import type { Exchange } from './exchange.ts';
import { type FailureCode, failureAnswer, problemBody } from './failure.ts';
import { finish } from './finish.ts';

/** Answers with a failure of the table, as problem details (RFC 9457). */
export function refuse(
  exchange: Exchange,
  code: FailureCode,
  detail?: string,
  headers?: Readonly<Record<string, string>>,
): void {
  const plain = failureAnswer(code, detail);
  answer(exchange, headers === undefined ? plain : { ...plain, headers });
}

/** Answers in the upstream's place. What an upstream may have begun to answer is dropped. */
export function answer(exchange: Exchange, made: Answer): void {
  if (exchange.ended || exchange.answered) return;
  exchange.forward?.cancel();
  const { response, downstream } = exchange;
  if (made.code !== undefined) exchange.code = made.code;
  try {
    response.fields = made.headers === undefined ? new Fields() : Fields.from(made.headers);
    if (!isFinalStatus(made.status)) throw new RangeError(`${made.status} is not the status of an answer`);
  } catch (error) {
    return answerBare(exchange, 'of this route', error);
  }
  response.status = made.status;
  const body = bodyOf(exchange, made);
  // RFC 9110 section 8.6: no Content-Length in 204; a 304 would have to state the length of what it stands for.
  const bare = made.status === 204 || made.status === 304;
  response.contentLength = bare ? -1 : typeof body === 'string' ? body.length : body.byteLength;
  if (!runResponseHooks(exchange)) return;

  const empty = bare || exchange.request.method === 'HEAD';
  downstream.sendHead(response, bare ? undefined : response.contentLength);
  if (!empty && response.contentLength > 0) {
    if (typeof body === 'string') downstream.sendText(body);
    else downstream.sendBody(body as Buffer, 0, body.byteLength);
  }
  downstream.sendEnd(undefined);
}

function isFinalStatus(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599;
}

/** Latin1 text, one character an octet, or octets. */
function bodyOf(exchange: Exchange, made: Answer): string | Uint8Array {
  if (typeof made.body === 'object')
    return Buffer.from(made.body.buffer, made.body.byteOffset, made.body.byteLength);
  if (made.body !== undefined) return octets(made.body);
  if (made.code === undefined || made.status < 400) return '';
  const { fields } = exchange.response;
  if (!fields.has('content-type')) fields.push('content-type', 'Content-Type', 'application/problem+json');
  if (!fields.has('cache-control')) fields.push('cache-control', 'Cache-Control', 'no-store');
  return octets(problemBody(made, exchange.id));
}

function octets(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

/**
 * Runs the hooks of every answer. Returns false when one threw: the failure is then answered instead, without the hooks, since
 * the one that threw would throw again.
 */
export function runResponseHooks(exchange: Exchange): boolean {
  const entries = exchange.route.policies.onResponse;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as (typeof entries)[number];
    try {
      entry.hooks.onResponse(exchange);
    } catch (error) {
      answerBare(exchange, entry.name, error);
      return false;
    }
  }
  if (entries.length > 0 && !isFinalStatus(exchange.response.status) && exchange.response.status !== 101) {
    answerBare(
      exchange,
      'of this route',
      new RangeError(`${exchange.response.status} is not the status of an answer`),
    );
    return false;
  }
  return true;
}

/** 500 `policy_failed` with the policy's name in the log. */
export function failPolicy(exchange: Exchange, policy: string, error: unknown): void {
  if (exchange.ended) return;
  notePolicyFailure(exchange, policy, error);
  if (exchange.answered) breakOff(exchange);
  else refuse(exchange, 'policy_failed');
}

function answerBare(exchange: Exchange, policy: string, error: unknown): void {
  notePolicyFailure(exchange, policy, error);
  exchange.forward?.cancel();
  const made = failureAnswer('policy_failed');
  const { response, downstream } = exchange;
  response.status = made.status;
  response.fields = new Fields();
  exchange.code = 'policy_failed';
  const body = bodyOf(exchange, made) as string;
  response.contentLength = body.length;
  downstream.sendHead(response, body.length);
  if (exchange.request.method !== 'HEAD') downstream.sendText(body);
  downstream.sendEnd(undefined);
}

function notePolicyFailure(exchange: Exchange, policy: string, error: unknown): void {
  exchange.code = 'policy_failed';
  exchange.error = `policy ${policy}: ${error instanceof Error ? error.message : String(error)}`;
  exchange.snapshot.recorder.policyFailed(policy);
  exchange.snapshot.warn(`policy ${policy} failed on route ${exchange.routeName}`, error);
}

/** The answer cannot be completed: the client sees it broken off, the log why. */
export function breakOff(exchange: Exchange): void {
  exchange.forward?.cancel();
  exchange.downstream.abort();
  finish(exchange);
}
