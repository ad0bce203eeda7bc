import { isRecord } from '../../lib/is-record.ts';

const PREFIX = 'urn:ietf:params:acme:error:';
const LONGEST = 500;

/**
 * What an ACME server says went wrong (RFC 8555 section 6.7), or what it did not say in time. `type` is the last part of the registered
 * types, such as `rateLimited`; `unreachable` where there was no answer, `malformedAnswer` where it was none of ACME's.
 */
export class AcmeProblem extends Error {
  readonly type: string;
  /** Of the answer; 0 where there was none. */
  readonly status: number;
  /** Milliseconds that the server wants to be left alone; undefined where it did not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    type: string,
    message: string,
    {
      status = 0,
      retryAfterMs,
    }: { readonly status?: number; readonly retryAfterMs?: number | undefined } = {},
  ) {
    super(message);
    this.name = 'AcmeProblem';
    this.type = type;
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Of a problem document (RFC 9457), whose text is the server's: bounded and in one line. */
  static from(document: unknown, status: number, retryAfterMs?: number): AcmeProblem {
    const { type, detail, subproblems } = isRecord(document) ? document : {};
    const name = typeof type === 'string' ? oneLine(type.replace(PREFIX, '')) : 'malformedAnswer';
    const parts = Array.isArray(subproblems) ? subproblems.slice(0, 10).flatMap(subproblemText) : [];
    const text = typeof detail === 'string' ? detail : `answered ${status}`;
    const message = oneLine([text, ...parts].join('; '));
    return new AcmeProblem(name, `${message} (${name})`, { status, retryAfterMs });
  }
}

/** RFC 8555 section 6.7.1. */
function subproblemText(problem: unknown): string[] {
  const { identifier, detail } = isRecord(problem) ? problem : {};
  if (typeof detail !== 'string') return [];
  const { value } = isRecord(identifier) ? identifier : {};
  return [typeof value === 'string' ? `${value}: ${detail}` : detail];
}

function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ')
    .slice(0, LONGEST)
    .trim();
}
