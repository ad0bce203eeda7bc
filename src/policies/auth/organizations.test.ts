import assert from 'node:assert/strict';
import { createHmac, X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, it } from 'node:test';
import { TestAuthority } from '../../../test/support/certificates.ts';
import { exchangeFor, type RequestDescription, runPolicies } from '../../../test/support/exchange.ts';
import { ConsumersByOwner } from '../../identity/consumers/consumers-by-owner.ts';
import { consumerSchema } from '../../identity/consumers/schema.ts';
import { Identity } from '../../identity/identity.ts';
import { NO_IDENTITY } from '../../identity/identity-data.ts';
import { IssuerServer } from '../../identity/issuer-server.support.ts';
import { makeSecretToken } from '../../identity/jwt/tokens.support.ts';
import { PasswordChecker } from '../../identity/passwords/password-checker.ts';
import { providerSchema } from '../../identity/providers/schema.ts';
import { MemoryRecords } from '../../identity/sessions/memory-records.support.ts';
import { sessionSchema } from '../../identity/sessions/schema.ts';
import { RecordStores } from '../../state/records/record-stores.ts';
import { compilePolicies } from '../compile.ts';
import { ForwardAuthenticator } from '../forward-auth/forward-authenticator.ts';
import { forwardAuthSchema } from '../forward-auth/schema.ts';
import { compileKey } from '../rate-limit/keys.ts';
import type { PolicyUse } from '../use.ts';
import { asker, basicField, type ConsumersInput, NOW_MS } from './auth.support.ts';

const ORGANIZATIONS = ['acme', 'globex', undefined] as const;
type Organization = (typeof ORGANIZATIONS)[number];
const ISSUER = 'https://id.example.com';
const SECRET = 's'.repeat(32);
const PROVIDER_URL = { p: providerSchema.parse({ issuer: ISSUER, clientId: 'gw', clientSecret: 'secret' }) };
const JWT_OPTIONS = { issuers: [{ issuer: ISSUER, secret: SECRET }], audience: 'a' };
const AT = { scheme: 'https', host: 'api.example.com' } as const;

function parsed(consumers: ConsumersInput) {
  return Object.fromEntries(
    Object.entries(consumers).map(([name, each]) => [name, consumerSchema.parse(each)]),
  );
}

/** Each of these consumers, of acme, of globex and of no organization, all in one group. */
function three(of: (name: string) => ConsumersInput[string]): ConsumersInput {
  const with_ = (name: string, organization?: string) => ({
    ...of(name),
    groups: ['staff'],
    ...(organization !== undefined && { organization }),
  });
  return { ann: with_('ann', 'acme'), gus: with_('gus', 'globex'), sue: with_('sue') };
}

const NAMES = ['ann', 'gus', 'sue'] as const;
/** Who is known where: their own consumers and the shared ones. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  acme: ['ann', 'sue'],
  globex: ['gus', 'sue'],
  none: ['sue'],
};

function isKnownAt(name: string, organization: Organization): boolean {
  return KNOWN[organization ?? 'none']?.includes(name) === true;
}

async function identityOf(consumers: ConsumersInput, sessions = {}): Promise<Identity> {
  const records = new MemoryRecords(() => NOW_MS);
  const stores = new RecordStores(
    () => records,
    () => {},
  );
  const place = { log: () => {}, nowMs: () => NOW_MS, records: stores };
  const data = { consumers: parsed(consumers), providers: PROVIDER_URL, sessions };
  return new Identity(NO_IDENTITY, place).with(data);
}

/** Sends each consumer's request to a route of each organization, twice: the second time from whatever was remembered. */
async function sendAll(
  identity: Identity,
  use: PolicyUse,
  requestOf: (name: string) => RequestDescription,
  { globally = false } = {},
) {
  const found: Record<string, unknown> = {};
  const asks = await Promise.all(
    ORGANIZATIONS.map((organization) =>
      globally ? asker([], identity, [use], organization) : asker([use], identity, [], organization),
    ),
  );
  for (const round of [1, 2])
    for (const name of NAMES)
      for (const [index, organization] of ORGANIZATIONS.entries()) {
        const { consumer, groups, status, code } = (await asks[index]?.(requestOf(name))) ?? {};
        found[`${name} at ${organization ?? 'none'}, ${round}`] = [consumer, groups, status, code];
      }
  return found;
}

