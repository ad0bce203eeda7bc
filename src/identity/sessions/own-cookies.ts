import type { SessionConfig } from './schema.ts';
import { SessionCookie } from './session-cookie.ts';
import { Visitors } from './visitors.ts';

/** Every name that a cookie of sessions may have. */
export function ownCookies(sessions: Readonly<Record<string, SessionConfig>>): readonly string[] {
  return Object.values(sessions).flatMap((config) => [
    ...new SessionCookie(config.cookie.name, config.cookie.sameSite, config.lifetime).names,
    ...(config.anonymous ? new Visitors(config).cookie.names : []),
  ]);
}
