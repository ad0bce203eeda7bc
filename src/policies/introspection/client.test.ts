import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { exchangeFor, runPolicies } from '../../../test/support/exchange.ts';
import { TestProvider } from '../../../test/support/identity-provider.ts';
import { IssuerServer } from '../../identity/issuer-server.support.ts';
import { testIssuers } from '../../identity/providers/provider-login.support.ts';
import { Providers } from '../../identity/providers/providers.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { identityOf } from '../auth/auth.support.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';
import { AuthPlay } from '../jwt/jwt.support.ts';
import { introspectionMethod } from './index.ts';
import { ALICE, answerJson, NOW, withServer } from './introspection.support.ts';
import { introspectionSchema } from './schema.ts';

const pem = (key: KeyObject) => String(key.export({ format: 'pem', type: 'pkcs8' }));
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });

/** Options of a client that has no secret. */
const keyed = (clientKey: object) => ({ clientSecret: undefined, clientKey });

describe('Whoever asks about tokens proves who it is', () => {
  for (const [title, key, options, algorithm] of [
    ['an RSA key', rsa, {}, 'RS256'],
    ['an RSA key and PS256', rsa, { algorithm: 'PS256' }, 'PS256'],
    ['a key on P-256', p256, {}, 'ES256'],
    ['a key on P-384', p384, {}, 'ES384'],
    ['an Ed25519 key', ed, {}, 'EdDSA'],
  ] as const) {
    it(`by assertions of ${title} (RFC 7523)`, () =>
      withServer(keyed({ key: pem(key.privateKey), id: 'k1', ...options }), async (stage) => {
        const { play, tokens, asked, authorizations, server } = stage;
        tokens.set('t1', ALICE);
        tokens.set('t2', ALICE);
        assert.equal(await play.verdict('t1'), '200 alice');
        assert.equal(await play.verdict('t2'), '200 alice');
        const [form, next] = asked as [URLSearchParams, URLSearchParams];
        const assertion = form.get('client_assertion') ?? '';
        assert.equal(form.get('client_id'), 'gw');
        assert.equal(form.get('client_secret'), null);
        assert.equal(
          form.get('client_assertion_type'),
          'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        );
        assert.deepEqual(decodeProtectedHeader(assertion), { alg: algorithm, kid: 'k1' });
        const { payload } = await jwtVerify(assertion, key.publicKey, { currentDate: new Date(NOW * 1000) });
        const { jti, ...claims } = payload;
        assert.deepEqual(claims, {
          iss: 'gw',
          sub: 'gw',
          aud: `${server.url}/introspect`,
          iat: NOW,
          exp: NOW + 60,
        });
        // RFC 7523 section 3: a server may take each once.
        assert.notEqual(decodeJwt(next.get('client_assertion') ?? '').jti, jti);
        assert.deepEqual(authorizations, [undefined, undefined]);
      }));
  }

  for (const [title, options, audience] of [
    ['the issuer, where it is known', { issuer: 'https://id.example.com' }, 'https://id.example.com'],
    [
      'whom options say',
      {
        issuer: 'https://id.example.com',
        clientKey: { key: pem(p256.privateKey), audience: 'https://id.example.com/token' },
      },
      'https://id.example.com/token',
    ],
  ] as const) {
    it(`by assertions for ${title}`, () =>
      withServer({ ...keyed({ key: pem(p256.privateKey) }), ...options }, async ({ play, asked }) => {
        await play.verdict('t1');
        assert.equal(decodeJwt(asked[0]?.get('client_assertion') ?? '').aud, audience);
      }));
  }

  it('by assertions of its secret', () =>
    withServer({ clientSecret: 'a secret', clientAuthentication: 'jwt' }, async ({ play, asked }) => {
      await play.verdict('t1');
      const form = asked[0] as URLSearchParams;
      const [header, payload, signature] = (form.get('client_assertion') ?? '').split('.');
      const expected = createHmac('sha256', 'a secret').update(`${header}.${payload}`).digest('base64url');
      assert.equal(signature, expected);
      assert.equal(form.get('client_secret'), null);
    }));

  it('by a field of another name', () =>
    withServer({ clientAuthentication: { header: 'Authorization', prefix: 'Key' } }, async (stage) => {
      await stage.play.verdict('t1');
      assert.deepEqual(stage.authorizations, ['Key s: e']);
    }));

  it('by a TLS certificate, at the address that is for those (RFC 8705), for a token and when one is asked about', async () => {
    const authority = await TestAuthority.make();
    const own = await authority.issue('server', ['127.0.0.1']);
    const client = await authority.issue('gateway');
    await using server = await IssuerServer.start({ ...own, requestCert: true, ca: authority.cert });
    const seen: unknown[] = [];
    server.answer('/.well-known/openid-configuration', {
      issuer: server.url,
      token_endpoint: `${server.url}/plain`,
      introspection_endpoint: `${server.url}/plain`,
      mtls_endpoint_aliases: {
        token_endpoint: `${server.url}/token`,
        introspection_endpoint: `${server.url}/mtls`,
      },
    });
    const record = (request: IncomingMessage, body: string) => {
      const { authorized, getPeerCertificate } = request.socket as TLSSocket;
      const { subject } = getPeerCertificate.call(request.socket as TLSSocket);
      seen.push([authorized, subject.CN, new URLSearchParams(body).get('client_id')]);
    };
    server.answer('/token', (request: IncomingMessage, response: ServerResponse, body: string) => {
      record(request, body);
      answerJson(response, { access_token: 't1', token_type: 'bearer' });
    });
    server.answer('/mtls', (request: IncomingMessage, response: ServerResponse, body: string) => {
      record(request, body);
      answerJson(response, ALICE);
    });
    const provider = { issuer: server.url, ca: authority.cert, clientId: 'gw', clientCertificate: client };
    const providers = new Providers({ p: providerSchema.parse(provider) }, Date.now, testIssuers());
    const { accessToken } = (await providers.named('p').clientCredentials?.({ scopes: [] })) ?? {};
    using play = await AuthPlay.start('introspection', { provider: 'p' }, { providers: { p: provider } });
    assert.equal(await play.verdict(accessToken ?? ''), '200 alice');
    assert.deepEqual(seen, [
      [true, 'gateway', 'gw'],
      [true, 'gateway', 'gw'],
    ]);
  });

  for (const [title, own, provider, expected] of [
    ['as the provider says', {}, { clientAuthentication: 'post' }, ['gw', 'of-provider', undefined]],
    [
      'as the policy says of the secret of the provider',
      { clientAuthentication: 'post' },
      {},
      ['gw', 'of-provider', undefined],
    ],
    [
      'with a secret of its own instead of the key of the provider',
      { clientId: 'own', clientSecret: 'x' },
      { clientSecret: undefined, clientKey: { key: pem(p256.privateKey) } },
      [null, null, `Basic ${btoa('own:x')}`],
    ],
  ] as const) {
    it(title, async () => {
      await using server = await IssuerServer.start();
      const seen: unknown[] = [];
      server.answer('/introspect', (request: IncomingMessage, response: ServerResponse, body: string) => {
        const form = new URLSearchParams(body);
        seen.push(form.get('client_id'), form.get('client_secret'), request.headers.authorization);
        answerJson(response, ALICE);
      });
      using play = await AuthPlay.start(
        'introspection',
        { provider: 'p', endpoint: `${server.url}/introspect`, ...own },
        {
          providers: { p: { issuer: server.url, clientId: 'gw', clientSecret: 'of-provider', ...provider } },
        },
      );
      assert.equal(await play.verdict('t1'), '200 alice');
      assert.deepEqual(seen, expected);
    });
  }
});

describe('A real provider knows the gateway', () => {
  for (const [title, method, options, settings] of [
    [
      'by private_key_jwt',
      'private_key_jwt',
      { clientKey: { key: pem(p256.privateKey) } },
      {
        jwks: { keys: [p256.publicKey.export({ format: 'jwk' })] },
        token_endpoint_auth_signing_alg: 'ES256',
      },
    ],
    [
      'by client_secret_jwt',
      'client_secret_jwt',
      { clientSecret: 's'.repeat(40), clientAuthentication: 'jwt' },
      { client_secret: 's'.repeat(40) },
    ],
    [
      'by client_secret_post',
      'client_secret_post',
      { clientSecret: 's'.repeat(40), clientAuthentication: 'post' },
      { client_secret: 's'.repeat(40) },
    ],
  ] as const) {
    it(`${title}, for a token and when one is asked about`, async () => {
      await using server = await TestProvider.start({
        clients: [
          {
            client_id: 'gw',
            token_endpoint_auth_method: method,
            grant_types: ['client_credentials'],
            response_types: [],
            redirect_uris: [],
            ...settings,
          },
        ],
      });
      const provider = { issuer: server.issuer, clientId: 'gw', ...options };
      const parsed = providerSchema.parse(provider);
      const issuers = testIssuers();
      const tokens = await new Providers({ p: parsed }, Date.now, issuers)
        .named('p')
        .clientCredentials?.({ scopes: [] });
      const identity = identityOf({}, Date.now);
      const data = { ...identity.data, providers: { p: parsed } };
      const policies = await compilePolicies(
        [{ name: 'introspection', options: { provider: 'p', claims: { subject: 'client_id' } } }],
        { route: 'r', warn: () => {}, policyEvent: () => {}, identity: await identity.with(data) },
      );
      const exchange = exchangeFor({ headers: { authorization: `Bearer ${tokens?.accessToken}` } });
      assert.deepEqual(await runPolicies(policies, exchange), undefined);
      assert.equal(exchange.principal?.consumer, 'gw');
      policies.close();
    });
  }
});

describe('A key or certificate of the client', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const around = { lists: new Map(), providers: new Set<string>(), sessions: new Set<string>() };
  const asked = { endpoint: 'https://id.example.com/introspect', clientId: 'gw' };
  for (const [title, options, path, message] of [
    [
      'that is none',
      { clientKey: { key: 'x' } },
      'clientKey.key',
      'is not the PEM text of a private key without a password',
    ],
    [
      'that is a public one',
      { clientKey: { key: String(rsa.publicKey.export({ format: 'pem', type: 'spki' })) } },
      'clientKey.key',
      'is not the PEM text of a private key without a password',
    ],
    [
      'of 1024 bits',
      { clientKey: { key: pem(small.privateKey) } },
      'clientKey.key',
      'is a key that assertions are not signed with: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
    ],
    [
      'for another algorithm',
      { clientKey: { key: pem(p256.privateKey), algorithm: 'ES384' } },
      'clientKey.key',
      'is no key for ES384: it signs with ES256',
    ],
    [
      'beside a secret',
      { clientSecret: 's', clientKey: { key: pem(p256.privateKey) } },
      'clientKey',
      'is one proof too many: write one of clientSecret and clientKey',
    ],
    [
      'whose halves do not belong together',
      { clientCertificate: { cert: 'x', key: pem(p256.privateKey) } },
      'clientCertificate',
      'is no certificate in PEM with the key that belongs to it',
    ],
  ] as const) {
    it(`${title} is refused when the configuration is loaded`, async () => {
      const use = { name: 'introspection', options: { ...asked, ...options } };
      const parsed = introspectionSchema.safeParse(use.options);
      const problems = parsed.success
        ? introspectionMethod.check?.(parsed.data, around)
        : await validatePolicyUse(use);
      assert.deepEqual(
        problems?.map((problem) => [problem.path.join('.'), problem.message]),
        [[path, message]],
      );
    });
  }
});
