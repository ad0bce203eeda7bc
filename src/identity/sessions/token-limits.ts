import type { SessionContent } from './session-text.ts';

/** What a configuration allows of such tokens. */
interface PersonalTokenLimits {
  readonly maxLifetime: number;
  readonly scopes: readonly string[];
}

/** A token as the configuration of today allows it; undefined where there are to be none. Sessions that are no tokens stay as they are. */
export function withinLimits(
  content: SessionContent,
  limits: PersonalTokenLimits | undefined,
): SessionContent | undefined {
  const { token, createdAtMs, endsAtMs } = content;
  if (token === undefined) return content;
  if (limits === undefined) return undefined;
  const scopes = token.scopes.filter((scope) => limits.scopes.includes(scope));
  return {
    ...content,
    token: { name: token.name, scopes },
    endsAtMs: Math.min(endsAtMs, createdAtMs + limits.maxLifetime),
  };
}
