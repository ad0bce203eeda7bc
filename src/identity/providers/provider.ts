/** What a provider gave for a user: what a session keeps of it, and what services get. */
export interface GrantTokens {
  readonly accessToken: string;
  /** As the provider calls it, in small letters: mostly `bearer` (RFC 6749 section 7.1). */
  readonly tokenType: string;
  /** Absent: the grant ends with its access token. */
  readonly refreshToken?: string | undefined;
  /** OpenID Connect Core section 2; verified. */
  readonly idToken?: string | undefined;
  /** Milliseconds since 1970 when the access token ends; Infinity where the provider did not say. */
  readonly expiresAtMs: number;
  readonly scopes: readonly string[];
}

/** What is remembered of one way to a provider and back. Nobody but the browser that began it can end it. */
export interface LoginFlow {
  /** RFC 6749 section 10.12 */
  readonly state: string;
  /** OpenID Connect Core section 3.1.2.1; providers without OpenID Connect do not use it. */
  readonly nonce: string;
  /** RFC 7636 section 4.1 */
  readonly verifier: string;
  /** Where the provider sends the browser back to. */
  readonly redirectUri: string;
  /** Further parameters for the authorization endpoint, such as `prompt` and `login_hint`. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** Who logged in. */
export interface ProviderUser {
  readonly issuer: string;
  readonly subject: string;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Session of the user at the provider (OpenID Connect Back-Channel Logout section 2.1); undefined where it has no name. */
  readonly sid?: string | undefined;
}

/** What a provider says has ended: a session of its own, or all of a user's. */
export interface LogoutNotice {
  readonly sid?: string | undefined;
  readonly subject?: string | undefined;
  /** Of the token: it is to be taken once. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

/**
 * An identity provider, as login and refresh need it. Methods reject with `ProviderRefused` where the provider answered that it will not, and
 * with any other error, such as `ProviderUnavailable`, where it did not answer, not in time, or nothing that can be understood.
 */
export interface Provider {
  readonly name: string;
  /** Of its tokens; where it has none, what its users are known under. */
  readonly issuer: string;
  /** How long a request to it takes at most, in milliseconds; default 5,000. */
  readonly timeoutMs?: number;
  /** Whether a refresh token may be redeemed again; default: as the last renewal of a grant showed. */
  readonly reusesRefreshTokens?: boolean | undefined;
  /**
   * Whether what browsers come back with always says whose it is, and `redeem` refuses what does not (RFC 9207 section 3). Absent: it does not, and
   * the provider has an address of its own to send them back to.
   */
  namesItself?(): Promise<boolean>;
  /** Where the browser is sent to log in. */
  authorizationUrl(flow: LoginFlow): Promise<string>;
  /** Exchanges what the browser came back with, checking `state`, `iss` (RFC 9207) and all that is in an ID token. `search` begins with `?`. */
  redeem(search: string, flow: LoginFlow): Promise<GrantTokens>;
  /**
   * RFC 6749 section 6. Of what the answer leaves out, what was granted before holds. Rejects with `ProviderRefused` or `ProviderUnavailable` where the
   * refresh token is as it was; any other error, such as `RedemptionUnknown`, says that it may have been redeemed.
   */
  refresh(tokens: GrantTokens): Promise<GrantTokens>;
  /** Whom the tokens are of. */
  user(tokens: GrantTokens): Promise<ProviderUser>;
  /** RFC 7009; where the provider cannot, nothing happens. */
  revoke?(tokens: GrantTokens): Promise<void>;
  /** OpenID Connect RP-Initiated Logout section 2; undefined where the provider has no such page. */
  logoutUrl?(tokens: GrantTokens, returnTo: string | undefined): Promise<string | undefined>;
  /** Verifies a logout token (OpenID Connect Back-Channel Logout section 2.6); absent where the provider sends none. */
  logoutNotice?(token: string): Promise<LogoutNotice>;
  /** A token from another one (RFC 8693). */
  exchange?(request: TokenExchange): Promise<GrantTokens>;
  /** A token of the gateway's own (RFC 6749 section 4.4). */
  clientCredentials?(request: TokenRequest): Promise<GrantTokens>;
}

/** Which token is asked for. */
export interface TokenRequest {
  readonly audience?: string | undefined;
  /** RFC 8707 */
  readonly resource?: string | undefined;
  readonly scopes: readonly string[];
}

export interface TokenExchange extends TokenRequest {
  readonly subjectToken: string;
  /** RFC 8693 section 3; default: an access token. */
  readonly subjectTokenType?: string | undefined;
  readonly requestedTokenType?: string | undefined;
}

/** The provider's answer is no. */
export class ProviderRefused extends Error {
  override readonly name = 'ProviderRefused';
  /** RFC 6749 sections 4.1.2.1 and 5.2, such as `invalid_grant`; `invalid_response` where its answer does not hold what was checked. */
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The provider did not answer, or not in time, or nothing that can be understood. */
export class ProviderUnavailable extends Error {
  override readonly name = 'ProviderUnavailable';
}

/** A refresh token was sent to be redeemed, and no answer came that tells what became of it, or none that can be believed. */
export class RedemptionUnknown extends Error {
  override readonly name = 'RedemptionUnknown';
}

/** Whether a refresh token is as it was before the attempt to redeem it that failed so. */
export function isAsItWas(error: unknown): boolean {
  return error instanceof ProviderRefused || error instanceof ProviderUnavailable;
}
