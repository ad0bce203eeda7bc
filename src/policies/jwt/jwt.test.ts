import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { makeSecretToken, makeSigner, makeToken } from '../../identity/jwt/tokens.support.ts';
import { AuthPlay, START_MS } from './jwt.support.ts';

const ISSUER = 'https://id.example.com';
const OTHER = 'https://other.example.com';
const NOW = START_MS / 1000;
const CLAIMS = { iss: ISSUER, aud: 'api', sub: 'alice', iat: NOW, exp: NOW + 300 };
const signer = makeSigner('ES256', 'one');
const other = makeSigner('RS256', 'two');

const OPTIONS = { issuers: [{ issuer: ISSUER, jwks: { keys: [signer.jwk] } }], audience: 'api' };
const good = makeToken(signer, CLAIMS);

const REPEATED = '400 invalid_request: The request has more than one token.';
const CREDENTIALS = '400 invalid_request: The credentials are not the word Bearer, a space and a token.';
const NOBODY = '401 unauthenticated: The request does not say who sends it.';

describe('A token is taken', () => {
  const CASES: readonly (readonly [
    title: string,
    headers: readonly (readonly [string, string])[],
    verdict: string,
  ])[] = [
    ['behind the word Bearer', [['authorization', `Bearer ${good}`]], '200 alice'],
    ['whatever the case of the word', [['Authorization', `bEARER ${good}`]], '200 alice'],
    ['behind several spaces', [['authorization', `Bearer   ${good}`]], '200 alice'],
    ['from no other scheme', [['authorization', `Basic ${good}`]], NOBODY],
    ['from no scheme that begins so', [['authorization', `Bearers ${good}`]], NOBODY],
    ['from none without a scheme', [['authorization', good]], NOBODY],
    ['from no other field', [['x-token', good]], NOBODY],
    ['only if there is one', [['authorization', 'Bearer']], CREDENTIALS],
    [
      'only behind a space',
      [['authorization', `Bearer\t${good}`]],
      '400 invalid_request: The credentials are not the word Bearer, a space and a token.',
    ],
    [
      'only if it is the only one',
      [
        ['authorization', `Bearer ${good}`],
        ['authorization', `Bearer ${good}`],
      ],
      REPEATED,
    ],
    [
      'only if no other scheme stands beside it',
      [
        ['authorization', `Bearer ${good}`],
        ['Authorization', 'Basic YTpi'],
      ],
      REPEATED,
    ],
    [
      'as it is alone, not in a list',
      [['authorization', `Bearer ${good}, Bearer ${good}`]],
      '401 invalid_token: The token is not a signed JWT as it must be.',
    ],
  ];
  for (const [title, headers, verdict] of CASES) {
    it(title, async () => {
      using play = await AuthPlay.start('jwt', OPTIONS);
      assert.equal(await play.verdictOf([...headers]), verdict);
    });
  }

  it('from a cookie, a field of another name or the query where options say so', async () => {
    using play = await AuthPlay.start('jwt', {
      ...OPTIONS,
      from: { header: 'X-Token', cookie: 'token', query: 'access_token' },
    });
    assert.equal(await play.verdictOf({ 'x-token': good }), '200 alice');
    assert.equal(await play.verdictOf({ cookie: `a=b; token=${good}` }), '200 alice');
    assert.equal(await play.verdictOf({}, `/?a=b&access%5Ftoken=${good}`), '200 alice');
    assert.equal(await play.verdictOf({ authorization: `Bearer ${good}` }), NOBODY);
    assert.equal(await play.verdictOf({ 'x-token': good }, `/?access_token=${good}`), REPEATED);
    assert.equal(await play.verdictOf({ cookie: `token=${good}` }, `/?access_token=${good}`), REPEATED);
  });

  it('once: one that stands twice in a place, or in two places, is two', async () => {
    const from = { header: 'X-Token', cookie: 'token', query: 't' };
    using play = await AuthPlay.start('jwt', { ...OPTIONS, from, keep: true });
    const cookie = `token=${good}`;
    const twice: readonly [headers: [string, string][], url?: string][] = [
      [[['cookie', `${cookie}; token=forged`]]],
      [[['cookie', `token=forged; ${cookie}`]]],
      [
        [
          ['cookie', cookie],
          ['cookie', 'a=b; token=forged'],
        ],
      ],
      [
        [
          ['x-token', good],
          ['cookie', 'token=forged'],
        ],
      ],
      [[], `/?t=${good}&t=forged`],
      [[], `/?t=${good}&%74=forged`],
      [[['cookie', cookie]], '/?t=forged'],
    ];
    for (const [headers, url] of twice) assert.equal(await play.verdictOf(headers, url), REPEATED);
    assert.equal(
      await play.verdictOf([
        ['cookie', 'a=b'],
        ['cookie', cookie],
      ]),
      '200 alice',
    );
  });

  it('off every Cookie field', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, from: { cookie: 'token' } });
    const { exchange } = await play.send([
      ['cookie', 'a=b'],
      ['cookie', `c=d; token=${good}`],
    ]);
    assert.ok(!exchange.requestLines.join().includes(good), exchange.requestLines.join('\n'));
    assert.deepEqual(exchange.requestLines, ['cookie: a=b', 'cookie: c=d']);
  });

  it('off what is sent to the service, and nothing else with it', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, from: { cookie: 'token', query: 't' } });
    const sent = await play.send({ authorization: `Bearer ${good}`, cookie: 'a=b; c=d', accept: '*/*' });
    assert.deepEqual(sent.exchange.requestLines, ['cookie: a=b; c=d', 'accept: */*']);
    const inCookie = await play.send({ cookie: `a=b; token=${good}; c=d` });
    assert.deepEqual(inCookie.exchange.requestLines, ['cookie: a=b; c=d']);
    const inQuery = await play.send({ authorization: 'Basic YTpi' }, `/?a=b&t=${good}&c`);
    assert.equal(inQuery.exchange.request.upstreamSearch, '?a=b&c');
    assert.deepEqual(inQuery.exchange.requestLines, ['authorization: Basic YTpi']);
  });

  it('and kept where options say so', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, keep: true });
    const { exchange } = await play.send({ authorization: `Bearer ${good}` });
    assert.deepEqual(exchange.requestLines, [`authorization: Bearer ${good}`]);
  });
});

