import assert from 'node:assert/strict';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import type { Answer } from '../../policy/contract.ts';
import { type CompiledPolicies, compilePolicies } from '../compile.ts';

/** The policy with these options; what it counts and tells is added to the lists. */
export function compiled(
  options: unknown,
  counted: string[] = [],
  told: string[] = [],
): Promise<CompiledPolicies> {
  return compilePolicies([{ name: 'validate', options }], {
    route: 'r',
    warn: (message) => told.push(message),
    policyEvent: (_, event) => counted.push(event),
  });
}

export interface Asked extends Omit<RequestDescription, 'bodyLength'> {
  readonly body?: string | Buffer;
}

/** What the policy answers to a request; undefined when it passes. Its body comes in one and in pieces, which is all the same. */
export async function answerTo(
  options: unknown,
  asked: Asked,
  counted: string[] = [],
): Promise<Answer | undefined> {
  const answer = await answerToPieces(options, asked, Number.POSITIVE_INFINITY, counted);
  const { length } = Buffer.from(asked.body ?? '');
  for (const size of length < 1000 ? [1, 7] : [Math.ceil(length / 9)])
    assert.deepEqual(await answerToPieces(options, asked, size), answer);
  return answer;
}

async function answerToPieces(
  options: unknown,
  { body, ...request }: Asked,
  size: number,
  counted: string[] = [],
): Promise<Answer | undefined> {
  const policies = await compiled(options, counted);
  const octets = Buffer.from(body ?? '');
  const exchange = exchangeFor({ ...request, bodyLength: octets.length });
  const head = (await policies.onRequest[0]?.hooks.onRequest(exchange)) ?? undefined;
  if (head !== undefined || octets.length === 0) return head;
  for (let end = size; end < octets.length; end += size) {
    const part = policies.onRequestBodyPart[0]?.hooks.onRequestBodyPart(exchange, octets.subarray(0, end));
    if (part !== undefined) return part;
  }
  return policies.onRequestBody[0]?.hooks.onRequestBody(exchange, octets, octets) ?? undefined;
}

/** Lines `place path: reason`, or the status and code of another answer than that; empty when it passes. */
export async function verdict(options: unknown, asked: Asked): Promise<readonly string[]> {
  return linesOf(await answerTo(options, asked));
}

/** The same of an answer. */
export function linesOf(answer: Answer | undefined): readonly string[] {
  if (answer === undefined) return [];
  if (answer.code !== 'invalid_request') return [`${answer.status} ${answer.code}`];
  assert.equal(answer.status, 400);
  const errors = answer.problem?.['errors'] as readonly { in: string; path: string; reason: string }[];
  return errors.map((error) => `${error.in} ${error.path}: ${error.reason}`);
}

/** A body of JSON with this schema. */
export const json = (schema: unknown) => ({ body: { content: { 'application/json': { schema } } } });

export const PET = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    email: { type: 'string', format: 'email' },
    tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' } },
  },
  additionalProperties: false,
};
