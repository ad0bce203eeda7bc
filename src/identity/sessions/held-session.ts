import { type Held, heldBy } from '../../policy/held.ts';
import { USER_TOKENS, type UserToken, type UserTokens } from '../../policy/user-tokens.ts';
import type { GrantFinding } from '../grants/grant-finding.ts';
import type { Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** The session that a request was found to have, for the policies after the one that found it. */
export class HeldSession implements UserTokens {
  readonly owner = USER_TOKENS;
  next: Held | undefined = undefined;
  readonly session: Session;
  readonly sessions: Sessions;
  /** Authorization told of it, not the cookie. */
  readonly byToken: boolean;
  /** A token of the gateway's own, whose session no browser has. */
  readonly isOfProgram: boolean;

  constructor(session: Session, sessions: Sessions, byToken: boolean, isOfProgram = false) {
    this.byToken = byToken;
    this.isOfProgram = isOfProgram;
    this.session = session;
    this.sessions = sessions;
  }

  token(provider: string): UserToken | Promise<UserToken> {
    if (!this.sessions.providers.includes(provider))
      throw new Error(`the sessions ${this.sessions.name} have no provider ${JSON.stringify(provider)}`);
    const finding = this.sessions.tokens.current(this.session, provider);
    return finding instanceof Promise ? finding.then(tokenOf) : tokenOf(finding);
  }
}

function tokenOf(finding: GrantFinding): UserToken {
  if (finding.kind !== 'known') return { kind: finding.kind };
  const { accessToken, scopes } = finding.grant;
  return { kind: 'known', token: accessToken, scopes };
}

export function heldSession(exchange: { readonly held?: Held | undefined }): HeldSession | undefined {
  return heldBy<HeldSession>(exchange, USER_TOKENS);
}
