/** Why an attempt at an upstream failed, as log, metrics and retries see it. */
export type UpstreamFailureKind =
  /** No connection was made: nothing was sent. */
  | 'refused'
  | 'connect_timeout'
  /** TLS failed: handshake, name or trust. */
  | 'tls'
  /** The connection broke before or within the answer. */
  | 'reset'
  /** A kept connection broke before any octet of an answer: likely closed by the upstream while it was idle. */
  | 'stale'
  /** The answer is not HTTP as it must be. */
  | 'invalid'
  | 'first_byte_timeout'
  | 'idle_timeout'
  /** The attempt had no answer within the time that one may take. */
  | 'try_timeout'
  /** Too many requests wait for a connection. */
  | 'overloaded';

export interface UpstreamFailure {
  readonly kind: UpstreamFailureKind;
  /** For the log. */
  readonly cause: string;
}
