import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { TEST_CLIENT } from '../../../test/support/identity-provider.ts';
import { OauthProvider } from '../../../test/support/oauth-provider.ts';
import { IssuerServer } from '../issuer-server.support.ts';
import { ProviderRefused, ProviderUnavailable } from './provider.ts';
import { callbackOf, newFlow, testIssuers } from './provider-login.support.ts';
import { Providers } from './providers.ts';
import { providerSchema } from './schema.ts';

function providerAt(origin: string, options: Record<string, unknown> = {}) {
  const config = providerSchema.parse({
    kind: 'oauth2',
    authorizationEndpoint: `${origin}/authorize`,
    tokenEndpoint: `${origin}/token`,
    clientId: TEST_CLIENT.id,
    clientSecret: TEST_CLIENT.secret,
    user: { url: `${origin}/user`, scheme: 'token', subject: 'id' },
    ...options,
  });
  return new Providers({ git: config }, Date.now, testIssuers()).named('git');
}

describe('A provider of OAuth 2.0', () => {
  for (const answers of ['json', 'form'] as const) {
    it(`that answers in ${answers} lets a user in, says who it is and renews`, async () => {
      await using server = await OauthProvider.start({ answers, refresh: { ttlMs: 60_000 } });
      const provider = providerAt(server.origin);
      const flow = newFlow();
      const tokens = await provider.redeem(await callbackOf(provider, flow), flow);
      assert.equal(server.userOf(tokens.accessToken), 'alice');
      const user = await provider.user(tokens);
      assert.equal(user.issuer, server.origin);
      assert.notEqual(user.subject, '');
      const renewed = await provider.refresh(tokens);
      assert.equal(server.userOf(renewed.accessToken), 'alice');
      assert.notEqual(renewed.refreshToken, tokens.refreshToken);
      await assert.rejects(
        provider.refresh(tokens),
        (error) => error instanceof ProviderRefused && error.code === 'invalid_grant',
      );
    });
  }

  it('refuses a state, an issuer or a code that is not what was asked for', async () => {
    await using server = await OauthProvider.start();
    const provider = providerAt(server.origin, { issuer: server.origin });
    const flow = newFlow();
    for (const search of [
      `?code=x&state=other`,
      `?code=x`,
      `?state=${flow.state}`,
      `?code=x&code=y&state=${flow.state}`,
      `?code=x&state=${flow.state}&iss=https%3A%2F%2Fevil.example`,
      `?error=access_denied&state=${flow.state}`,
    ])
      await assert.rejects(provider.redeem(search, flow), ProviderRefused, search);
  });

  for (const [title, options, expected] of [
    ['Basic', {}, { authorization: `Basic ${btoa('portcullis:a%3Ab+c')}`, body: /^((?!client_).)*$/ }],
    ['parameters', { clientAuthentication: 'post' }, { body: /client_id=portcullis&client_secret=a%3Ab\+c/ }],
    [
      'a field of another name',
      { clientAuthentication: { header: 'X-Client-Secret', prefix: 'key' } },
      { 'x-client-secret': 'key a:b c', body: /client_id=portcullis/ },
    ],
  ] as const) {
    it(`sends its secret in ${title}, with further fields and parameters`, async () => {
      const seen: { headers: IncomingMessage['headers']; body: string }[] = [];
      const server = createServer((request, response) => {
        let body = '';
        request.on('data', (chunk: Buffer) => (body += chunk.toString()));
        request.on('end', () => {
          seen.push({ headers: request.headers, body });
          response.end(
            JSON.stringify({
              data: { tok: 'T', ref: 'R', life: 60, granted: 'read,write' },
              token_type: 'MAC',
            }),
          );
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const provider = providerAt(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
          ...options,
          clientSecret: 'a:b c',
          headers: { 'User-Agent': 'gateway' },
          tokenParameters: { resource: 'all' },
          tokens: {
            accessToken: 'data.tok',
            refreshToken: 'data.ref',
            expiresIn: 'data.life',
            scope: 'data.granted',
          },
        });
        const before = Date.now();
        const tokens = await provider.refresh({
          accessToken: 'old',
          tokenType: 'bearer',
          refreshToken: 'old-refresh',
          expiresAtMs: 0,
          scopes: [],
        });
        assert.deepEqual(
          [tokens.accessToken, tokens.refreshToken, tokens.scopes, tokens.tokenType],
          ['T', 'R', ['read', 'write'], 'mac'],
        );
        assert.ok(tokens.expiresAtMs >= before + 60_000);
        const { headers, body } = seen[0] as (typeof seen)[0];
        assert.equal(headers['user-agent'], 'gateway');
        assert.match(body, /resource=all/);
        for (const [name, value] of Object.entries(expected))
          if (name === 'body') assert.match(body, value as RegExp);
          else assert.equal(headers[name], value);
      } finally {
        server.close();
      }
    });
  }

  const deep = `{"id":1,"more":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
  const token = { access_token: 'a' };
  for (const [what, answers, outcome] of [
    ['a user with 60 kB of claims', [token, { id: 7, bio: 'x'.repeat(60_000) }], '7 never'],
    ['a user with 70 kB of claims', [token, { id: 7, bio: 'x'.repeat(70_000) }], 'invalid_response'],
    ['a user of a great depth', [token, deep], 'invalid_response'],
    ['a user whose name is 2,000 characters long', [token, { id: 'x'.repeat(2000) }], 'invalid_response'],
    ['a user without a name', [token, { id: null }], 'ProviderUnavailable'],
    ['a user that is a page', [token, '<p>'], 'ProviderUnavailable'],
    ['a token of 70 kB', [{ access_token: 'x'.repeat(70_000) }, { id: 7 }], 'invalid_response'],
    ['a token that is an object', [{ access_token: {} }, { id: 7 }], 'ProviderUnavailable'],
    ['a token that lasts three million years', [{ ...token, expires_in: 1e14 }, { id: 7 }], '7 never'],
    ['a token that lasts an hour', [{ ...token, expires_in: 3600 }, { id: 7 }], '7 in time'],
    ['an error with a script in it', [{ error: '<script>' }, {}], '?script?'],
    ['a redirect', [302, {}], 'ProviderUnavailable'],
  ] as const)
    it(`that answers with ${what}: ${outcome}`, async () => {
      await using server = await IssuerServer.start();
      const [given, user] = answers;
      server.answer('/token', given);
      const text = (body: string) => (_request: unknown, response: ServerResponse) => response.end(body);
      server.answer('/user', typeof user === 'string' ? text(user) : user);
      const provider = providerAt(server.url);
      const flow = newFlow();
      const seen = async () => {
        const tokens = await provider.redeem(`?code=x&state=${flow.state}`, flow);
        const { subject } = await provider.user(tokens);
        return `${subject} ${tokens.expiresAtMs === Number.POSITIVE_INFINITY ? 'never' : 'in time'}`;
      };
      const found = await seen().catch((error: unknown) =>
        error instanceof ProviderRefused ? error.code : (error as Error).name,
      );
      assert.equal(found, outcome);
    });

  it('that is down, or answers with something else, is unavailable', async () => {
    const server = await OauthProvider.start();
    const { origin } = server;
    await server[Symbol.asyncDispose]();
    const tokens = { accessToken: 'a', tokenType: 'bearer', refreshToken: 'r', expiresAtMs: 0, scopes: [] };
    await assert.rejects(providerAt(origin).refresh(tokens), ProviderUnavailable);
    await assert.rejects(providerAt(origin).user(tokens), ProviderUnavailable);
  });

  for (const [status, isRevoked] of [
    [200, true],
    [204, true],
    [400, false],
    [503, false],
  ] as const)
    it(`${isRevoked ? 'has' : 'has not'} revoked a token where it answers ${status}`, async () => {
      const server = createServer((_request, response) => response.writeHead(status).end());
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      try {
        const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
        const provider = providerAt(origin, { revocationEndpoint: `${origin}/revoke` });
        const revoked = provider.revoke?.({
          accessToken: 'a',
          tokenType: 'bearer',
          expiresAtMs: 0,
          scopes: [],
        });
        if (isRevoked) await revoked;
        else
          await assert.rejects(
            async () => revoked,
            new ProviderUnavailable(`the provider answered ${status}`),
          );
      } finally {
        server.close();
      }
    });
});
