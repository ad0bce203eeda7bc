import type { Principal } from '../../policy/principal.ts';
import type { GrantTokens, ProviderUser } from '../providers/provider.ts';
import type { PersonalToken } from './personal-token.ts';

/** What is kept of a grant: what a provider gave, and how often it was renewed. */
export interface Grant extends GrantTokens {
  readonly provider: string;
  /** Grows by one with each refresh. */
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly obtainedAtMs: number;
  /** Somebody redeems the refresh token, and will have written by then what came of it, or died. */
  readonly renewingUntilMs?: number | undefined;
  /** Its refresh token may have been redeemed, and what came of it was lost: it is not redeemed again. */
  readonly isLost?: boolean | undefined;
  /** The last renewal left the refresh token as it was: it may be redeemed again. */
  readonly isReusable?: boolean | undefined;
  /** When this worker thinks of renewing it: somewhat before its end, and not all at once. Not stored. */
  readonly renewAtMs: number;
}

/** Who has a session, as the first provider of its login said. */
export interface SessionUser extends ProviderUser {
  readonly provider: string;
}

/** An open session: whoever has one had its cookie, or another proof that the session takes. */
export interface Session {
  /** Names it without giving access to it. */
  readonly id: string;
  /** Which of `sessions` it is one of. */
  readonly kind: string;
  readonly user: SessionUser;
  /** It is that of a token which its user made. */
  readonly token?: PersonalToken | undefined;
  /** Made once: one object for all requests of the session in this worker. */
  readonly principal: Principal;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** When it ends, whatever happens. */
  readonly endsAtMs: number;
  /** Opens its records. */
  readonly secret: Buffer;
}

/** What is known of a request's session. */
export type SessionFinding =
  | {
      readonly kind: 'known';
      readonly session: Session;
      readonly principal: Principal;
      readonly by: 'cookie' | 'bearer' | 'basic';
      /** Whom the token is bound to that it was found by (RFC 7800 section 3.1); undefined: nobody. */
      readonly confirmation?: unknown;
    }
  /** No cookie, or that of a session that has ended: then `isOver`, and the cookie is to be cleared. */
  | { readonly kind: 'absent'; readonly isOver: boolean }
  /** A cookie or a token that no session has. `isCookie`: it is to be cleared. */
  | { readonly kind: 'refused'; readonly detail: string; readonly isCookie: boolean }
  | { readonly kind: 'unavailable'; readonly detail: string };

export const NO_SESSION: SessionFinding = { kind: 'absent', isOver: false };
export const SESSION_OVER: SessionFinding = { kind: 'absent', isOver: true };
export const NOT_A_SESSION: SessionFinding = {
  kind: 'refused',
  detail: 'The cookie is not one of a session.',
  isCookie: true,
};
export const NOT_A_TOKEN: SessionFinding = {
  kind: 'refused',
  detail: 'The token is of no session.',
  isCookie: false,
};
export const NOT_THE_HOLDER: SessionFinding = {
  kind: 'refused',
  detail: 'The token is bound to somebody else than who sent it.',
  isCookie: false,
};
export const SESSIONS_UNAVAILABLE: SessionFinding = {
  kind: 'unavailable',
  detail: 'Sessions cannot be read at the moment.',
};

/** A login that has come to its end at one provider. */
export interface Login {
  readonly provider: string;
  readonly user: ProviderUser;
  readonly tokens: GrantTokens;
}
