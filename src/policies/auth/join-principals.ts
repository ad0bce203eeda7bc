import { authenticated, type Principal } from '../../policy/principal.ts';

/** Whoever both methods know, or the one that knows somebody: the first says who it is, and each adds what its caller has. It is true as long as both are. */
export function joinPrincipals(first: Principal, second: Principal): Principal {
  if (authenticated(second) === undefined) return first;
  if (authenticated(first) === undefined) return second;
  return {
    ...first,
    scopes: union(first.scopes, second.scopes),
    groups: union(first.groups, second.groups),
    roles: union(first.roles, second.roles),
    // What the first says stands.
    claims: { ...second.claims, ...first.claims },
    session: first.session === '' ? second.session : first.session,
    expiresAtMs: Math.min(first.expiresAtMs, second.expiresAtMs),
  };
}

function union(first: readonly string[], second: readonly string[]): readonly string[] {
  const more = second.filter((entry) => !first.includes(entry));
  return more.length === 0 ? first : [...first, ...more];
}