/** What becomes of them where strangers are not let in, or by another name. */
function expected(
  known: (name: string) => unknown = (name) => [name, ['staff'], undefined, undefined],
  unknown: (name: string) => unknown = () => [undefined, undefined, 401, 'invalid_credentials'],
) {
  const all: Record<string, unknown> = {};
  for (const round of [1, 2])
    for (const name of NAMES)
      for (const organization of ORGANIZATIONS)
        all[`${name} at ${organization ?? 'none'}, ${round}`] = isKnownAt(name, organization)
          ? known(name)
          : unknown(name);
  return all;
}

describe('A consumer of an organization is known on its routes alone, a shared one everywhere', () => {
  const basic = three((name) => ({ basic: { password: `password of ${name}` } }));
  const sendBasic = (name: string) => ({
    headers: { Authorization: basicField(`${name}:password of ${name}`) },
  });

  it('by name and password', async () => {
    const found = await sendAll(await identityOf(basic), { name: 'basic', options: {} }, sendBasic);
    assert.deepEqual(found, expected());
  });

  it('by a policy of every route', async () => {
    const use = { name: 'basic', options: {} };
    assert.deepEqual(await sendAll(await identityOf(basic), use, sendBasic, { globally: true }), expected());
  });

  it('by API key', async () => {
    const identity = await identityOf(three((name) => ({ apiKeys: [{ key: `key-of-${name}-0123456789` }] })));
    const requestOf = (name: string) => ({ headers: { 'X-Api-Key': `key-of-${name}-0123456789` } });
    assert.deepEqual(await sendAll(identity, { name: 'api-key', options: {} }, requestOf), expected());
  });

  it('by client certificate', async () => {
    const authority = await TestAuthority.make('Authority');
    const leaves = new Map<string, X509Certificate>();
    for (const name of NAMES) leaves.set(name, new X509Certificate((await authority.issue(name)).cert));
    const identity = await identityOf(three((name) => ({ certificates: [{ subject: `CN=${name}` }] })));
    const requestOf = (name: string) => ({
      certificate: { leaf: leaves.get(name) as X509Certificate, isVerified: true },
    });
    const nowMs = Date.now;
    const now = new Identity(identity.data, { ...identity.place, nowMs });
    assert.deepEqual(await sendAll(now, { name: 'mtls', options: {} }, requestOf), expected());
  });

  it('by signature', async () => {
    const secretOf = (name: string) => `secret of ${name}, long enough`;
    const identity = await identityOf(
      three((name) => ({ signatureKeys: [{ id: name, algorithm: 'hmac-sha256', secret: secretOf(name) }] })),
    );
    const requestOf = (name: string) => {
      const input = `("@method");created=${NOW_MS / 1000};keyid="${name}"`;
      const base = `"@method": GET\n"@signature-params": ${input}`;
      const signature = createHmac('sha256', secretOf(name)).update(base).digest('base64');
      return { headers: { 'Signature-Input': `sig=${input}`, Signature: `sig=:${signature}:` } };
    };
    const use = { name: 'signature', options: { components: ['@method'], digest: 'ignored' } };
    const found = await sendAll(identity, use, requestOf);
    assert.deepEqual(found, expected());
  });

  it('by token, of which a claim names it, though routes share what they verified', async () => {
    const identity = await identityOf(three(() => ({})));
    const claims = { iss: ISSUER, aud: 'a', exp: NOW_MS / 1000 + 60 };
    const requestOf = (name: string) => ({
      headers: {
        Authorization: `Bearer ${makeSecretToken(SECRET, { ...claims, sub: `u-${name}`, client: name })}`,
      },
    });
    const issuers = [{ issuer: ISSUER, secret: SECRET }];
    const use = { name: 'jwt', options: { issuers, audience: 'a', claims: { consumer: 'client' } } };
    const stranger = (name: string) => [`u-${name}`, [], undefined, undefined];
    assert.deepEqual(await sendAll(identity, use, requestOf), expected(undefined, stranger));
  });

  it('by the answer of a server that is asked about tokens, though routes share what they were told', async () => {
    await using server = await IssuerServer.start();
    let asked = 0;
    server.answer('/introspect', (_request: IncomingMessage, response: ServerResponse, body: string) => {
      asked++;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ active: true, sub: new URLSearchParams(body).get('token') }));
    });
    const identity = await identityOf(three((name) => ({ subjects: [{ provider: 'p', subject: name }] })));
    const options = { provider: 'p', endpoint: `${server.url}/introspect` };
    const requestOf = (name: string) => ({ headers: { Authorization: `Bearer ${name}` } });
    const found = await sendAll(identity, { name: 'introspection', options }, requestOf);
    const stranger = (name: string) => [name, [], undefined, undefined];
    assert.deepEqual(found, expected(undefined, stranger));
    assert.equal(asked, 9);
  });

  for (const kind of ['session', 'personal-access-token'] as const)
    it(`by the same ${kind}, which all routes take`, async () => {
      const sessions = {
        web: sessionSchema.parse({
          login: ['p'],
          keys: ['k'.repeat(32)],
          tokens: { maxLifetime: '30d', max: 3, scopes: [] },
        }),
      };
      const subjects = three((name) => ({ subjects: [{ provider: 'p', subject: `u-${name}` }] }));
      const identity = await identityOf(subjects, sessions);
      const web = identity.sessionsNamed('web');
      const sent = new Map<string, Record<string, string>>();
      for (const name of NAMES) {
        const user = { issuer: ISSUER, subject: `u-${name}`, claims: {}, provider: 'p' };
        if (kind === 'session') {
          const tokens = {
            accessToken: 't',
            tokenType: 'bearer' as const,
            expiresAtMs: NOW_MS + 1,
            scopes: [],
          };
          const { setCookie } = await web.create({ provider: 'p', user, tokens }, AT);
          sent.set(name, { Cookie: setCookie.slice(0, setCookie.indexOf(';')) });
        } else {
          const made = await web.personalTokens.create(user, { name: 'x', scopes: [] }, 1000);
          sent.set(name, { Authorization: `Bearer ${made?.text ?? ''}` });
        }
      }
      const requestOf = (name: string) => ({
        url: 'https://api.example.com/',
        headers: sent.get(name) ?? {},
      });
      const found = await sendAll(identity, { name: kind, options: { name: 'web' } }, requestOf);
      const stranger = (name: string) => [`u-${name}`, [], undefined, undefined];
      assert.deepEqual(found, expected(undefined, stranger));
    });

  it('by what a service of forward-auth calls it: a stranger has no groups', async () => {
    const identity = await identityOf(three(() => ({})));
    const options = forwardAuthSchema.parse({
      url: 'http://127.0.0.1:1/',
      responseHeaders: ['x-user'],
      consumer: 'x-user',
    });
    for (const organization of ORGANIZATIONS)
      for (const name of NAMES) {
        const { fields } = exchangeFor({ headers: { 'x-user': name } }).request;
        const authenticator = new ForwardAuthenticator(options, {
          service: { ask: async () => ({ status: 200, fields, body: Buffer.alloc(0) }), close() {} },
          consumers: identity.of(organization).consumers,
          nowMs: () => NOW_MS,
          warn: () => {},
        });
        const finding = await authenticator.authenticate(exchangeFor({}));
        assert.deepEqual(finding.kind === 'known' && [finding.principal.consumer, finding.principal.groups], [
          name,
          isKnownAt(name, organization) ? ['staff'] : [],
        ]);
      }
  });

  it('within auth, by any method and by all of them', async () => {
    const consumers = three((name) => ({
      basic: { password: `password of ${name}` },
      apiKeys: [{ key: `key-of-${name}-0123456789` }],
    }));
    const members = [{ basic: {} }, { 'api-key': {} }];
    for (const way of ['any', 'all']) {
      const requestOf = (name: string) => ({
        headers: { ...sendBasic(name).headers, 'X-Api-Key': `key-of-${name}-0123456789` },
      });
      const use = { name: 'auth', options: { [way]: members } };
      assert.deepEqual(await sendAll(await identityOf(consumers), use, requestOf), expected(), way);
    }
  });
});

