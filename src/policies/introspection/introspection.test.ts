import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { validatePolicyUse } from '../compile.ts';
import { AuthPlay } from '../jwt/jwt.support.ts';
import { ALICE, type Answer, NOW, withServer } from './introspection.support.ts';

const AWAY =
  '503 provider_unavailable: The identity provider that knows who may call cannot be asked at the moment.';
const NOT_ACTIVE = '401 invalid_token: The token is not valid.';

describe('An opaque token', () => {
  it('lets in whoever the server says it is of', () =>
    withServer({ issuer: 'https://id.example.com' }, async ({ play, tokens, asked, authorizations }) => {
      tokens.set('t1', { ...ALICE, scope: 'read write', client_id: 'app', groups: ['g'] });
      const { answer, exchange } = await play.send({ authorization: 'Bearer t1' });
      assert.equal(answer, undefined);
      assert.deepEqual(exchange.principal, {
        method: 'introspection',
        consumer: 'alice',
        subject: 'alice',
        issuer: 'https://id.example.com',
        scopes: ['read', 'write'],
        groups: ['g'],
        roles: [],
        claims: { ...ALICE, scope: 'read write', client_id: 'app', groups: ['g'] },
        session: '',
        expiresAtMs: (NOW + 3600) * 1000,
      });
      assert.deepEqual(exchange.requestLines, []);
      assert.deepEqual(asked.map(String), ['token_type_hint=access_token&token=t1']);
      // RFC 6749 section 2.3.1: each part is form-encoded first.
      assert.deepEqual(authorizations, [`Basic ${Buffer.from('gw:s%3A+e').toString('base64')}`]);
    }));

  it('is asked about with the secret in the form where options say so', () =>
    withServer({ clientAuthentication: 'post' }, async ({ play, tokens, asked, authorizations }) => {
      tokens.set('t1', ALICE);
      assert.equal(await play.verdict('t1'), '200 alice');
      assert.deepEqual(Object.fromEntries(asked[0] ?? []), {
        token: 't1',
        token_type_hint: 'access_token',
        client_id: 'gw',
        client_secret: 's: e',
      });
      assert.deepEqual(authorizations, [undefined]);
    }));

  it('is asked about once, however many requests bring it at once, and then not for a minute', () =>
    withServer({}, async ({ play, tokens, asked }) => {
      tokens.set('t1', ALICE);
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => play.verdict('t1')));
      assert.deepEqual(new Set(verdicts), new Set(['200 alice']));
      assert.equal(asked.length, 1);
      tokens.set('t1', { active: false });
      play.timers.advance(59_999);
      assert.equal(await play.verdict('t1'), '200 alice');
      play.timers.advance(1);
      assert.equal(await play.verdict('t1'), NOT_ACTIVE);
      assert.equal(asked.length, 2);
    }));

  it('does not count for longer than it lasts', () =>
    withServer({ cache: { ttl: '1h' } }, async ({ play, tokens, asked }) => {
      tokens.set('t1', { ...ALICE, exp: NOW + 5 });
      assert.equal(await play.verdict('t1'), '200 alice');
      play.timers.advance(4999);
      assert.equal(await play.verdict('t1'), '200 alice');
      assert.equal(asked.length, 1);
      play.timers.advance(1);
      // A server whose clock is behind would still call it active.
      assert.equal(await play.verdict('t1'), '401 invalid_token: The token has expired.');
    }));

  it('that is refused is asked about again after ten seconds', () =>
    withServer({}, async ({ play, tokens, asked }) => {
      assert.equal(await play.verdict('t1'), NOT_ACTIVE);
      tokens.set('t1', ALICE);
      play.timers.advance(9_999);
      assert.equal(await play.verdict('t1'), NOT_ACTIVE);
      assert.equal(asked.length, 1);
      play.timers.advance(1);
      assert.equal(await play.verdict('t1'), '200 alice');
    }));

  it('is remembered for so many tokens', () =>
    withServer({ cache: { tokens: 10 } }, async ({ play, tokens, asked }) => {
      for (let i = 0; i < 11; i++) {
        tokens.set(`t${i}`, ALICE);
        await play.verdict(`t${i}`);
      }
      await play.verdict('t10');
      assert.equal(asked.length, 11);
      await play.verdict('t0');
      assert.equal(asked.length, 12);
    }));
});

