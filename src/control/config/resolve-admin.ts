import type { Problem } from './problem.ts';
import type { AdminConfig } from './schema.ts';
import type { Secrets } from './secrets.ts';

/** Whoever guesses it owns the gateway. */
const MIN_TOKEN_CHARS = 32;
const TOKEN_PATH = ['admin', 'authentication', 'bootstrapToken'];

/** The settings of the admin port with what they refer to; undefined where the configuration has errors. */
export async function resolvedAdmin(
  admin: AdminConfig | undefined,
  { secrets, problems }: { readonly secrets: Secrets; readonly problems: Problem[] },
): Promise<AdminConfig | undefined> {
  const written = admin?.authentication?.bootstrapToken;
  if (admin?.authentication === undefined || written === undefined) return admin;
  const bootstrapToken = await secrets.text(written, TOKEN_PATH);
  if (bootstrapToken !== undefined && bootstrapToken.length < MIN_TOKEN_CHARS)
    problems.push({
      path: TOKEN_PATH,
      message: `is shorter than ${MIN_TOKEN_CHARS} characters; make one with openssl rand -base64 32`,
    });
  return { ...admin, authentication: { ...admin.authentication, bootstrapToken } };
}

/**
 * Whether a browser can log in at the admin port, here or, where it is not `enabled`, on another node whose host this one may share: one without
 * `authentication` has never set a cookie.
 */
export function hasBrowserLogins({ authentication }: AdminConfig): boolean {
  return authentication !== undefined && (authentication.local || authentication.session !== undefined);
}