describe('The challenge of a 401', () => {
  const challenge = async (options: object, headers: Record<string, string>) => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, ...options });
    const { answer } = await play.send(headers);
    return [answer?.status, answer?.headers?.['WWW-Authenticate']];
  };

  it('names the scheme and no fault where no token was sent', async () => {
    assert.deepEqual(await challenge({}, {}), [401, 'Bearer realm="portcullis"']);
  });

  it('says what is wrong with a token', async () => {
    assert.deepEqual(await challenge({}, { authorization: 'Bearer abc' }), [
      401,
      'Bearer error="invalid_token", error_description="The token is not a signed JWT as it must be."',
    ]);
  });

  it('has the realm, and where the metadata of the API is', async () => {
    const options = {
      realm: 'orders',
      resourceMetadata: 'https://api.example.com/.well-known/oauth-protected-resource',
    };
    const start =
      'Bearer realm="orders", resource_metadata="https://api.example.com/.well-known/oauth-protected-resource"';
    assert.deepEqual(await challenge(options, {}), [401, start]);
    assert.deepEqual(await challenge(options, { authorization: `Bearer ${makeToken(other, CLAIMS)}` }), [
      401,
      `${start}, error="invalid_token", error_description="The key that the token names is not known."`,
    ]);
  });

  it('of a malformed request is of a 400', async () => {
    assert.deepEqual(await challenge({}, { authorization: 'Bearer '.trim() }), [
      400,
      'Bearer error="invalid_request", error_description="The credentials are not the word Bearer, a space and a token."',
    ]);
  });
});

describe('Who calls', () => {
  const principal = async (
    options: object,
    claims: object,
    around: Parameters<typeof AuthPlay.start>[2] = {},
  ) => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, ...options }, around);
    const { exchange } = await play.send({
      authorization: `Bearer ${makeToken(signer, { ...CLAIMS, ...claims })}`,
    });
    return exchange.principal;
  };

  it('is told with everything that the token says', async () => {
    const claims = {
      scope: 'read write',
      scp: ['admin'],
      realm_access: { roles: ['r1'] },
      roles: ['r2'],
      groups: ['g'],
    };
    assert.deepEqual(await principal({}, claims), {
      method: 'jwt',
      consumer: 'alice',
      subject: 'alice',
      issuer: ISSUER,
      scopes: ['read', 'write', 'admin'],
      groups: ['g'],
      roles: ['r2', 'r1'],
      claims: { ...CLAIMS, ...claims },
      session: '',
      // With the skew.
      expiresAtMs: (NOW + 330) * 1000,
    });
  });

  it('is read from the claims that options name, dots in their names included', async () => {
    const claims = {
      'https://example.com/roles': ['a'],
      deep: { er: { groups: 'x y' } },
      uid: 'u1',
      scope: 7,
      perms: ['p', 1, 'q'],
    };
    const found = await principal(
      {
        claims: {
          subject: 'uid',
          roles: ['https://example.com/roles'],
          groups: ['deep.er.groups'],
          scopes: ['perms', 'scope'],
        },
      },
      claims,
    );
    assert.deepEqual(
      [found?.subject, found?.roles, found?.groups, found?.scopes],
      ['u1', ['a'], ['x', 'y'], ['p', 'q']],
    );
  });

  it('is a consumer where a claim names one, with the groups of both', async () => {
    const consumers = { 'the-app': { groups: ['partners'] } };
    const options = { claims: { consumer: 'azp' } };
    const found = await principal(options, { azp: 'the-app', groups: ['g'] }, { consumers });
    assert.deepEqual(
      [found?.consumer, found?.subject, found?.groups],
      ['the-app', 'alice', ['g', 'partners']],
    );
    assert.equal((await principal(options, { azp: 'unknown' }, { consumers }))?.consumer, 'alice');
  });

  it('is not a consumer for being called like one', async () => {
    assert.equal((await principal({}, {}, { consumers: { alice: {} } }))?.consumer, `${ISSUER}#alice`);
    assert.equal(
      (await principal({ claims: { consumer: 'sub' } }, {}, { consumers: { alice: {} } }))?.consumer,
      'alice',
    );
  });
});

