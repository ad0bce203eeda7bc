import { z } from 'zod';
import { isFieldValue, isToken } from '../../http/fields.ts';

/** What OPA said. */
export interface Decision {
  readonly allow: boolean;
  /** Of the refusal. */
  readonly status?: number | undefined;
  readonly reason?: string | undefined;
  /** Of the refusal, or for the service. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

const MAX_REASON_CHARS = 1000;

const decision = z.object({
  allow: z.boolean(),
  status: z.int().min(300).max(599).optional(),
  reason: z.string().max(MAX_REASON_CHARS).optional(),
  headers: z.record(z.string().refine(isToken), z.string().refine(isFieldValue)).optional(),
});
const answer = z.object({
  result: z.union([z.boolean().transform((allow) => ({ allow })), decision]).optional(),
});

const UNDEFINED: Decision = { allow: false };

/**
 * Reads the answer of OPA's Data API. A rule that is not defined has no `result`: that is no. Throws an Error for what is neither a boolean nor
 * a decision.
 */
export function readDecision(text: string): Decision {
  const parsed = answer.safeParse(parse(text));
  if (parsed.success) return parsed.data.result ?? UNDEFINED;
  const [issue] = parsed.error.issues;
  throw new Error(`its answer is no decision: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
}

/** What JSON.parse says quotes the text, which is not for a log. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error('its answer is not JSON');
  }
}
