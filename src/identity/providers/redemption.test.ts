import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { describe, it } from 'node:test';
import { IssuerServer } from '../issuer-server.support.ts';
import { makeSigner, makeToken } from '../jwt/tokens.support.ts';
import {
  type GrantTokens,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  RedemptionUnknown,
} from './provider.ts';
import { testIssuers } from './provider-login.support.ts';
import { Providers } from './providers.ts';
import { providerSchema } from './schema.ts';

const TOKENS: GrantTokens = {
  accessToken: 'access-1',
  tokenType: 'bearer',
  refreshToken: 'refresh-1',
  expiresAtMs: 0,
  scopes: [],
};

/** Both kinds, whose tokens are renewed at `tokenEndpoint`. */
function providersAt(
  server: IssuerServer,
  tokenEndpoint: string,
  metadata: Readonly<Record<string, string>> = {},
): readonly Provider[] {
  server.answer('/.well-known/openid-configuration', {
    issuer: server.url,
    authorization_endpoint: `${server.url}/authorize`,
    token_endpoint: tokenEndpoint,
    jwks_uri: `${server.url}/keys`,
    id_token_signing_alg_values_supported: ['RS256'],
    ...metadata,
  });
  const client = { clientId: 'gateway', clientSecret: 'of-the-gateway', timeout: '300ms' };
  const plain = { kind: 'oauth2', authorizationEndpoint: `${server.url}/authorize`, tokenEndpoint };
  const configs = {
    oidc: providerSchema.parse({ issuer: server.url, ...client }),
    oauth2: providerSchema.parse({ ...plain, ...client }),
  };
  const providers = new Providers(configs, Date.now, testIssuers());
  return [providers.named('oidc'), providers.named('oauth2')];
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const json =
  (status: number, value: unknown): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
const bare =
  (status: number): Answer =>
  (_request, response) =>
    void response.writeHead(status).end();
const invalidIdToken = `${Buffer.from('{"alg":"RS256"}').toString('base64url')}.e30.c2ln`;

const CASES: readonly (readonly [what: string, answer: Answer, expected: Function])[] = [
  ['refuses it', json(400, { error: 'invalid_grant' }), ProviderRefused],
  ['refuses the gateway', json(401, { error: 'invalid_client' }), ProviderRefused],
  ['is asked too often', bare(429), ProviderUnavailable],
  ['serves nobody', bare(503), ProviderUnavailable],
  ['fails', bare(500), RedemptionUnknown],
  ['fails and says so', json(500, { error: 'server_error' }), RedemptionUnknown],
  ['is not heard of behind its proxy', bare(502), RedemptionUnknown],
  ['is slow behind its proxy', bare(504), RedemptionUnknown],
  ['breaks the connection', (_request, response) => void response.destroy(), RedemptionUnknown],
  ['says nothing in time', () => {}, RedemptionUnknown],
  [
    'breaks the connection in its answer',
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      response.write('{"access_token":', () => response.destroy());
    },
    RedemptionUnknown,
  ],
  ['answers with something else', json(200, ['nothing']), RedemptionUnknown],
];

