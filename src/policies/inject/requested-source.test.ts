import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import { ServiceTokens } from '../../identity/grants/service-tokens.ts';
import type { Provider } from '../../identity/providers/provider.ts';
import { HeldSession } from '../../identity/sessions/held-session.ts';
import { sessionSchema } from '../../identity/sessions/schema.ts';
import type { Session } from '../../identity/sessions/session.ts';
import { SessionChallenge } from '../../identity/sessions/session-challenge.ts';
import type { Sessions } from '../../identity/sessions/sessions.ts';
import { hold } from '../../policy/held.ts';
import { RecordsUnavailable } from '../../state/records/records.ts';
import { ExchangeSource } from './requested-source.ts';

function sourceOf(provider: Provider): ExchangeSource {
  return new ExchangeSource({
    provider: () => provider,
    request: { scopes: [] },
    tokens: new ServiceTokens({}, { nowMs: () => 1000, random: () => 0.5, log: () => {} }).of({
      owner: undefined,
      kind: 'exchange',
      provider: 'p',
      request: { scopes: [] },
    }),
  });
}

describe('A token that is exchanged', () => {
  it('is of one bearer token, also where an API key of all says who calls', async () => {
    const exchanged: string[] = [];
    const provider = {
      exchange: async ({ subjectToken }: { subjectToken: string }) => {
        exchanged.push(subjectToken);
        const accessToken = `for ${subjectToken}`;
        return { accessToken, tokenType: 'bearer', expiresAtMs: Number.POSITIVE_INFINITY, scopes: [] };
      },
    } as unknown as Provider;
    const source = sourceOf(provider);
    const tokenOf = async (bearer: string | undefined): Promise<unknown> => {
      const exchange = exchangeFor();
      exchange.callerToken = bearer;
      exchange.principal = principal({ method: 'api-key', consumer: 'app', subject: 'app' });
      const found = await source.token(exchange);
      return found.kind === 'token' ? found.token : found.answer.code;
    };
    assert.deepEqual(
      [await tokenOf('alice'), await tokenOf('bob'), await tokenOf('alice'), await tokenOf(undefined)],
      ['for alice', 'for bob', 'for alice', 'unauthenticated'],
    );
    assert.deepEqual(exchanged, ['alice', 'bob']);
  });

  it('is not to be had while the session has none to exchange, and says how to connect it; then it is', async () => {
    let grant: object | undefined;
    let isAway = false;
    const challenge = new SessionChallenge('web', sessionSchema.parse({ login: ['first'] }));
    const sessions = {
      name: 'web',
      config: { path: '/auth' },
      challenge,
      grants: {
        known: () => undefined,
        read: async () => {
          if (isAway) throw new RecordsUnavailable('the store is away');
          return grant;
        },
      },
      tokens: { current: () => (grant === undefined ? { kind: 'missing' } : { kind: 'known', grant }) },
    } as unknown as Sessions;
    const session = { id: 'session', user: { provider: 'first' } } as Session;
    let asked = 0;
    const provider = {
      exchange: async ({ subjectToken }: { subjectToken: string }) => {
        asked++;
        return { accessToken: `for ${subjectToken}`, tokenType: 'bearer', expiresAtMs: Infinity, scopes: [] };
      },
    } as unknown as Provider;
    const source = sourceOf(provider);
    const found = async () => {
      const exchange = exchangeFor();
      exchange.principal = principal({ method: 'session', consumer: 'alice', subject: 'alice' });
      hold(exchange, new HeldSession(session, sessions, false));
      return source.token(exchange);
    };
    const first = await found();
    assert.ok(first.kind === 'none');
    assert.deepEqual(
      [first.answer.status, first.answer.code, first.answer.problem],
      [401, 'grant_required', { connect: '/auth/connect/first', provider: 'first' }],
    );
    assert.match(first.answer.headers?.['WWW-Authenticate'] ?? '', /^Cookie realm="web"/);
    grant = { accessToken: 'alice' };
    const tokenOf = async () => {
      const one = await found();
      return one.kind === 'token' ? one.token : one.answer.code;
    };
    assert.equal(await tokenOf(), 'for alice');
    isAway = true;
    assert.equal(await tokenOf(), 'for alice');
    isAway = false;
    grant = undefined;
    assert.equal(await tokenOf(), 'grant_required');
    assert.equal(asked, 1);
  });
});
