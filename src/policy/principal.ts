/**
 * Who calls, as an authentication policy found out: one shape, whatever the credentials were. It stands in `exchange.principal` for the policies
 * after it, such as authorization, rate limits and plans. Nobody changes it: one object may stand for many requests.
 */
export interface Principal {
  /** Which kind of credentials told: `basic`, `api-key`, `jwt`, `session` and so on. */
  readonly method: string;
  /**
   * A name of `consumers` where one of them is meant, else `subject`; with the issuer before it, as `issuer#subject`, where somebody else could be
   * called so. Plans, limits and the log know the caller by it.
   */
  readonly consumer: string;
  /** Whose consumer it is: only its routes know it, and elsewhere a user may be called so. Absent where it is of no organization, or none. */
  readonly organization?: string;
  /** What the issuer calls the caller (RFC 7519 section 4.1.2); of credentials of the configuration it is the consumer's name. */
  readonly subject: string;
  /** Who vouches for the subject, such as the `iss` of a token; empty for credentials of the configuration. */
  readonly issuer: string;
  /** RFC 6749 section 3.3. */
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly roles: readonly string[];
  /** What else is known of the caller: the claims of a token or of a login. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Names the caller's session without giving access to it; empty where there is none. */
  readonly session: string;
  /** Milliseconds since 1970 when it is not true any more; Infinity where nobody said. */
  readonly expiresAtMs: number;
}

/** The `method` of visitors of a session: they have a name that stays the same, and anybody may have as many as they like. */
export const VISITOR = 'anonymous';

/** Who it is by credentials: a visitor is nobody, for whatever gives rights or counts. */
export function authenticated(principal: Principal | undefined): Principal | undefined {
  return principal?.method === VISITOR ? undefined : principal;
}

/** Of somebody of whom nothing is known but that name; empty: not even one. */
export function visitorPrincipal(name: string): Principal {
  return {
    method: VISITOR,
    consumer: name,
    subject: name,
    issuer: '',
    scopes: [],
    groups: [],
    roles: [],
    claims: {},
    session: '',
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
}