describe('What one organization calls its consumers', () => {
  it('is nothing to the users of another: they keep their names', async () => {
    const subjects = { provider: 'p', subject: 'u-1' };
    const identity = await identityOf({
      bob: { organization: 'acme', groups: ['staff'] },
      eve: { organization: 'acme', subjects: [subjects] },
    });
    const issuers = [{ issuer: ISSUER, secret: SECRET }];
    const token = makeSecretToken(SECRET, { iss: ISSUER, aud: 'a', sub: 'bob', exp: NOW_MS / 1000 + 60 });
    const named = async (organization: Organization) => {
      const ask = await asker(
        [{ name: 'jwt', options: { issuers, audience: 'a' } }],
        identity,
        [],
        organization,
      );
      return (await ask({ headers: { Authorization: `Bearer ${token}` } })).consumer;
    };
    assert.deepEqual(
      [await named('acme'), await named('globex'), await named(undefined)],
      [`${ISSUER}#bob`, 'bob', 'bob'],
    );
  });

  it('may be what another calls its own, with other credentials', async () => {
    const user = (organization: string, password: string) => ({
      organization,
      basic: { username: 'app', password },
    });
    const identity = await identityOf({ a: user('acme', 'one'), g: user('globex', 'two') });
    const got: Record<string, unknown> = {};
    for (const organization of ORGANIZATIONS) {
      const ask = await asker([{ name: 'basic', options: {} }], identity, [], organization);
      for (const password of ['one', 'two'])
        got[`${organization ?? 'none'} ${password}`] = (
          await ask({ headers: { Authorization: basicField(`app:${password}`) } })
        ).consumer;
    }
    assert.deepEqual(got, {
      'acme one': 'a',
      'acme two': undefined,
      'globex one': undefined,
      'globex two': 'g',
      'none one': undefined,
      'none two': undefined,
    });
  });
});

