import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { type LogoutNotice, ProviderRefused, ProviderUnavailable } from '../providers/provider.ts';
import { empty, json, type LocalAnswer } from './local-answer.ts';
import type { LoginPlace } from './login-place.ts';
import type { Visit } from './visit.ts';

/**
 * POST /backchannel-logout: a provider tells that a user has left it (OpenID Connect Back-Channel Logout). What the user has here of that provider
 * ends on every node before the answer goes out: the session where the provider said who the user is, else its grant.
 */
export async function backchannelLogout(place: LoginPlace, visit: Visit): Promise<LocalAnswer> {
  const token = visit.form.get('logout_token') ?? '';
  const names = providersOf(place, issuerOf(token));
  let reason = 'The logout token is not of a provider of these sessions.';
  for (const name of names) {
    try {
      const notice = await place.provider(name).logoutNotice?.(token);
      if (notice === undefined) continue;
      const key = keyOf(place, name, notice);
      if ((await place.records.read(key)) !== undefined) return refuse('The logout token was used already.');
      await place.sessions.destroyOf(name, notice);
      // Last: where the store went away in between, the provider's next try is not taken for a second use.
      await place.records.create(key, '1', Math.max(1000, notice.expiresAtMs - place.identity.place.nowMs()));
      return empty(200);
    } catch (error) {
      if (!(error instanceof ProviderRefused || error instanceof ProviderUnavailable)) throw error;
      place.identity.place.log('warn', `a back-channel logout of ${name} was refused`, error);
      reason =
        error instanceof ProviderRefused ? 'The logout token is not valid.' : 'It cannot be verified now.';
    }
  }
  return refuse(reason);
}

/** Section 2.8 of it. */
function refuse(reason: string): LocalAnswer {
  return json({ error: 'invalid_request', error_description: reason }, 400);
}

/** Chooses among the providers of the sessions, and leads nowhere else. */
function providersOf({ sessions, identity }: LoginPlace, issuer: string | undefined): readonly string[] {
  return sessions.providers.filter((name) => identity.providers.named(name).issuer === issuer);
}

function issuerOf(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** Names the record of a token that was used. */
function keyOf({ sessions }: LoginPlace, provider: string, { id }: LogoutNotice): string {
  const name = createHash('sha256')
    .update(JSON.stringify([sessions.name, provider, id]))
    .digest('base64url');
  return `j:${name}`;
}
