import assert from 'node:assert/strict';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { encoded, makeSecretToken, makeSigner, makeToken } from '../../src/identity/jwt/tokens.support.ts';
import { startGateway, type TestGateway } from '../../src/testing.ts';
import { ask } from '../support/ask.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';

const AUDIENCE = 'urn:api';
const LIFETIME_MS = 120_000;

type Members = Readonly<Record<string, unknown>>;

/** A token that the provider gave, with its parts. */
interface Given {
  readonly text: string;
  readonly header: Members;
  readonly claims: Members;
  readonly signature: string;
}

const stranger = makeSigner('RS256');

suite('a token of a real provider', () => {
  let stack: AsyncDisposableStack;
  let provider: TestProvider;
  let gateway: TestGateway;
  let good: Given;
  /** The key of the provider as everybody may read it. */
  let publicKey: Members;
  /** A server of the attacker, and what it was asked for. */
  let keysUrl: string;
  const asked: string[] = [];

  before(async () => {
    stack = new AsyncDisposableStack();
    provider = stack.use(
      await TestProvider.start({
        accessTokens: 'jwt',
        audience: AUDIENCE,
        algorithm: 'RS256',
        accessTokenTtlMs: LIFETIME_MS,
      }),
    );
    gateway = stack.use(
      await startGateway({
        listeners: { main: { port: 8080, limits: { head: '100kb' } } },
        providers: {
          p: { issuer: provider.issuer, clientId: TEST_CLIENT.id, clientSecret: TEST_CLIENT.secret },
        },
        routes: {
          guarded: {
            match: { paths: ['/guarded'] },
            policies: [
              { jwt: { provider: 'p', audience: AUDIENCE, skew: '0s', claims: { subject: 'client_id' } } },
            ],
            respond: { body: 'let in' },
          },
        },
      }),
    );
    good = await given(AUDIENCE);
    const { keys } = (await (await fetch(`${provider.issuer}/jwks`)).json()) as { keys: Members[] };
    publicKey = keys[0] ?? assert.fail('there is no key');
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(JSON.stringify({ keys: [{ ...stranger.jwk, kid: good.header['kid'] }] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    stack.defer(() => void server.close());
    keysUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  });

  after(() => stack?.disposeAsync());

  async function given(resource: string): Promise<Given> {
    const answer = await fetch(`${provider.issuer}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${btoa(`${TEST_CLIENT.id}:${TEST_CLIENT.secret}`)}` },
      body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
    });
    const { access_token: text } = (await answer.json()) as { access_token?: string };
    assert.ok(text !== undefined);
    const [header = '', claims = '', signature = ''] = text.split('.');
    return { text, header: decoded(header), claims: decoded(claims), signature };
  }

  /** Status, code and detail. */
  async function verdict(token: string): Promise<string> {
    const { status, body } = await ask(`${gateway.url}/guarded`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (status === 200) return body;
    const { code, detail } = JSON.parse(body) as { code: string; detail?: string };
    return `${status} ${code}: ${detail}`;
  }

  /** The token with other members in its header or claims, and the signature that it had, or another one. */
  const altered = (header: Members, claims: Members = {}, signature = good.signature): string =>
    `${encoded({ ...good.header, ...header })}.${encoded({ ...good.claims, ...claims })}.${signature}`;
  /** Signed by somebody else, in the name of the provider's key. */
  const forged = (header: Members = {}, claims: Members = {}): string =>
    makeToken(stranger, { ...good.claims, ...claims }, { kid: good.header['kid'], ...header });
  /** Signed with what everybody knows, taken for a secret. */
  const confused = (alg: string, secret: string | Buffer): string =>
    makeSecretToken(secret, good.claims, { ...good.header, alg });
  const pem = (): string =>
    createPublicKey({ key: publicKey, format: 'jwk' }).export({ format: 'pem', type: 'spki' }) as string;

  const MALFORMED = '401 invalid_token: The token is not a signed JWT as it must be.';
  const ALGORITHM = '401 invalid_token: The algorithm of the token is not accepted here.';
  const SIGNATURE = '401 invalid_token: The signature of the token is wrong.';
  const KEY = '401 invalid_token: The key that the token names is not known.';
  const AUDIENCES = '401 invalid_token: The token is for another audience.';
  const EXPIRED = '401 invalid_token: The token has expired.';
  const LONG = '401 invalid_token: The token is longer than is accepted here.';

  const ATTACKS: readonly (readonly [
    title: string,
    token: () => string | Promise<string>,
    verdict: string,
  ])[] = [
    ['with alg none and no signature', () => altered({ alg: 'none' }, {}, ''), MALFORMED],
    ['with alg none and its signature', () => altered({ alg: 'none' }), ALGORITHM],
    ['with alg nOnE and its signature', () => altered({ alg: 'nOnE' }), ALGORITHM],
    ['signed with the public key as a secret, PEM', () => confused('HS256', pem()), ALGORITHM],
    [
      'signed with the public key as a secret, JWK',
      () => confused('HS256', JSON.stringify(publicKey)),
      ALGORITHM,
    ],
    ['signed with the secret of the client', () => confused('HS256', TEST_CLIENT.secret), ALGORITHM],
    ['that says RS256 and is signed with the public key', () => confused('RS256', pem()), SIGNATURE],
    ['of another algorithm', () => altered({ alg: 'ES256' }), KEY],
    ['of a key that is not there', () => altered({ kid: 'other' }), KEY],
    ['of a key that is a file', () => altered({ kid: '../../../../dev/null' }), KEY],
    ['of another key under the same name', () => forged(), SIGNATURE],
    ['whose keys are elsewhere, jku', () => forged({ jku: keysUrl }), SIGNATURE],
    ['whose keys are elsewhere, x5u', () => forged({ x5u: keysUrl }), SIGNATURE],
    ['that brings its key along', () => forged({ jwk: stranger.jwk }), SIGNATURE],
    ['whose jku was added to it', () => altered({ jku: keysUrl }), SIGNATURE],
    ['of another client', () => altered({}, { client_id: 'admin', sub: 'admin' }), SIGNATURE],
    ['that was given a longer life', () => altered({}, { exp: Number(good.claims['exp']) + 1 }), SIGNATURE],
    ['without its signature', () => altered({}, {}, ''), MALFORMED],
    ['for another resource', async () => (await given('urn:other')).text, AUDIENCES],
    [
      'for another resource, whose audience was altered',
      async () => {
        const other = await given('urn:other');
        return altered(other.header, { ...other.claims, aud: AUDIENCE }, other.signature);
      },
      SIGNATURE,
    ],
    ['of 64 kB', () => altered({}, { more: 'x'.repeat(64_000) }), LONG],
    ['of 64 kB that are its signature', () => altered({}, {}, 'A'.repeat(64_000)), LONG],
  ];

  for (const [title, attack, expected] of ATTACKS)
    test(`${title}: is refused`, async () => {
      const token = await attack();
      assert.equal(await verdict(token), expected);
      // A good one that is known opens no door.
      assert.equal(await verdict(good.text), 'let in');
      assert.equal(await verdict(token), expected);
      assert.deepEqual(asked, []);
    });

  test('is let in until it has expired, and from then on refused, though it is known', async () => {
    provider.settings.accessTokenTtlMs = 2000;
    const short = await given(AUDIENCE);
    provider.settings.accessTokenTtlMs = LIFETIME_MS;
    assert.equal(await verdict(short.text), 'let in');
    await delay(Number(short.claims['exp']) * 1000 - Date.now() + 10);
    assert.equal(await verdict(short.text), EXPIRED);
    assert.equal(await verdict(good.text), 'let in');
  });
});

function decoded(part: string): Members {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Members;
}
