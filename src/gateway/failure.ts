import { STATUS_CODES } from 'node:http';
import type { Answer } from '../policy/contract.ts';
import type { UpstreamFailureKind } from '../upstream/failure.ts';

interface FailureRule {
  readonly status: number;
  /** What the client may know. */
  readonly detail: string;
}

/**
 * Every answer that the gateway makes because something went wrong: the code is stable, for people to search and programs to
 * compare. One table, so that no two places turn the same failure into different answers.
 */
const RULES = {
  bad_request: { status: 400, detail: 'The request is malformed.' },
  request_timeout: { status: 408, detail: 'The request did not arrive in time.' },
  body_too_large: { status: 413, detail: 'The body is larger than is allowed here.' },
  uri_too_long: { status: 414, detail: 'The request line is too long.' },
  unsupported_media_type: { status: 415, detail: 'Bodies of this type are not taken here.' },
  expectation_failed: { status: 417, detail: 'The expectation is not known here.' },
  misdirected_request: { status: 421, detail: 'The request is not for this listener.' },
  head_too_large: { status: 431, detail: 'The head of the request is too large.' },
  coding_not_supported: { status: 501, detail: 'Of the transfer codings only chunked is known here.' },
  version_not_supported: {
    status: 505,

    detail: 'Only HTTP/1.0 and HTTP/1.1 are spoken here.',
  },
  client_closed: { status: 499, detail: 'The client left.' },
  route_disabled: { status: 404, detail: 'This is switched off.' },
  route_not_found: { status: 404, detail: 'No route matches this request.' },
  method_not_allowed: { status: 405, detail: 'The method is not allowed here.' },
  policy_failed: { status: 500, detail: 'The request could not be processed.' },
  too_many_connections: { status: 503, detail: 'Too many connections are open.' },
  circuit_open: { status: 503, detail: 'The service fails too often and is left alone for a while.' },
  no_target: { status: 503, detail: 'The service has no target.' },
  overloaded: { status: 503, detail: 'The service has too many requests to deal with.' },
  upstream_refused: { status: 502, detail: 'The service could not be reached.' },
  upstream_reset: { status: 502, detail: 'The service broke off the connection.' },
  upstream_invalid: {
    status: 502,

    detail: 'The service gave an answer that cannot be passed on.',
  },
  upstream_timeout: { status: 504, detail: 'The service did not answer in time.' },
  request_expired: {
    status: 504,

    detail: 'The request took longer than is allowed here.',
  },
} as const satisfies Record<string, FailureRule>;

export type FailureCode = keyof typeof RULES;

/** The answer for a failure; `detail` replaces the table's. */
export function failureAnswer(code: FailureCode, detail?: string): Answer {
  const rule = RULES[code];
  return { status: rule.status, code, detail: detail ?? rule.detail };
}

/** What the failure of an upstream is to a client. */
export const UPSTREAM_FAILURES: Readonly<Record<UpstreamFailureKind, FailureCode>> = {
  refused: 'upstream_refused',
  connect_timeout: 'upstream_timeout',
  tls: 'upstream_refused',
  reset: 'upstream_reset',
  stale: 'upstream_reset',
  invalid: 'upstream_invalid',
  first_byte_timeout: 'upstream_timeout',
  idle_timeout: 'upstream_timeout',
  try_timeout: 'upstream_timeout',
  overloaded: 'overloaded',
};

/** Problem details (RFC 9457) of an answer made here. */
export function problemBody(answer: Answer, requestId: string): string {
  return JSON.stringify({
    ...answer.problem,
    type: `urn:portcullis:problem:${answer.code}`,
    title: STATUS_CODES[answer.status] ?? 'Error',
    status: answer.status,
    detail: answer.detail,
    code: answer.code,
    requestId,
  });
}
