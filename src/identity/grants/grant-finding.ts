import type { Grant } from '../sessions/session.ts';

/** What there is of a grant. */
export type GrantFinding =
  | { readonly kind: 'known'; readonly grant: Grant }
  /** The session has none, or one that is over and cannot be renewed: the user has to go to the provider. */
  | { readonly kind: 'missing' }
  | GrantUnavailable;

export interface GrantUnavailable {
  readonly kind: 'unavailable';
  /** Whether the sessions cannot be read; else the provider does not answer. */
  readonly ofStore: boolean;
}

export const MISSING: GrantFinding = { kind: 'missing' };
export const PROVIDER_AWAY: GrantFinding = { kind: 'unavailable', ofStore: false };
export const STORE_AWAY: GrantFinding = { kind: 'unavailable', ofStore: true };
