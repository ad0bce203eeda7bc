import { type Held, heldBy } from './held.ts';

/** What there is of a token that a provider gave for the user. */
export type UserToken =
  | { readonly kind: 'known'; readonly token: string; readonly scopes: readonly string[] }
  /** The user has not been at the provider, or it renews what it gave no more. */
  | { readonly kind: 'missing' }
  /** Nobody can say at the moment. */
  | { readonly kind: 'unavailable' };

/** The tokens of the user whose session a request has. */
export interface UserTokens extends Held {
  /** A token of that provider that is good now: at once where it is at hand. Does not reject; throws an Error where there is no such provider. */
  token(provider: string): UserToken | Promise<UserToken>;
}

/** Sessions are kept for a request under this: it has one at most. */
export const USER_TOKENS: object = { what: 'the session of a request' };

/** Undefined where the request has no session, or no policy has looked for one yet. */
export function userTokens(exchange: { readonly held?: Held | undefined }): UserTokens | undefined {
  return heldBy<UserTokens>(exchange, USER_TOKENS);
}
