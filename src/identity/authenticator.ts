import type { Answer, BodyBounds, Exchange } from '../policy/contract.ts';
import type { Principal } from '../policy/principal.ts';

/** One way to find out who calls. Made once per use of a policy. Synchronous where what it needs is known already. */
export interface Authenticator {
  /** Such as `basic`: the principal's `method`. */
  readonly method: string;
  /** Does not change the exchange; a hook that throws is 500 `policy_failed`, so what is wrong with a request is a finding. */
  authenticate(exchange: Exchange): Finding | Promise<Finding>;
  /**
   * One challenge, or several with a comma between them, for WWW-Authenticate of a 401 (RFC 9110 section 11.6.1); undefined where there is no
   * scheme to name. `finding` is what `authenticate` returned.
   */
  challenge(finding: Absent | Refused, exchange: Exchange): string | undefined;
  /** Further fields of a 401, such as what would be taken. */
  readonly answerFields?: Readonly<Record<string, string>> | undefined;
  /**
   * Takes its credentials off what is sent upstream: fields, query parameters, cookies. Called once the request may go on, also where another
   * method told who calls; so it takes its own kind alone. None: they stay.
   */
  strip?(exchange: Exchange): void;
  /** Sees the octets of the body, as they came, of a request that it has let pass: an answer ends the request. Then every body is collected. */
  checkBody?(exchange: Exchange, octets: Buffer): Answer | undefined;
  readonly requestBodyBounds?: BodyBounds | undefined;
  /** As the hook of a policy: adds to every answer, such as cookies. */
  onResponse?(exchange: Exchange): void;
  /** As the hook of a policy: what is asked of somebody for this request alone need not be answered any more. */
  onEnd?(exchange: Exchange): void;
  close?(): void;
}

/** What a method found out. Findings that say nothing of the request are constants: they are made on the hot path. */
export type Finding = Known | Absent | Refused | Unavailable;

export interface Known {
  readonly kind: 'known';
  readonly principal: Principal;
  /** The bearer token that told, where one did: for `callerToken` of the exchange. */
  readonly token?: string | undefined;
}

/** No credentials of this kind were sent. */
export interface Absent {
  readonly kind: 'absent';
  /** Instead of the 401 where nobody else knows the caller either, such as the way to a login. */
  readonly answer?: Answer;
}

/** Credentials that are wrong: whoever sent them is never taken for anonymous. */
export interface Refused {
  readonly kind: 'refused';
  /** Stable code of the answer: `invalid_credentials`, `invalid_token` and so on. */
  readonly code: string;
  /** For the client: never what exactly of a secret did not fit. */
  readonly detail: string;
  /** Instead of the 401. */
  readonly answer?: Answer;
}

/** Whoever could judge the credentials cannot be asked: 503. */
export interface Unavailable {
  readonly kind: 'unavailable';
  /** Default `provider_unavailable`. */
  readonly code?: string;
  readonly detail: string;
  readonly retryAfterMs?: number;
  /** The request has nothing that whoever cannot be asked could know its caller by, as far as can be seen. */
  readonly isUnshown?: boolean;
}

export const ABSENT: Absent = { kind: 'absent' };

/** The request has ended before its caller was known: nobody sees this finding. */
export const GONE: Unavailable = { kind: 'unavailable', detail: '' };
