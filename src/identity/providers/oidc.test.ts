import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { TEST_CLIENT, TestProvider } from '../../../test/support/identity-provider.ts';
import { ProviderRefused, ProviderUnavailable } from './provider.ts';
import { CALLBACK, callbackOf, newFlow, testIssuers } from './provider-login.support.ts';
import { Providers } from './providers.ts';
import { providerSchema } from './schema.ts';

function providerAt(issuer: string, options: Record<string, unknown> = {}) {
  const config = providerSchema.parse({
    issuer,
    clientId: TEST_CLIENT.id,
    clientSecret: TEST_CLIENT.secret,
    scopes: ['openid', 'email', 'groups'],
    ...options,
  });
  return new Providers({ idp: config }, Date.now, testIssuers()).named('idp');
}

function refusal(code: string) {
  return (error: unknown) => error instanceof ProviderRefused && error.code === code;
}

describe('A provider of OpenID Connect', () => {
  it('lets a user in, says who it is, renews and revokes', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const provider = providerAt(server.issuer);
    const flow = newFlow();
    const tokens = await provider.redeem(await callbackOf(provider, flow), flow);
    assert.ok(tokens.expiresAtMs > Date.now() && tokens.expiresAtMs <= Date.now() + 120_000);
    assert.deepEqual(tokens.scopes, ['openid', 'email', 'groups']);
    const user = await provider.user(tokens);
    assert.deepEqual(
      [user.issuer, user.subject, user.claims['email'], user.claims['groups'], user.claims['nonce']],
      [server.issuer, 'alice', 'alice@example.com', ['staff', 'admins'], undefined],
    );
    const renewed = await provider.refresh(tokens);
    assert.notEqual(renewed.accessToken, tokens.accessToken);
    assert.notEqual(renewed.refreshToken, tokens.refreshToken);
    await provider.revoke?.(renewed);
    await assert.rejects(provider.refresh(renewed), refusal('invalid_grant'));
    assert.match(
      (await provider.logoutUrl?.(tokens, 'https://app.example.com/')) ?? '',
      /\/session\/end\?id_token_hint=.+&post_logout_redirect_uri=https%3A%2F%2Fapp\.example\.com%2F/,
    );
    const own = await provider.clientCredentials?.({ scopes: [] });
    assert.equal(typeof own?.accessToken, 'string');
  });

  it('asks with PKCE, a nonce and a state', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const flow = newFlow();
    const url = new URL(
      await providerAt(server.issuer, {
        scopes: ['offline_access'],
        authorizationParameters: { login_hint: 'alice' },
      }).authorizationUrl(flow),
    );
    const parameters = Object.fromEntries(url.searchParams);
    assert.match(parameters['code_challenge'] ?? '', /^[\w-]{43}$/);
    assert.notEqual(parameters['code_challenge'], flow.verifier);
    delete parameters['code_challenge'];
    assert.deepEqual(parameters, {
      client_id: TEST_CLIENT.id,
      response_type: 'code',
      prompt: 'consent',
      login_hint: 'alice',
      redirect_uri: CALLBACK,
      scope: 'openid offline_access',
      state: flow.state,
      nonce: flow.nonce,
      code_challenge_method: 'S256',
    });
  });

  for (const [scopes, configured, wanted, expected] of [
    [['offline_access'], undefined, undefined, 'consent'],
    [['offline_access'], undefined, 'login', 'login consent'],
    [['offline_access'], undefined, 'select_account consent', 'select_account consent'],
    [['offline_access'], undefined, 'none', 'none'],
    [['offline_access'], 'login', undefined, 'login'],
    [['offline_access'], 'login', 'select_account', 'select_account'],
    [['email'], 'consent', 'login', 'login consent'],
    [['email', 'offline_access_not'], undefined, undefined, null],
    [['email'], undefined, 'login', 'login'],
  ] as const)
    it(`asks with prompt ${expected} for ${scopes.join(' ')} where the configuration says ${configured} and the link ${wanted}`, async () => {
      await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
      const authorizationParameters = configured === undefined ? {} : { prompt: configured };
      const provider = providerAt(server.issuer, { scopes, authorizationParameters });
      const parameters: Record<string, string> = wanted === undefined ? {} : { prompt: wanted };
      const url = new URL(await provider.authorizationUrl({ ...newFlow(), parameters }));
      assert.equal(url.searchParams.get('prompt'), expected);
    });

  it('refuses what did not come back as it was asked for', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const provider = providerAt(server.issuer);
    for (const [title, change, code] of [
      ['another state', (search: string) => search.replace(/state=[^&]*/, 'state=x'), 'invalid_response'],
      ['no state', (search: string) => search.replace(/&?state=[^&]*/, ''), 'invalid_response'],
      ['two states', (search: string) => `${search}&state=x`, 'invalid_response'],
      [
        'another issuer',
        (search: string) => search.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.example'),
        'invalid_response',
      ],
      ['no issuer', (search: string) => search.replace(/&?iss=[^&]*/, ''), 'invalid_response'],
      ['another code', (search: string) => search.replace(/code=[^&]*/, 'code=x'), 'invalid_grant'],
      ['an error', (search: string) => search.replace(/code=[^&]*/, 'error=access_denied'), 'access_denied'],
      ['nothing', () => '?', 'invalid_response'],
    ] as const) {
      const flow = newFlow();
      const back = await callbackOf(provider, flow);
      await assert.rejects(provider.redeem(change(back), flow), refusal(code), title);
    }
  });

  it('refuses a login that began with another nonce or verifier, and a code that comes again', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const provider = providerAt(server.issuer);
    for (const [change, code] of [
      [{ nonce: 'another' }, 'invalid_response'],
      [{ verifier: 'v'.repeat(43) }, 'invalid_grant'],
    ] as const) {
      const flow = newFlow();
      const back = await callbackOf(provider, flow);
      await assert.rejects(provider.redeem(back, { ...flow, ...change }), refusal(code));
    }
    const flow = newFlow();
    const back = await callbackOf(provider, flow);
    await provider.redeem(back, flow);
    await assert.rejects(provider.redeem(back, flow), refusal('invalid_grant'));
  });

  it('proves who it is in each way that there is', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const redirect_uris = [CALLBACK];
    const grant_types = ['authorization_code', 'refresh_token'];
    await using server = await TestProvider.start({
      redirectUris: [CALLBACK],
      clients: [
        {
          client_id: 'post',
          client_secret: 's'.repeat(40),
          token_endpoint_auth_method: 'client_secret_post',
          redirect_uris,
          grant_types,
        },
        { client_id: 'public', token_endpoint_auth_method: 'none', redirect_uris, grant_types },
        {
          client_id: 'key',
          token_endpoint_auth_method: 'private_key_jwt',
          redirect_uris,
          grant_types,
          jwks: { keys: [publicKey.export({ format: 'jwk' })] },
        },
      ],
    });
    const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const options of [
      { clientId: 'post', clientSecret: 's'.repeat(40), clientAuthentication: 'post' },
      { clientId: 'public', clientSecret: undefined },
      { clientId: 'key', clientSecret: undefined, clientKey: { key: pem, algorithm: 'ES256' } },
    ]) {
      const provider = providerAt(server.issuer, options);
      const flow = newFlow();
      const tokens = await provider.redeem(await callbackOf(provider, flow), flow);
      assert.equal((await provider.user(tokens)).subject, 'alice', options.clientId);
      await provider.refresh(tokens);
    }
    const wrong = providerAt(server.issuer, { clientSecret: 'wrong' });
    const flow = newFlow();
    await assert.rejects(wrong.redeem(await callbackOf(wrong, flow), flow), refusal('invalid_client'));
  });

  it('that is down is unavailable, and back when it is', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const config = providerSchema.parse({
      issuer: server.issuer,
      clientId: TEST_CLIENT.id,
      clientSecret: TEST_CLIENT.secret,
    });
    const provider = new Providers({ idp: config }, Date.now, testIssuers()).named('idp');
    await server.stop();
    await assert.rejects(provider.authorizationUrl(newFlow()), ProviderUnavailable);
    await server.start();
    const flow = newFlow();
    // It is asked again by itself.
    while ((await provider.authorizationUrl(flow).catch(() => '')) === '')
      await new Promise((resolve) => setTimeout(resolve, 50));
    const tokens = await provider.redeem(await callbackOf(provider, flow), flow);
    server.failures['/token'] = 503;
    await assert.rejects(provider.refresh(tokens), ProviderUnavailable);
    delete server.failures['/token'];
    await provider.refresh(tokens);
  });

  it('tells no token in what it fails with', async () => {
    await using server = await TestProvider.start({ redirectUris: [CALLBACK] });
    const provider = providerAt(server.issuer);
    const flow = newFlow();
    const tokens = await provider.redeem(await callbackOf(provider, flow), flow);
    await provider.refresh(tokens);
    await assert.rejects(provider.refresh(tokens), (error: Error) => {
      const shown = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`;
      return ![tokens.accessToken, tokens.refreshToken, tokens.idToken, TEST_CLIENT.secret].some((secret) =>
        shown.includes(secret ?? ''),
      );
    });
  });
});
