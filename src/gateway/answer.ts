import { Fields } from '../http/fields.ts';
import { messageOf } from '../lib/message-of.ts';
import type { Answer } from '../policy/contract.ts';
import type { Exchange } from './exchange.ts';
import { type FailureCode, failureAnswer, problemBody } from './failure.ts';
import { finish } from './finish.ts';
import { dropFraming } from './own-fields.ts';

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
  const { response } = exchange;
  if (made.code !== undefined) exchange.code = made.code;
  response.status = made.status;
  response.fields = made.headers === undefined ? new Fields() : Fields.from(made.headers);
  if (made.headers !== undefined) dropFraming(response.fields);
  const body = bodyOf(exchange, made);
  response.contentLength = typeof body === 'string' ? body.length : body.byteLength;
  if (runResponseHooks(exchange)) send(exchange, body);
}

function send(exchange: Exchange, body: string | Uint8Array): void {
  const { response, downstream } = exchange;
  // RFC 9110 section 8.6: no Content-Length in 204; a 304 would have to state the length of what it stands for.
  const bare = response.status === 204 || response.status === 304;
  downstream.sendHead(response, bare ? undefined : response.contentLength);
  if (!bare && exchange.request.method !== 'HEAD' && response.contentLength > 0) {
    if (typeof body === 'string') downstream.sendText(body);
    else downstream.sendBody(body as Buffer, 0, body.byteLength);
  }
  downstream.sendEnd(undefined);
}

/** Answers with what a policy's hook returned, if it is an answer: a user's own policy may return anything. */
export function answerOfPolicy(exchange: Exchange, policy: string, made: unknown): void {
  if (exchange.ended) return;
  try {
    checkAnswer(made);
  } catch (error) {
    return failPolicy(exchange, policy, error);
  }
  if ((made as Answer).disconnect === true) disconnect(exchange, made as Answer);
  else answer(exchange, made as Answer);
}

/** Ends the exchange as if the gateway had died at it. */
function disconnect(exchange: Exchange, { status, code }: Answer): void {
  exchange.response.status = status;
  if (code !== undefined) exchange.code = code;
  exchange.forward?.cancel();
  exchange.downstream.abort(true);
  finish(exchange);
}

/** Throws an Error that says what is wrong. */
function checkAnswer(made: unknown): void {
  if (typeof made !== 'object' || made === null)
    throw new TypeError('what a hook returns is an answer or nothing');
  const { status, headers, body } = made as Partial<Record<keyof Answer, unknown>>;
  if (!isFinalStatus(status)) throw new RangeError(`${String(status)} is not the status of an answer`);
  if (headers !== undefined) Fields.from(headers as Record<string, string>);
  if (body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('the body of an answer is text or octets');
  }
}

function isFinalStatus(status: unknown): boolean {
  return Number.isInteger(status) && (status as number) >= 200 && (status as number) <= 599;
}

/** Whether a hook's result has to be waited for. */
export function isPending<Value>(result: Value | PromiseLike<Value>): result is PromiseLike<Value> {
  return (
    typeof result === 'object' && result !== null && 'then' in result && typeof result.then === 'function'
  );
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
  const added = exchange.addedFields;
  if (added !== undefined) exchange.response.fields.pushAll(added);
  const before = exchange.response.status;
  for (let i = 0; i < entries.length; i++) {
    const entry = entries[i] as (typeof entries)[number];
    try {
      entry.hooks.onResponse(exchange);
      const { status } = exchange.response;
      if (status !== before && !isFinalStatus(status))
        throw new RangeError(`${status} is not the status of an answer`);
      if (status !== before && before === 101)
        throw new RangeError('a switch of protocols has no other status');
    } catch (error) {
      answerBare(exchange, entry.name, error);
      return false;
    }
  }
  if (entries.length > 0 || added !== undefined) dropFraming(exchange.response.fields);
  return true;
}

/** 500 `policy_failed` with the policy's name in the log. */
export function failPolicy(exchange: Exchange, policy: string, error: unknown): void {
  if (exchange.ended) return;
  notePolicyFailure(exchange, policy, error);
  if (exchange.answered) breakOff(exchange);
  else refuse(exchange, 'policy_failed');
}

/** A policy made something of the request that would break out of its request line. */
export function failUnsendable(exchange: Exchange): void {
  failPolicy(
    exchange,
    'of this route',
    new Error('left a method, path, query or host that no request can have'),
  );
}

function answerBare(exchange: Exchange, policy: string, error: unknown): void {
  notePolicyFailure(exchange, policy, error);
  exchange.forward?.cancel();
  const made = failureAnswer('policy_failed');
  const { response } = exchange;
  response.status = made.status;
  response.fields = new Fields();
  const body = bodyOf(exchange, made);
  response.contentLength = body.length;
  send(exchange, body);
}

function notePolicyFailure(exchange: Exchange, policy: string, error: unknown): void {
  exchange.code = 'policy_failed';
  exchange.error = `policy ${policy}: ${messageOf(error)}`;
  exchange.snapshot.recorder.policyFailed(policy);
  exchange.snapshot.warn(`policy ${policy} failed on route ${exchange.routeName}`, error);
}

/** Answers with a failure where that is still possible, else breaks off. */
export function fail(exchange: Exchange, code: FailureCode): void {
  if (code === 'request_expired') exchange.forward?.expire();
  if (!exchange.answered) return refuse(exchange, code);
  exchange.code = code;
  breakOff(exchange);
}

/** The answer cannot be completed: the client sees it broken off, the log why. */
export function breakOff(exchange: Exchange): void {
  exchange.forward?.cancel();
  exchange.downstream.abort();
  finish(exchange);
}
