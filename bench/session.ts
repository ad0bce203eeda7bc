import { TEST_CLIENT } from '../test/support/identity-provider.ts';
import { OauthProvider } from '../test/support/oauth-provider.ts';
import { UserAgent } from '../test/support/user-agent.ts';

/** On http to this machine. */
const COOKIE = 'http-portcullis';

/** A Cookie field as that of a session, and of none: for whoever only passes it on. */
export const SESSION_HEADERS: Readonly<Record<string, string>> = { Cookie: `${COOKIE}=v1.${'A'.repeat(43)}` };

export const SESSION_POLICIES: readonly object[] = [{ session: { name: 'web' } }];

/** Where users log in before the load. The token that it gives does not expire, so that nothing is asked of it later. */
export async function startProvider(): Promise<OauthProvider> {
  return OauthProvider.start({ tokenType: 'Bearer' });
}

/** What of the gateway's configuration makes sessions, in memory, and has users log in at this provider. */
export function sessionParts({ origin }: OauthProvider): { identity: object; routes: object } {
  const provider = {
    kind: 'oauth2',
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    clientId: TEST_CLIENT.id,
    clientSecret: TEST_CLIENT.secret,
    user: { url: `${origin}/user` },
  };
  return {
    identity: {
      providers: { bench: provider },
      sessions: {
        web: { login: ['bench'], store: 'memory', keys: ['a key of the benchmark, of 32 octets at least'] },
      },
    },
    routes: { auth: { match: { paths: ['/auth/*'] }, login: 'web' } },
  };
}

/** Logs in as a browser does. The fields of a request of the session. */
export async function logIn(port: number): Promise<Record<string, string>> {
  const origin = `http://127.0.0.1:${port}`;
  const agent = new UserAgent();
  const page = await agent.signIn(`${origin}/auth/login`, 'alice');
  const cookie = agent.cookie(origin, COOKIE);
  if (cookie === undefined)
    throw new Error(`nobody could log in: ${page.status} at ${page.url}: ${page.body.slice(0, 300)}`);
  return { Cookie: `${COOKIE}=${cookie}` };
}
