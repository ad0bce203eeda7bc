import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { startBrowser } from '../support/browser.ts';
import { TEST_CLIENT, TestProvider, type TestProviderOptions } from '../support/identity-provider.ts';
import { OauthProvider } from '../support/oauth-provider.ts';
import { UserAgent } from '../support/user-agent.ts';

const CALLBACK = 'http://127.0.0.1:1/callback';

describe('the providers that tests log in at', () => {
  it('lets a user in with name and password, and gives tokens for the code', async () => {
    await using provider = await TestProvider.start({ redirectUris: [CALLBACK] });
    const tokens = await logIn(provider.issuer);
    assert.deepEqual(Object.keys(tokens).sort(), [
      'access_token',
      'expires_in',
      'id_token',
      'refresh_token',
      'scope',
      'token_type',
    ]);
    assert.equal(tokens['token_type'], 'Bearer');
    const { sub, email, iss } = decodeJwt(String(tokens['id_token']));
    assert.deepEqual({ sub, email, iss }, { sub: 'alice', email: 'alice@example.com', iss: provider.issuer });
  });

  it('replaces a refresh token that was redeemed, counts it, and revokes all where it comes again', async () => {
    await using provider = await TestProvider.start({ redirectUris: [CALLBACK] });
    const first = String((await logIn(provider.issuer))['refresh_token']);
    const second = (await refresh(provider.issuer, first))['refresh_token'];
    assert.notEqual(second, first);
    assert.equal(provider.redemptions.get(first), 1);
    assert.equal((await refresh(provider.issuer, first))['error'], 'invalid_grant');
    assert.equal((await refresh(provider.issuer, String(second)))['error'], 'invalid_grant');
    assert.deepEqual([...provider.redemptions.values()], [1]);
  });

  it('signs with another key on request, and forgets the old ones where that is asked', async () => {
    await using provider = await TestProvider.start({ redirectUris: [CALLBACK] });
    const old = String((await logIn(provider.issuer))['id_token']);
    await provider.rotateKeys();
    const fresh = String((await logIn(provider.issuer))['id_token']);
    assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid);
    const keys = () => createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
    await jwtVerify(old, keys(), { issuer: provider.issuer });
    await jwtVerify(fresh, keys(), { issuer: provider.issuer });
    await provider.rotateKeys({ forget: true });
    await assert.rejects(jwtVerify(fresh, keys()), { code: 'ERR_JWKS_NO_MATCHING_KEY' });
  });

  it('gives signed access tokens for an audience where they are wanted', async () => {
    const options: TestProviderOptions = {
      redirectUris: [CALLBACK],
      accessTokens: 'jwt',
      audience: 'urn:api',
      algorithm: 'RS256',
    };
    await using provider = await TestProvider.start(options);
    const token = String((await logIn(provider.issuer))['access_token']);
    const { payload, protectedHeader } = await jwtVerify(
      token,
      createRemoteJWKSet(new URL(`${provider.issuer}/jwks`)),
    );
    assert.deepEqual(
      [payload.aud, payload.sub, protectedHeader.alg, protectedHeader.typ],
      ['urn:api', 'alice', 'RS256', 'at+jwt'],
    );
  });

  it('is gone while it is stopped, and knows everything when it is back on its port', async () => {
    await using provider = await TestProvider.start({ redirectUris: [CALLBACK] });
    const { refresh_token: token } = await logIn(provider.issuer);
    await provider.stop();
    await assert.rejects(fetch(`${provider.issuer}/jwks`));
    await provider.start();
    assert.equal((await refresh(provider.issuer, String(token)))['token_type'], 'Bearer');
  });

  it('tells the gateway of a sign-out behind the browser’s back', async () => {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    try {
      const url = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/backchannel`;
      await using provider = await TestProvider.start({
        redirectUris: [CALLBACK],
        backchannelLogoutUri: url,
      });
      const agent = new UserAgent();
      await logIn(provider.issuer, agent);
      const told = once(listener, 'request').then(async ([request, response]) => {
        let text = '';
        for await (const piece of request) text += String(piece);
        response.end();
        return decodeJwt(new URLSearchParams(text).get('logout_token') ?? '');
      });
      await agent.submit(await agent.go(`${provider.issuer}/session/end`), { logout: 'yes' });
      const { sub, aud, events } = await told;
      assert.deepEqual({ sub, aud }, { sub: 'alice', aud: TEST_CLIENT.id });
      assert.deepEqual(events, { 'http://schemas.openid.net/event/backchannel-logout': {} });
    } finally {
      listener.close();
      listener.closeAllConnections();
    }
  });

  it('has a plain OAuth 2.0 server beside it, whose tokens have another scheme and no ID token', async () => {
    await using provider = await OauthProvider.start();
    const tokens = await logIn(provider.origin, new UserAgent(), '/authorize');
    assert.deepEqual(Object.keys(tokens), ['access_token', 'token_type', 'scope']);
    const user = await fetch(`${provider.origin}/user`, {
      headers: { authorization: `token ${String(tokens['access_token'])}` },
    });
    assert.deepEqual(await user.json(), { id: 1, login: 'alice', admin: true });
  });

  it('opens in a real browser', async () => {
    await using provider = await TestProvider.start({ redirectUris: [CALLBACK] });
    const browser = await startBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(authorization(provider.issuer));
      await page.getByLabel('User name').fill('alice');
      await page.getByLabel('Password').fill('wrong');
      await page.getByRole('button', { name: 'Sign in' }).click();
      assert.equal(await page.getByRole('alert').textContent(), 'User name or password is wrong.');
    } finally {
      await browser.close();
    }
  });
});

function authorization(origin: string, path = '/auth'): string {
  const query = new URLSearchParams({
    client_id: TEST_CLIENT.id,
    redirect_uri: CALLBACK,
    response_type: 'code',
    scope: 'openid email',
    state: 'xyz',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  });
  return `${origin}${path}?${query.toString()}`;
}

/** Walks the login up to the callback, where nothing listens, and redeems the code. */
async function logIn(
  origin: string,
  agent = new UserAgent(),
  path?: string,
): Promise<Record<string, unknown>> {
  await assert.rejects(agent.signIn(authorization(origin, path), 'alice'));
  const callback = new URL(agent.visited.at(-1) ?? '');
  assert.equal(callback.origin + callback.pathname, CALLBACK);
  return post(origin, {
    grant_type: 'authorization_code',
    code: callback.searchParams.get('code') ?? '',
    redirect_uri: CALLBACK,
    // RFC 7636 appendix B.
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  });
}

function refresh(origin: string, token: string): Promise<Record<string, unknown>> {
  return post(origin, { grant_type: 'refresh_token', refresh_token: token });
}

async function post(origin: string, form: Record<string, string>): Promise<Record<string, unknown>> {
  const credentials = Buffer.from(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`).toString('base64');
  const answer = await fetch(`${origin}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${credentials}` },
    body: new URLSearchParams(form),
  });
  return (await answer.json()) as Record<string, unknown>;
}
