import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { codeOf, LoginPlay, type LoginPlayOptions, SCRIPT, SESSION } from '../support/login-play.ts';
import { openRedis } from '../support/redis.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

const UNKNOWN = `pcp_${'A'.repeat(43)}`;

interface Token {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly token: string;
  readonly connect?: string;
}

describe('personal access tokens', () => {
  let service: Server;
  let backend: string;
  /** What the service has at the address of a repository. */
  let repository = '';

  before(async () => {
    service = createServer((request, response) => {
      const isGit = request.url?.includes('/repo.git/') === true;
      response.end(isGit ? repository : (request.headers.authorization ?? 'none'));
    });
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    backend = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
  });

  after(() => {
    service.close();
    service.closeAllConnections();
  });

  /** Signed in as alice, at a gateway whose sessions have tokens. */
  async function start(
    { tokens = {}, ...options }: LoginPlayOptions & { tokens?: Record<string, unknown> } = {},
    state: Record<string, unknown> = {},
  ): Promise<{ play: LoginPlay; alice: UserAgent }> {
    const session = {
      login: ['first'],
      connect: ['second'],
      tokens: { scopes: ['read', 'write'], max: 3, maxLifetime: '30d', ...tokens },
      ...options.session,
    };
    const guarded = (policies: readonly unknown[]) => ({ policies, service: 'backend' });
    const play = await LoginPlay.start({
      ...options,
      session,
      config: {
        ...state,
        services: { backend: { url: backend } },
        routes: {
          api: { match: { paths: ['/api/*'] }, ...guarded([{ session: { name: 'web' } }]) },
          write: {
            match: { paths: ['/write/*'] },
            ...guarded([{ session: { name: 'web' } }, { authorize: { scopes: ['write'] } }]),
          },
          second: {
            match: { paths: ['/second/*'] },
            ...guarded([
              { session: { name: 'web', providers: ['second'] } },
              { inject: { provider: 'second' } },
            ]),
          },
          injected: {
            match: { paths: ['/injected/*'] },
            ...guarded([{ session: { name: 'web' } }, { inject: { provider: 'second' } }]),
          },
          programs: {
            match: { paths: ['/programs/*'] },
            ...guarded([{ 'personal-access-token': { name: 'web' } }]),
          },
          either: {
            match: { paths: ['/either/*'] },
            ...guarded([
              { auth: { any: [{ 'api-key': {} }, { 'personal-access-token': { name: 'web' } }] } },
            ]),
          },
          told: {
            match: { paths: ['/told/*'] },
            ...guarded([
              { session: { name: 'web' } },
              {
                headers: {
                  request: {
                    set: {
                      authorization: '${principal.method} ${principal.subject} ${principal.issuer}',
                    },
                  },
                },
              },
            ]),
          },
        },
      },
    });
    const alice = new UserAgent(SCRIPT);
    await alice.signIn(`${play.url}/auth/login`, 'alice');
    return { play, alice };
  }

  it('are shown once, name their user, and are taken off what services get', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const made = await create(play, alice, { name: 'laptop', scopes: 'read', expiresIn: '7d' });
    assert.match(made.token, /^pcp_[A-Za-z0-9_-]{43}$/);
    assert.deepEqual([made.name, made.scopes], ['laptop', ['read']]);
    assert.equal(Date.parse(made.expiresAt) - Date.parse(made.createdAt), 7 * 86_400_000);

    const listed = await alice.request(`${play.url}/auth/tokens`);
    const { token, ...shown } = made;
    assert.deepEqual(JSON.parse(listed.body), { tokens: [shown] });
    assert.ok(!listed.body.includes(token));

    const subject = JSON.parse((await alice.request(`${play.url}/auth/user`)).body) as Record<string, string>;
    const told = await call(`${play.url}/told/x`, bearer(token));
    assert.equal(told.body, `personal-access-token ${subject['subject']} ${subject['issuer']}`);
    for (const path of ['api', 'programs', 'either'])
      for (const authorization of [bearer(token), basic(token)])
        for (const method of ['GET', 'POST'])
          assert.deepEqual(await call(`${play.url}/${path}/x`, authorization, method), {
            status: 200,
            code: undefined,
            body: 'none',
          });
  });

  it('are sent by a git that is given them as a password, which it asks for them with', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const { token } = await create(play, alice, { name: 'git' });
    const commit = 'c'.repeat(40);
    const lsRemote = async (path: string, password: string): Promise<string> => {
      const { host } = new URL(play.url);
      const args = [
        '-c',
        'credential.helper=',
        'ls-remote',
        `http://any:${password}@${host}/${path}/repo.git`,
      ];
      const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_CONFIG_NOSYSTEM: '1', HOME: '/nowhere' };
      try {
        return (await promisify(execFile)('git', args, { env, timeout: 10_000 })).stdout;
      } catch (error) {
        return String(error);
      }
    };
    repository = `${commit}\trefs/heads/main\n`;
    for (const path of ['api', 'programs', 'either']) {
      assert.equal(await lsRemote(path, token), repository, path);
      assert.match(await lsRemote(path, UNKNOWN), /Authentication failed/, path);
    }
  });

  const challenges: readonly (readonly [path: string, fields: Record<string, string>, expected: string])[] = [
    [
      'api',
      {},
      'Cookie realm="web", cookie-name="__Host-portcullis", Bearer realm="web", Basic realm="web", charset="UTF-8"',
    ],
    ['programs', {}, 'Bearer realm="web", Basic realm="web", charset="UTF-8"'],
    ['api', { 'sec-fetch-mode': 'cors' }, 'Cookie realm="web", cookie-name="__Host-portcullis"'],
    ['api', { 'x-requested-with': 'fetch' }, 'Cookie realm="web", cookie-name="__Host-portcullis"'],
    ['api', { referer: 'http://app.example.com/' }, 'Cookie realm="web", cookie-name="__Host-portcullis"'],
    ['programs', { origin: 'http://app.example.com' }, 'Bearer realm="web"'],
    [
      'api',
      { authorization: basic(UNKNOWN) },
      'Bearer error="invalid_token", Basic realm="web", charset="UTF-8"',
    ],
    ['api', { authorization: bearer(UNKNOWN) }, 'Bearer error="invalid_token"'],
    ['api', { authorization: basic(UNKNOWN), 'sec-fetch-mode': 'cors' }, 'Bearer error="invalid_token"'],
  ];
  it('are asked for as a password of programs alone: a browser would ask its user', async () => {
    const { play } = await start();
    await using _ = play;
    for (const [path, headers, expected] of challenges) {
      const answer = await new Promise<IncomingMessage>((resolve, reject) =>
        get(`${play.url}/${path}/x`, { headers, agent: false }, resolve).on('error', reject),
      );
      answer.resume();
      assert.deepEqual([answer.statusCode, answer.headers['www-authenticate']], [401, expected]);
    }
  });

  it('are good for their scopes alone', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const reader = await create(play, alice, { name: 'reader', scopes: 'read' });
    const writer = await create(play, alice, { name: 'writer', scopes: 'read write' });
    const none = await create(play, alice, { name: 'none' });
    assert.deepEqual(none.scopes, []);
    const results = [];
    for (const { token } of [reader, writer, none])
      results.push((await call(`${play.url}/write/x`, bearer(token))).status);
    assert.deepEqual(results, [403, 200, 403]);
  });

  it('are refused where they are none, cost no question to the store where they cannot be one, and are no cookies', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const { token, id } = await create(play, alice, { name: 'x' });
    const spare = `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) + 1)}`;
    const rows: [authorization: string, path: string, status: number, code: string][] = [
      [bearer(UNKNOWN), 'api', 401, 'invalid_token'],
      [bearer(UNKNOWN), 'api', 401, 'invalid_token'],
      [bearer(UNKNOWN), 'programs', 401, 'invalid_token'],
      [basic(UNKNOWN), 'either', 401, 'invalid_token'],
      [bearer('pcp_'), 'api', 401, 'invalid_token'],
      [bearer(`${token}A`), 'api', 401, 'invalid_token'],
      [bearer(token.slice(0, -1)), 'api', 401, 'invalid_token'],
      [bearer(spare), 'api', 401, 'invalid_token'],
      [bearer(token.toUpperCase()), 'api', 401, 'unauthenticated'],
      [bearer(`v1.${token.slice(4)}`), 'api', 401, 'unauthenticated'],
      [bearer(id), 'api', 401, 'unauthenticated'],
      [`Token ${token}`, 'api', 401, 'unauthenticated'],
      [bearer('x'.repeat(5000)), 'programs', 401, 'unauthenticated'],
      ['', 'programs', 401, 'unauthenticated'],
    ];
    for (const [authorization, path, status, code] of rows) {
      const answer = await call(`${play.url}/${path}/x`, authorization);
      assert.deepEqual([answer.status, answer.code], [status, code], `${authorization} ${path}`);
    }
    const session = alice.cookie(play.url, SESSION) ?? '';
    assert.equal((await call(`${play.url}/api/x`, bearer(session))).status, 401);
    for (const value of [token, `v1.${token.slice(4)}`]) {
      const thief = new UserAgent({ ...SCRIPT, cookie: `${SESSION}=${value}` });
      assert.equal((await thief.request(`${play.url}/api/x`)).status, 401);
    }
    // Browsers remember passwords, and send them whoever made the request.
    const elsewhere = new UserAgent({
      ...SCRIPT,
      'sec-fetch-site': 'cross-site',
      authorization: basic(token),
    });
    const forged = await elsewhere.request(`${play.url}/api/x`);
    assert.deepEqual([forged.status, codeOf(forged)], [403, 'csrf_rejected']);
    // A cookie does not make a route for programs one for browsers.
    assert.equal((await alice.request(`${play.url}/programs/x`)).status, 401);
  });

  it('are made, listed and deleted by pages of the own origin alone, as far as the configuration goes', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const url = `${play.url}/auth/tokens`;
    const { id } = await create(play, alice, { name: 'first' });
    const cross = { 'sec-fetch-site': 'cross-site' };
    const untold = { 'sec-fetch-site': '', 'sec-fetch-mode': '' };
    const ask = (form: Record<string, string>, fields?: Record<string, string>) =>
      alice.request(url, { form, ...(fields && { fields }) });
    const nobody = new UserAgent(SCRIPT);
    const { token } = await create(play, alice, { name: 'second' });
    const rows: [what: string, answer: PageAnswer, status: number, code: string][] = [
      ['no name', await ask({}), 400, 'invalid_request'],
      ['a long name', await ask({ name: 'x'.repeat(101) }), 400, 'invalid_request'],
      ['a name with a control character', await ask({ name: 'a\u0007b' }), 400, 'invalid_request'],
      ['a scope that is none', await ask({ name: 'x', scopes: 'read admin' }), 400, 'invalid_scope'],
      ['too long', await ask({ name: 'x', expiresIn: '31d' }), 400, 'invalid_request'],
      ['no time', await ask({ name: 'x', expiresIn: '0' }), 400, 'invalid_request'],
      ['no time at all', await ask({ name: 'x', expiresIn: 'soon' }), 400, 'invalid_request'],
      ['a provider that is none', await ask({ name: 'x', grants: 'other' }), 400, 'invalid_request'],
      [
        'a way back elsewhere',
        await alice.request(`${url}?redirect=https://evil.example`, { form: { name: 'x' } }),
        400,
        'invalid_redirect',
      ],
      ['another site', await ask({ name: 'x' }, cross), 403, 'csrf_rejected'],
      ['nothing tells who sent it', await ask({ name: 'x' }, untold), 403, 'csrf_rejected'],
      ['nobody', await nobody.request(url, { form: { name: 'x' } }), 401, 'unauthenticated'],
      ['nobody asks', await nobody.request(url), 401, 'unauthenticated'],
      ['another site asks', await alice.request(url, { fields: cross }), 401, 'unauthenticated'],
      [
        'a token makes none',
        await nobody.request(url, { form: { name: 'x' }, fields: { authorization: bearer(token) } }),
        401,
        'unauthenticated',
      ],
      [
        'another site deletes',
        await alice.request(`${url}/${id}`, { method: 'DELETE', fields: cross }),
        403,
        'csrf_rejected',
      ],
      ['nobody deletes', await nobody.request(`${url}/${id}`, { method: 'DELETE' }), 401, 'unauthenticated'],
      ['one that is none', await alice.request(`${url}/nothing`, { method: 'DELETE' }), 404, 'not_found'],
    ];
    for (const [what, answer, status, code] of rows)
      assert.deepEqual([answer.status, codeOf(answer)], [status, code], what);

    const bob = new UserAgent(SCRIPT);
    await bob.signIn(`${play.url}/auth/login`, 'bob');
    assert.deepEqual(JSON.parse((await bob.request(url)).body), { tokens: [] });
    assert.equal((await bob.request(`${url}/${id}`, { method: 'DELETE' })).status, 404);
    assert.equal((await call(`${play.url}/api/x`, bearer(token))).status, 200);

    await create(play, alice, { name: 'third' });
    const fourth = await alice.request(url, { form: { name: 'fourth' } });
    assert.deepEqual([fourth.status, codeOf(fourth)], [409, 'too_many_tokens']);
    assert.equal((await alice.request(`${url}/${id}`, { method: 'DELETE' })).status, 204);
    await create(play, alice, { name: 'fourth' });
    const listed = JSON.parse((await alice.request(url)).body) as { tokens: Token[] };
    assert.deepEqual(listed.tokens.map(({ name }) => name).sort(), ['fourth', 'second', 'third']);
  });

  it('are made by no provider’s token, and are shown to no provider', async () => {
    const { play, alice } = await start({
      session: { recognise: ['cookie', 'bearer'], keys: ['a key of tests that is long enough'] },
    });
    await using _ = play;
    const { token, connect } = await create(play, alice, { name: 'x', grants: 'second' });
    await alice.signIn(connect ?? '', 'alice');
    const injected = await call(`${play.url}/second/x`, bearer(token));
    const granted = injected.body.slice('Bearer '.length);
    // What was granted to the token does not open what the token opens.
    assert.equal((await call(`${play.url}/api/x`, bearer(granted))).status, 401);
    const program = new UserAgent({ ...SCRIPT, authorization: bearer(token) });
    const asked = play.provider('first').requests.length;
    for (const [path, status] of Object.entries({ user: 200, tokens: 401 }))
      assert.equal((await program.request(`${play.url}/auth/${path}`)).status, status);
    assert.equal(play.provider('first').requests.length, asked);
  });

  it('do not exist where the sessions have none', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const alice = new UserAgent(SCRIPT);
    await alice.signIn(`${play.url}/auth/login`, 'alice');
    for (const [path, method] of [
      ['tokens', 'GET'],
      ['tokens', 'POST'],
      ['tokens/x', 'DELETE'],
    ] as const)
      assert.equal((await alice.request(`${play.url}/auth/${path}`, { method })).status, 404);
  });

  it('outlive the session that made them and its logout, and end themselves', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const { token } = await create(play, alice, { name: 'x' });
    assert.equal((await alice.request(`${play.url}/auth/logout`, { method: 'POST' })).status, 204);
    assert.equal((await alice.request(`${play.url}/api/x`)).status, 401);
    assert.equal((await call(`${play.url}/api/x`, bearer(token))).status, 200);
    const logout = `${play.url}/auth/logout`;
    // Browsers send passwords by themselves, so that another site could end it.
    assert.deepEqual((await call(logout, basic(token), 'POST')).code, 'csrf_rejected');
    assert.equal((await call(`${play.url}/api/x`, bearer(token))).status, 200);
    assert.equal((await call(logout, bearer(token), 'POST')).status, 204);
    assert.equal((await call(`${play.url}/api/x`, bearer(token))).code, 'invalid_token');
    assert.equal((await call(logout, bearer(token), 'POST')).code, 'invalid_token');
    await alice.signIn(`${play.url}/auth/login`, 'alice');
    assert.deepEqual(JSON.parse((await alice.request(`${play.url}/auth/tokens`)).body), { tokens: [] });
  });

  it('have no grants but those that their user gets for them, and those outlive the session too', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const plain = await create(play, alice, { name: 'plain' });
    for (const path of ['second', 'injected'])
      assert.deepEqual(
        { ...(await call(`${play.url}/${path}/x`, bearer(plain.token))), body: '' },
        { status: 401, code: 'grant_required', body: '' },
      );
    const made = await create(play, alice, { name: 'granted', grants: 'first second' }, '?redirect=/done');
    const end = await alice.signIn(made.connect ?? '', 'alice');
    assert.deepEqual([end.url, end.status], [`${play.url}/done`, 200]);
    assert.equal((await alice.request(`${play.url}/auth/logout`, { method: 'POST' })).status, 204);
    for (const path of ['second', 'injected']) {
      const { status, body } = await call(`${play.url}/${path}/x`, bearer(made.token));
      assert.equal(status, 200);
      assert.match(body, /^Bearer (?!pcp_)\S+$/);
    }
    assert.equal((await call(`${play.url}/second/x`, bearer(plain.token))).code, 'grant_required');
  });

  it('get no grants of somebody else', async () => {
    const { play, alice } = await start();
    await using _ = play;
    const made = await create(play, alice, { name: 'x', grants: 'first' });
    // Bob has what the gateway gave Alice's browser, and none of what the providers did.
    const cookies = [...(alice.cookies.get('127.0.0.1') ?? [])];
    const bob = new UserAgent(SCRIPT);
    bob.cookies.set('127.0.0.1', new Map(cookies.filter(([name]) => name.includes('portcullis'))));
    const end = await bob.signIn(made.connect ?? '', 'bob');
    assert.deepEqual([end.status, codeOf(end)], [403, 'other_user']);
  });

  it('work on every node, end on all at once, and no byte of them is in the store', async () => {
    const redis = await openRedis();
    try {
      const { play, alice } = await start(
        { session: { keys: ['a key of tests that is long enough'] } },
        { state: { redis: { url: redis.url, prefix: redis.prefix, recordsTimeout: '5s' } } },
      );
      await using _ = play;
      const node = await play.startNode();
      const kept = await create(play, alice, { name: 'the-name-of-it' });
      const made = await create(play, alice, { name: 'granted', grants: 'second' });
      await alice.signIn(made.connect ?? '', 'alice');
      const { body: granted } = await call(`${node.url}/second/x`, bearer(made.token));
      assert.match(granted, /^Bearer \S+$/);
      for (const { token } of [kept, made])
        for (const url of [play.url, node.url])
          assert.equal((await call(`${url}/api/x`, bearer(token))).status, 200);

      const dump = await dumpOf(redis);
      assert.ok(dump.length > 1000);
      for (const secret of [
        kept.token,
        made.token,
        kept.token.slice(4),
        made.token.slice(4),
        Buffer.from(made.token.slice(4), 'base64url').toString('latin1'),
        granted.slice('Bearer '.length),
        'the-name-of-it',
        'alice',
      ])
        assert.ok(!dump.includes(secret), `the store tells ${secret}`);

      const deleted = await alice.request(`${play.url}/auth/tokens/${made.id}`, { method: 'DELETE' });
      assert.equal(deleted.status, 204);
      assert.equal((await call(`${play.url}/api/x`, bearer(made.token))).code, 'invalid_token');
      await until(async () => (await call(`${node.url}/api/x`, bearer(made.token))).status === 401);
      assert.equal((await call(`${node.url}/api/x`, bearer(kept.token))).status, 200);
      assert.equal((await call(`${node.url}/auth/logout`, bearer(kept.token), 'POST')).status, 204);
      await until(async () => (await call(`${play.url}/api/x`, bearer(kept.token))).status === 401);
      const left = (await redis.send('KEYS', `${redis.prefix}*`)) as string[];
      for (const { id } of [kept, made])
        assert.deepEqual(
          left.filter((key) => key.includes(id)),
          [],
        );
    } finally {
      await redis.close();
    }
  });
});

