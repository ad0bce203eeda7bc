import type { Provider } from '../../src/identity/providers/provider.ts';
import { callbackOf, newFlow } from '../../src/identity/providers/provider-login.support.ts';
import { newSecret, sessionIdOf } from '../../src/identity/sessions/cookie-secret.ts';
import type { Login } from '../../src/identity/sessions/session.ts';
import type { Sessions } from '../../src/identity/sessions/sessions.ts';

/** A login at a real provider, without the gateway's own pages. */
export async function loginAt(provider: Provider, user = 'alice'): Promise<Login> {
  const flow = newFlow();
  const tokens = await provider.redeem(await callbackOf(provider, flow, user), flow);
  return { provider: provider.name, user: await provider.user(tokens), tokens };
}

/** A session with these logins, and its cookie as http to this machine has it. */
export async function signedIn(
  sessions: Sessions,
  logins: readonly [Login, ...Login[]],
): Promise<{ readonly id: string; readonly cookie: string; readonly secret: string }> {
  const [first, ...others] = logins;
  const secret = newSecret();
  const id = sessionIdOf(secret, sessions.name);
  const session = await sessions.createFor(first, secret.octets, id);
  for (const login of others) await sessions.putGrant(session, login);
  return { id, secret: secret.text, cookie: `${sessions.cookie.names[1]}=${secret.text}` };
}