describe('A refresh token whose provider', () => {
  for (const [what, answer, expected] of CASES)
    it(`${what} ${expected === RedemptionUnknown ? 'may have been redeemed' : 'is as it was'}`, async () => {
      await using server = await IssuerServer.start();
      server.answer('/token', answer);
      for (const provider of providersAt(server, `${server.url}/token`)) {
        const error: unknown = await provider.refresh(TOKENS).catch((reason: unknown) => reason);
        assert.equal((error as Error).constructor, expected, `${provider.name}: ${String(error)}`);
        assert.ok(!String(error).includes('refresh-1'));
      }
    });

  it('cannot be reached is as it was', async () => {
    const closed = createServer().listen(0, '127.0.0.1');
    await once(closed, 'listening');
    const { port } = closed.address() as AddressInfo;
    closed.close();
    await once(closed, 'close');
    await using server = await IssuerServer.start();
    for (const provider of providersAt(server, `http://127.0.0.1:${port}/token`))
      await assert.rejects(provider.refresh(TOKENS), { name: 'ProviderUnavailable' });
  });

  const signer = makeSigner('ES256', 'right');
  const stranger = makeSigner('ES256', 'right');
  const old = makeToken(signer, { sub: 'alice' });
  const idToken = (by: typeof signer, url: string, claims: object = {}): string =>
    makeToken(by, { iss: url, aud: 'gateway', sub: 'alice', ...claims });
  for (const [what, give, isTaken] of [
    ['a good ID token has renewed all', (url: string) => idToken(signer, url), true],
    ['an ID token that has expired has renewed all', (url: string) => idToken(signer, url, { exp: 1 }), true],
    ['an ID token of another key', (url: string) => idToken(stranger, url), false],
    ['an ID token for another client', (url: string) => idToken(signer, url, { aud: 'other' }), false],
    ['an ID token of another issuer', (url: string) => idToken(signer, url, { iss: `${url}/x` }), false],
    ['an ID token without a signature', () => invalidIdToken, false],
    ['an ID token that is none', () => 'x', false],
    ['an ID token that is a number', () => 7, false],
    ['an ID token of great length', (url: string) => idToken(signer, url, { x: 'x'.repeat(70_000) }), false],
    ['no ID token', () => undefined, false],
  ] as const)
    it(`gives ${what}${isTaken ? '' : ' has renewed all but that'}`, async () => {
      await using server = await IssuerServer.start();
      const given = give(server.url);
      server.answer('/keys', { keys: [signer.jwk] });
      const answer = { access_token: 'a', token_type: 'bearer', refresh_token: 'refresh-2', id_token: given };
      server.answer('/token', json(200, answer));
      const [oidc = assert.fail()] = providersAt(server, `${server.url}/token`);
      const renewed = await oidc.refresh({ ...TOKENS, idToken: old });
      assert.deepEqual(
        [renewed.accessToken, renewed.refreshToken, renewed.idToken],
        ['a', 'refresh-2', isTaken ? given : old],
      );
    });

  it('does not show its keys after it gave an ID token has renewed all but that', async () => {
    await using server = await IssuerServer.start();
    server.answer('/keys', 503);
    const id_token = idToken(signer, server.url);
    server.answer('/token', json(200, { access_token: 'a', token_type: 'bearer', id_token }));
    const [oidc = assert.fail()] = providersAt(server, `${server.url}/token`);
    assert.equal((await oidc.refresh({ ...TOKENS, idToken: old })).idToken, old);
  });

  it('gives tokens of somebody else may have been redeemed, and what it gave is revoked', async () => {
    await using server = await IssuerServer.start();
    const [oidc = assert.fail()] = providersAt(server, `${server.url}/token`, {
      revocation_endpoint: `${server.url}/revoke`,
    });
    const revoked: string[] = [];
    server.answer('/revoke', (_request: IncomingMessage, response: ServerResponse, body: string) => {
      revoked.push(new URLSearchParams(body).get('token') ?? '');
      response.end();
    });
    const id_token = idToken(signer, server.url, { sub: 'mallory' });
    const answer = { access_token: 'a', token_type: 'bearer', refresh_token: 'refresh-2', id_token };
    server.answer('/token', json(200, answer));
    await assert.rejects(oidc.refresh({ ...TOKENS, idToken: old }), { name: 'RedemptionUnknown' });
    assert.deepEqual(revoked, ['refresh-2']);
  });

  it('does not say where it redeems is as it was', async () => {
    await using server = await IssuerServer.start();
    const [oidc] = providersAt(server, `${server.url}/token`);
    server.answer('/.well-known/openid-configuration', 503);
    await assert.rejects(oidc?.refresh(TOKENS) ?? assert.fail(), { name: 'ProviderUnavailable' });
  });
});