async function create(
  play: LoginPlay,
  agent: UserAgent,
  form: Record<string, string>,
  query = '',
): Promise<Token> {
  const answer = await agent.request(`${play.url}/auth/tokens${query}`, { form });
  assert.equal(answer.status, 201, answer.body);
  assert.equal(answer.headers.get('cache-control'), 'no-store');
  return JSON.parse(answer.body) as Token;
}

async function call(
  url: string,
  authorization: string,
  method = 'GET',
): Promise<{ readonly status: number; readonly code: string | undefined; readonly body: string }> {
  const headers: Record<string, string> = authorization === '' ? {} : { authorization };
  const answer = await fetch(url, { method, headers, redirect: 'manual' });
  const body = await answer.text();
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
  const code = isProblem ? (JSON.parse(body) as { code?: string }).code : undefined;
  return { status: answer.status, code, body };
}

function bearer(token: string): string {
  return `Bearer ${token}`;
}

/** As git sends it. */
function basic(token: string): string {
  return `Basic ${Buffer.from(`git:${token}`).toString('base64')}`;
}

/** Every byte that is stored, as latin1. */
async function dumpOf(redis: Awaited<ReturnType<typeof openRedis>>): Promise<string> {
  const pieces: string[] = [];
  for (const key of (await redis.send('KEYS', `${redis.prefix}*`)) as string[]) {
    const type = String(await redis.send('TYPE', key));
    const read: Record<string, string[]> = {
      string: ['GET', key],
      hash: ['HGETALL', key],
      set: ['SMEMBERS', key],
      zset: ['ZRANGE', key, '0', '-1', 'WITHSCORES'],
    };
    pieces.push(key, JSON.stringify(await redis.send(...(read[type] ?? assert.fail(`a ${type}`)))));
  }
  return pieces.join('\n');
}

/** News between nodes takes a message; longer than the test's own time is a failure. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 2000;
  while (!(await isSo())) assert.ok(Date.now() < endMs, 'it did not come to be so within two seconds');
}
