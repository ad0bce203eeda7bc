import { boundedTokens, expiryOf } from './bounds.ts';
import type { GrantTokens, TokenRequest } from './provider.ts';

/** What a token is asked for with (RFC 6749 section 4.4.2, RFC 8693 section 2.1, RFC 8707 section 2). */
export function tokenParameters({ audience, resource, scopes }: TokenRequest): Record<string, string> {
  return {
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  };
}

/** What a token endpoint answers (RFC 6749 section 5.1). */
interface TokenAnswer {
  readonly access_token: string;
  readonly token_type: string;
  readonly expires_in?: number | undefined;
  readonly refresh_token?: string | undefined;
  readonly id_token?: string | undefined;
  readonly scope?: string | undefined;
}

/** Members that the answer leaves out are left out, so that what was known before can stand behind. `asked`: scopes where it names none. */
export function tokensFrom(answer: TokenAnswer, asked: readonly string[], nowMs: number): GrantTokens {
  const { access_token, token_type, expires_in, refresh_token, id_token, scope } = answer;
  return boundedTokens({
    accessToken: access_token,
    tokenType: token_type.toLowerCase(),
    ...(refresh_token === undefined ? {} : { refreshToken: refresh_token }),
    ...(id_token === undefined ? {} : { idToken: id_token }),
    expiresAtMs: expiryOf(expires_in, nowMs),
    scopes: scope === undefined ? asked : scope.split(' ').filter((word) => word !== ''),
  });
}