describe('Of several issuers', () => {
  it('each has its own keys and its own rules', async () => {
    using play = await AuthPlay.start('jwt', {
      issuers: [
        { issuer: ISSUER, jwks: { keys: [signer.jwk] } },
        {
          issuer: OTHER,
          key: other.publicKey.export({ format: 'pem', type: 'spki' }),
          audience: ['b', 'c'],
          algorithms: ['RS256'],
          type: 'at+jwt',
        },
      ],
      audience: 'api',
    });
    const header = { typ: 'at+jwt' };
    // Both may have somebody of that name.
    assert.equal(await play.verdict(good), `200 ${ISSUER}#alice`);
    assert.equal(
      await play.verdict(makeToken(other, { ...CLAIMS, iss: OTHER, aud: 'c' }, header)),
      `200 ${OTHER}#alice`,
    );
    assert.equal(
      await play.verdict(makeToken(other, { ...CLAIMS, iss: OTHER, aud: 'c' })),
      '401 invalid_token: The type of the token is not accepted here.',
    );
    assert.equal(
      await play.verdict(makeToken(other, { ...CLAIMS, iss: OTHER }, header)),
      '401 invalid_token: The token is for another audience.',
    );
    // The keys of one do not count for the other.
    assert.equal(
      await play.verdict(makeToken(signer, { ...CLAIMS, iss: OTHER, aud: 'c' }, header)),
      '401 invalid_token: The algorithm of the token is not accepted here.',
    );
    assert.equal(
      await play.verdict(makeToken(other, CLAIMS)),
      '401 invalid_token: The key that the token names is not known.',
    );
  });
});

describe('A shared secret', () => {
  const secret = 'a secret of thirty-two octets!!!';

  it('is taken for the algorithms that it is for', async () => {
    using play = await AuthPlay.start('jwt', { issuers: [{ issuer: ISSUER, secret }], audience: 'api' });
    assert.equal(await play.verdict(makeSecretToken(secret, CLAIMS)), '200 alice');
    assert.equal(
      await play.verdict(makeSecretToken(`${secret}.`, CLAIMS)),
      '401 invalid_token: The signature of the token is wrong.',
    );
    const algorithm = '401 invalid_token: The algorithm of the token is not accepted here.';
    assert.equal(await play.verdict(makeSecretToken(secret, CLAIMS, { alg: 'HS512' })), algorithm);
    assert.equal(await play.verdict(good), algorithm);
  });
});

describe('Time', () => {
  it('has the skew on either side, and a token that was let in is refused when it is over', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, skew: '10s' });
    const token = makeToken(signer, { ...CLAIMS, nbf: NOW + 10, exp: NOW + 20 });
    assert.equal(await play.verdict(token), '200 alice');
    play.timers.advance(29_999);
    assert.equal(await play.verdict(token), '200 alice');
    play.timers.advance(1);
    assert.equal(await play.verdict(token), '401 invalid_token: The token has expired.');
  });

  it('ends a token at the age that options allow', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, skew: '0s', maxAge: '1m' });
    const token = makeToken(signer, { ...CLAIMS, exp: NOW + 3600 });
    assert.equal(await play.verdict(token), '200 alice');
    play.timers.advance(59_000);
    assert.equal(await play.verdict(token), '200 alice');
    play.timers.advance(2_000);
    assert.equal(
      await play.verdict(token),
      '401 invalid_token: The token was issued longer ago than is accepted here.',
    );
    assert.equal(
      await play.verdict(makeToken(signer, { ...CLAIMS, iat: undefined })),
      '401 invalid_token: A claim of the token is missing or is not what it must be.',
    );
  });

  it('of the caller ends with that of the token', async () => {
    for (const [options, claims, seconds] of [
      [{ skew: '10s' }, {}, 310],
      [{ skew: '0s', maxAge: '1m' }, {}, 60],
      [{ skew: '10s', maxAge: '10m' }, {}, 310],
      [{ expiry: 'optional' }, { exp: undefined }, Number.POSITIVE_INFINITY],
    ] as const) {
      using play = await AuthPlay.start('jwt', { ...OPTIONS, ...options });
      const token = makeToken(signer, { ...CLAIMS, ...claims });
      const { exchange } = await play.send({ authorization: `Bearer ${token}` });
      assert.equal(exchange.principal?.expiresAtMs, (NOW + seconds) * 1000);
    }
  });

  it('does not end a token without exp where options say so', async () => {
    using play = await AuthPlay.start('jwt', { ...OPTIONS, expiry: 'optional' });
    const token = makeToken(signer, { ...CLAIMS, exp: undefined });
    play.timers.advance(1e10);
    assert.equal(await play.verdict(token), '200 alice');
    assert.equal(await play.verdict(good), '401 invalid_token: The token has expired.');
  });
});
