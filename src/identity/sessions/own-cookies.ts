import { CookieRemover } from '../../http/cookie.ts';
import type { SessionConfig } from './schema.ts';
import { FLOW_COOKIE, SessionCookie } from './session-cookie.ts';
import { Visitors } from './visitors.ts';

/** Takes off requests every cookie that sessions may have, and those of logins under way; undefined where there are no sessions. */
export function ownCookies(sessions: Readonly<Record<string, SessionConfig>>): CookieRemover | undefined {
  const names = Object.values(sessions).flatMap((config) => [
    ...new SessionCookie(config.cookie.name, config.cookie.sameSite, config.lifetime).names,
    ...(config.anonymous ? new Visitors(config).cookie.names : []),
  ]);
  return names.length === 0 ? undefined : new CookieRemover(names, FLOW_COOKIE);
}
