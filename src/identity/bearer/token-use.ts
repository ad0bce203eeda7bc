type Claims = Readonly<Record<string, unknown>>;

/** What a token is for, by what it says itself: who takes one kind for another can be given what was meant for somebody else (RFC 8725 section 2.8). */
export type TokenUse = 'access' | 'id' | 'other';

/**
 * Nothing in a claim says what all tokens are for. `token_use` is how Ory Hydra and Amazon Cognito tell, `typ` how Keycloak does; hashes of other tokens
 * stand in ID tokens alone (OpenID Connect Core section 3.3.2.11), and events in security event tokens such as those of a logout (RFC 8417 section 2.2).
 */
export function useOf(claims: Claims): TokenUse {
  const { token_use: use, typ, events } = claims;
  if (events !== undefined) return 'other';
  const named = OF_WORD.get(word(use)) ?? OF_WORD.get(word(typ));
  if (named !== undefined) return named;
  if (typeof use === 'string' && !ACCESS.has(word(use))) return 'other';
  return claims['at_hash'] !== undefined || claims['c_hash'] !== undefined ? 'id' : 'access';
}

const ACCESS: ReadonlySet<string> = new Set(['access', 'access_token']);

const OF_WORD: ReadonlyMap<string, TokenUse> = new Map([
  ['id', 'id'],
  ['id_token', 'id'],
  ['refresh', 'other'],
  ['refresh_token', 'other'],
  ['offline', 'other'],
  ['logout', 'other'],
]);

function word(value: unknown): string {
  return typeof value === 'string' ? value.toLowerCase() : '';
}