describe('A limit of every route by consumer', () => {
  it('counts the consumer of an organization apart from a user of that name elsewhere', async () => {
    const identity = await identityOf({
      bob: { organization: 'acme', basic: { password: 'word' } },
    });
    const principals = [];
    for (const organization of ['acme', undefined] as const) {
      const context = { route: 'r', warn: () => {}, policyEvent: () => {}, identity, organization };
      const use = { name: 'auth', options: { any: [{ basic: {} }, { jwt: JWT_OPTIONS }] } };
      const policies = await compilePolicies([use], context);
      const exchange = exchangeFor({
        headers: {
          Authorization:
            organization === undefined
              ? `Bearer ${makeSecretToken(SECRET, { iss: ISSUER, aud: 'a', sub: 'bob', exp: NOW_MS / 1000 + 60 })}`
              : basicField('bob:word'),
        },
      });
      assert.equal(await runPolicies(policies, exchange), undefined);
      const key = compileKey(['consumer'], 'skip', undefined)(exchange);
      principals.push([exchange.principal?.consumer, exchange.principal?.organization, key]);
    }
    assert.deepEqual(principals, [
      ['bob', 'acme', 'acme\0bob'],
      ['bob', undefined, 'bob'],
    ]);
  });
});

describe('Routes of an organization', () => {
  it('without consumers of its own share what is known with those of none', async () => {
    const identity = await identityOf(three(() => ({})));
    assert.equal(identity.of('initech'), identity.of(undefined));
    assert.notEqual(identity.of('acme'), identity.of(undefined));
    assert.equal(identity.of('acme'), identity.of('acme'));
  });

  it('check a name that only another organization has against a hash that costs as much', async () => {
    const costs: unknown[] = [];
    const checker = new PasswordChecker(
      () => NOW_MS,
      (_password, { kind, ...hash }) => {
        costs.push(kind === 'scrypt' && 'ln' in hash ? hash.ln : kind);
        return Promise.resolve(false);
      },
    );
    const hash = '$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g';
    const consumers = parsed(three(() => ({ basic: { hash } })));
    const byOwner = new ConsumersByOwner(consumers, checker, () => NOW_MS);
    for (const name of ['ann', 'gus', 'nobody'])
      assert.equal(await byOwner.of('globex').users.find(name, 'word', '192.0.2.1'), undefined);
    assert.deepEqual(costs, [14, 14, 14]);
  });
});
