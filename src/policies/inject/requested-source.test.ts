import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { principal } from '../../../test/support/principal.ts';
import { ServiceTokens } from '../../identity/grants/service-tokens.ts';
import type { Provider } from '../../identity/providers/provider.ts';
import { ExchangeSource } from './requested-source.ts';

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
    const source = new ExchangeSource({
      provider: () => provider,
      request: { scopes: [] },
      tokens: new ServiceTokens({}, { nowMs: () => 1000, random: () => 0.5, log: () => {} }).of({
        owner: undefined,
        kind: 'exchange',
        provider: 'p',
        request: { scopes: [] },
      }),
    });
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
});