describe('What a server says of a token', () => {
  const CASES: readonly (readonly [title: string, answer: Answer, verdict: string, options?: object])[] = [
    ['active that is text', 'nonsense', AWAY],
    ['no word of active', { sub: 'alice' }, AWAY],
    ['that it has expired', { ...ALICE, exp: NOW }, '401 invalid_token: The token has expired.'],
    [
      'an end that is text',
      { ...ALICE, exp: '9999999999' },
      '401 invalid_token: A claim of the token is missing or is not what it must be.',
    ],
    ['that it begins later', { ...ALICE, nbf: NOW + 31 }, '401 invalid_token: The token is not valid yet.'],
    ['no subject', { active: true }, '401 invalid_token: The token names no subject.'],
    [
      'another issuer',
      { ...ALICE, iss: 'https://evil.example' },
      '401 invalid_token: The issuer of the token is not accepted here.',
      { issuer: 'https://id.example.com' },
    ],
    [
      'another audience',
      { ...ALICE, aud: 'other' },
      '401 invalid_token: The token is for another audience.',
      { audience: 'api' },
    ],
    ['no audience', ALICE, '401 invalid_token: The token is for another audience.', { audience: 'api' }],
    ['one of the audiences', { ...ALICE, aud: ['other', 'api'] }, '200 alice', { audience: ['api', 'more'] }],
    ['any audience', { ...ALICE, aud: 'other' }, '200 alice'],
    ['another subject', { ...ALICE, client_id: 'app' }, '200 app', { claims: { subject: 'client_id' } }],
    ...[
      { token_type: 'refresh_token' },
      { token_type: 'N_A' },
      { token_type: 'DPoP' },
      { token_type: 7 },
      { token_use: 'refresh_token' },
      { token_use: 'id' },
      { typ: 'Refresh' },
      { typ: 'Offline' },
      { typ: 'ID' },
    ].map((said): readonly [string, Answer, string] => [
      `that it is of another use, ${JSON.stringify(said)}`,
      { ...ALICE, ...said },
      '401 invalid_token: The token is none that a request is sent with.',
    ]),
    [
      'that it is one of access',
      { ...ALICE, token_type: 'bearer', token_use: 'access_token', typ: 'Bearer' },
      '200 alice',
    ],
    ['no end', { active: true, sub: 'alice' }, '200 alice'],
  ];
  for (const [title, answer, verdict, options = {}] of CASES) {
    it(`counts: ${title}`, () =>
      withServer({ ...options }, async ({ play, tokens }) => {
        tokens.set('t1', answer);
        assert.equal(await play.verdict('t1'), verdict);
      }));
  }
});

describe('A token that cannot be one', () => {
  it('is asked about nowhere', () =>
    withServer({ maxLength: '1kb' }, async ({ play, asked }) => {
      const malformed = '401 invalid_token: The token has a character that no token has.';
      for (const token of ['a b', 'a"b', 'é', 'a,b', '=a', 'a=b'])
        assert.equal(await play.verdict(token), malformed, token);
      assert.equal(
        await play.verdict('x'.repeat(1025)),
        '401 invalid_token: The token is longer than is accepted here.',
      );
      assert.deepEqual(asked, []);
    }));
});

describe('A server that is away', () => {
  for (const answer of ['silence', 'page', 302, 401, 403, 404, 502, 503, 504] as const) {
    it(`with ${answer} makes 503 of what it is not known of, and is left alone for a while`, () =>
      withServer({}, async ({ play, server, tokens, asked }) => {
        tokens.set('known', ALICE);
        tokens.set('t1', answer);
        tokens.set('t2', ALICE);
        assert.equal(await play.verdict('known'), '200 alice');
        assert.equal(await play.verdict('t1'), AWAY);
        const before = asked.length;
        // Nobody is anonymous, and nobody who is known is refused.
        assert.equal(await play.verdict('t2'), AWAY);
        assert.equal(await play.verdict('known'), '200 alice');
        assert.equal(asked.length, before);
        const { answer: response } = await play.send({ authorization: 'Bearer t2' });
        assert.deepEqual([response?.status, response?.headers], [503, { 'Retry-After': '1' }]);
        play.timers.advance(1000);
        assert.equal(await play.verdict('t2'), '200 alice');
        assert.equal(play.log.length, 2);
        const cause =
          answer === 'silence'
            ? `${server.url}/introspect: socket hang up`
            : `answered ${answer === 'page' ? 'with something that is not JSON' : answer}`;
        assert.deepEqual(play.log, [
          `warn: introspection of provider ${server.url}: ${cause}`,
          `info: introspection of provider ${server.url}: answers again, after 1 failures`,
        ]);
      }));
  }

  it('for one token alone is asked about others', () =>
    withServer({}, async ({ play, tokens }) => {
      tokens.set('t1', 500);
      tokens.set('t2', ALICE);
      assert.equal(await play.verdict('t1'), AWAY);
      assert.equal(await play.verdict('t2'), '200 alice');
    }));
});

describe('Options', () => {
  for (const [options, path, message] of [
    [{}, '', 'needs provider or endpoint: who is asked about tokens'],
    [
      { endpoint: 'https://id.example.com/introspect' },
      '',
      'needs clientId and one of clientSecret, clientKey and clientCertificate: not everybody may ask about tokens',
    ],
  ] as const) {
    it(`${JSON.stringify(options)} are refused`, async () => {
      const problems = await validatePolicyUse({ name: 'introspection', options });
      assert.deepEqual([problems.at(-1)?.path.join('.'), problems.at(-1)?.message], [path, message]);
    });
  }

  it('of a provider without a secret are refused', async () => {
    const providers = { p: { issuer: 'https://id.example.com', clientId: 'gw' } };
    await assert.rejects(AuthPlay.start('introspection', { provider: 'p' }, { providers }), {
      message:
        'the policy introspection cannot be made: provider p has no clientId with a clientSecret, clientKey or clientCertificate to ask about tokens with',
    });
  });
});
