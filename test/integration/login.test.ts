import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  codeOf,
  grantsOf,
  LoginPlay,
  SCRIPT,
  SESSION,
  title,
  untilCallback,
  whoIs,
} from '../support/login-play.ts';
import { type PageAnswer, UserAgent } from '../support/user-agent.ts';

describe('a login', () => {
  it('walks through the providers in their order and returns to where the user was', async () => {
    await using play = await LoginPlay.start();
    const agent = new UserAgent();
    const page = await agent.signIn(
      `${play.url}/auth/login?redirect=${encodeURIComponent('/projects?tab=2&q=a%20b')}`,
      'alice',
    );
    assert.deepEqual([page.url, page.status, page.body], [`${play.url}/projects?tab=2&q=a%20b`, 200, 'home']);
    const origins = agent.visited.map((url) => new URL(url).origin);
    const [first, second] = [play.provider('first').issuer, play.provider('second').issuer];
    assert.deepEqual(
      origins.filter((origin, at) => origin !== origins[at - 1]),
      [play.url, first, play.url, second, play.url],
    );
    const { claims, createdAt, endsAt, ...user } = await whoIs(play, agent);
    assert.deepEqual(
      { ...user, grants: grantsOf(user) },
      { subject: 'alice', issuer: first, grants: { first: true, second: true } },
    );
    assert.equal((claims as Record<string, unknown>)['email'], 'alice@example.com');
    assert.equal(Date.parse(String(endsAt)) - Date.parse(String(createdAt)), 12 * 3_600_000);
  });

  it('is open to nobody in particular where every other route asks who calls', async () => {
    const policies = [{ session: { name: 'web' } }, { authorize: { default: 'authenticated' } }];
    await using play = await LoginPlay.start({ config: { policies } });
    const page = await new UserAgent().signIn(`${play.url}/projects`, 'alice');
    assert.deepEqual([page.url, page.status, page.body], [`${play.url}/projects`, 200, 'home']);
  });

  it('tells nothing of tokens, and lets nobody keep or frame its answers', async () => {
    await using play = await LoginPlay.start();
    const agent = new UserAgent();
    const answers: PageAnswer[] = [];
    const answer = await agent.request(`${play.url}/auth/login`);
    await agent.submit(await agent.follow(answer), { username: 'alice', password: 'alice' });
    await agent.signIn(`${play.url}/auth/login?prompt=login`, 'alice');
    for (const path of ['/auth/user', '/auth/login?redirect=//x', '/auth/callback?state=x', '/auth/none'])
      answers.push(await agent.request(play.url + path));
    for (const { headers, url } of [answer, ...answers]) {
      assert.equal(headers.get('cache-control'), 'no-store', url);
      assert.equal(headers.get('x-frame-options'), 'DENY', url);
      assert.equal(headers.get('referrer-policy'), 'same-origin', url);
      assert.equal(headers.get('x-content-type-options'), 'nosniff', url);
    }
    const described = answers[0]?.body ?? '';
    assert.deepEqual(Object.keys((JSON.parse(described) as { grants: object[] }).grants[0] ?? {}), [
      'provider',
      'connected',
      'scopes',
      'expiresAt',
    ]);
  });

  it('sends state, nonce and a challenge to the provider, other ones each time', async () => {
    await using play = await LoginPlay.start();
    const agent = new UserAgent();
    const asked = async (): Promise<URLSearchParams> => {
      const { headers, status } = await agent.request(`${play.url}/auth/login`);
      assert.equal(status, 303);
      return new URL(headers.get('location') ?? '').searchParams;
    };
    const [one, other] = [await asked(), await asked()];
    for (const name of ['state', 'nonce', 'code_challenge']) {
      assert.match(one.get(name) ?? '', /^[A-Za-z0-9_-]{43}$/);
      assert.notEqual(one.get(name), other.get(name));
    }
    assert.equal(one.get('code_challenge_method'), 'S256');
    assert.equal(one.get('redirect_uri'), `${play.url}/auth/callback`);
  });

  it('sets cookies that only the gateway gets, and that no script sees', async () => {
    await using play = await LoginPlay.start({
      providers: { first: {} },
      config: { listeners: { main: { port: 8080, forwarding: { trust: ['127.0.0.1'] } } } },
    });
    const agent = new UserAgent();
    const begun = await agent.request(`${play.url}/auth/login`);
    assert.match(
      begun.headers.getSetCookie()[0] ?? '',
      /^http-portcullis-flow-[\w-]{8}=v1\.[\w-]{43}; Max-Age=600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const viaTls = await agent.request(`${play.gateway.url}/auth/login`, {
      fields: { host: 'app.example.com', 'x-forwarded-proto': 'https' },
    });
    assert.match(
      viaTls.headers.getSetCookie()[0] ?? '',
      /^__Host-portcullis-flow-[\w-]{8}=v1\.[\w-]{43}; Max-Age=600; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    const insecure = await agent.request(`${play.gateway.url}/auth/login`, {
      fields: { ...SCRIPT, host: 'app.example.com' },
    });
    assert.deepEqual([insecure.status, codeOf(insecure)], [400, 'insecure_login']);
  });

  it('gives the browser a session that nobody can have known before, and ends the one that it had', async () => {
    await using play = await LoginPlay.start();
    const attacker = new UserAgent();
    await attacker.signIn(`${play.url}/auth/login`, 'bob');
    const planted = attacker.cookie(play.url, SESSION) ?? '';
    const victim = new UserAgent();
    victim.cookies.set('127.0.0.1', new Map([[SESSION, planted]]));
    await victim.signIn(`${play.url}/auth/login?prompt=login`, 'alice');
    assert.notEqual(victim.cookie(play.url, SESSION), planted);
    assert.equal((await whoIs(play, victim))['subject'], 'alice');
    assert.equal((await attacker.request(`${play.url}/auth/user`)).status, 401);
  });

  it('skips providers that the session has a grant of, unless it is to ask again', async () => {
    await using play = await LoginPlay.start();
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const session = agent.cookie(play.url, SESSION);
    agent.visited.length = 0;
    const page = await agent.go(`${play.url}/auth/login?redirect=/here`);
    assert.deepEqual(
      [page.url, agent.visited.length, agent.cookie(play.url, SESSION)],
      [`${play.url}/here`, 2, session],
    );
    const again = await agent.go(`${play.url}/auth/login?prompt=login`);
    assert.match(again.body, /name="password"/);
  });

  it('lets several tabs be under way at once', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    const tabs = await Promise.all(
      ['/a', '/b', '/c'].map((path) => agent.request(`${play.url}/auth/login?redirect=${path}`)),
    );
    const pages: string[] = [];
    assert.equal(
      [...(agent.cookies.get('127.0.0.1') ?? [])].filter(([name]) => name.includes('-flow-')).length,
      3,
    );
    for (const tab of tabs.reverse()) {
      let page = await agent.follow(tab);
      if (page.body.includes('name="password"'))
        page = await agent.submit(page, { username: 'alice', password: 'alice' });
      pages.push(page.url.slice(play.url.length));
    }
    assert.deepEqual(pages, ['/c', '/b', '/a']);
    assert.deepEqual(
      [...(agent.cookies.get('127.0.0.1') ?? [])].filter(([name]) => name.includes('-flow-')),
      [],
    );
  });

  it('goes on from a page of its own where the cookie does not come along from other sites', async () => {
    await using play = await LoginPlay.start({
      providers: { first: {} },
      session: { cookie: { sameSite: 'strict' } },
    });
    const agent = new UserAgent();
    const page = await agent.signIn(`${play.url}/auth/login?redirect=/here`, 'alice');
    assert.deepEqual([page.status, page.headers.get('refresh')], [200, '0;url=/here']);
    assert.equal((await whoIs(play, agent))['subject'], 'alice');
  });

  const redirects = [
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '/%09/evil.example',
    'javascript:alert(1)',
  ];
  for (const redirect of redirects)
    it(`does not return to ${redirect}, by login, connect or logout`, async () => {
      await using play = await LoginPlay.start({ providers: { first: {} } });
      const agent = new UserAgent();
      for (const page of ['login', 'connect/first', 'logout']) {
        const text = redirect.includes('%') ? redirect : encodeURIComponent(redirect);
        const answer = await agent.request(`${play.url}/auth/${page}?redirect=${text}`, { fields: SCRIPT });
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'invalid_redirect']);
        assert.deepEqual(answer.headers.getSetCookie(), []);
      }
    });

  it('keeps no more than ten ways to a provider of one browser', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    for (let begun = 0; begun < 25; begun++) await agent.request(`${play.url}/auth/login`);
    assert.equal(agent.cookies.get('127.0.0.1')?.size, 10);
    const page = await agent.signIn(`${play.url}/auth/login?redirect=/here`, 'alice');
    assert.equal(page.url, `${play.url}/here`);
  });

  it('returns to an allowed origin', async () => {
    await using play = await LoginPlay.start({
      providers: { first: {} },
      session: { origins: ['https://spa.example.com'] },
    });
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const { headers } = await agent.request(`${play.url}/auth/login?redirect=https://spa.example.com/in%3Fx`);
    assert.equal(headers.get('location'), 'https://spa.example.com/in?x');
  });
});

describe('a grant of one more provider', () => {
  const options = {
    providers: { first: {}, second: {} },
    session: { login: ['first'], connect: ['second'] },
  };

  it('is added to the session that is there', async () => {
    await using play = await LoginPlay.start(options);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const session = agent.cookie(play.url, SESSION);
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: false });
    const page = await agent.signIn(`${play.url}/auth/connect/second?redirect=/there?a=b`, 'bob');
    assert.equal(page.url, `${play.url}/there?a=b`);
    const user = await whoIs(play, agent);
    assert.deepEqual([user['subject'], grantsOf(user)], ['alice', { first: true, second: true }]);
    assert.equal(agent.cookie(play.url, SESSION), session);
  });

  it('is asked for after the login where nobody is signed in', async () => {
    await using play = await LoginPlay.start(options);
    const agent = new UserAgent();
    const page = await agent.signIn(`${play.url}/auth/connect/second?redirect=/there`, 'alice');
    assert.equal(page.url, `${play.url}/there`);
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: true });
  });

  it('is given up on request, which other sites cannot make', async () => {
    await using play = await LoginPlay.start(options);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/connect/second`, 'alice');
    const post = (fields: Record<string, string>): Promise<PageAnswer> =>
      agent.request(`${play.url}/auth/disconnect/second`, {
        method: 'POST',
        fields: { ...SCRIPT, ...fields },
      });
    for (const fields of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'sec-fetch-site': 'cross-site', origin: 'null' },
    ]) {
      const refused = await post(fields as Record<string, string>);
      assert.deepEqual([refused.status, codeOf(refused)], [403, 'csrf_rejected']);
    }
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: true });
    assert.equal((await post({})).status, 204);
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: false });
  });

  it('does not reach another session than the one that it was begun in', async () => {
    await using play = await LoginPlay.start(options);
    const agent = new UserAgent();
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    const begun = await agent.request(`${play.url}/auth/connect/second`);
    await agent.request(`${play.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
    const page = await agent.submit(await agent.follow(begun), { username: 'alice', password: 'alice' });
    assert.deepEqual([page.status, title(page)], [400, 'This login is over']);
    assert.match(page.body, /href="\/auth\/login\?redirect=%2F"/);
  });

  it('is not to be had of a provider that the sessions do not have', async () => {
    await using play = await LoginPlay.start(options);
    for (const name of ['third', '__proto__', 'constructor', '%2e%2e']) {
      const answer = await new UserAgent(SCRIPT).request(`${play.url}/auth/connect/${name}`);
      assert.equal(answer.status, 404, name);
    }
  });
});

describe('the way back from a provider', () => {
  const cases: readonly [
    what: string,
    play: (play: LoginPlay, agent: UserAgent, callback: URL) => Promise<PageAnswer>,
    expected: readonly [status: number, code: string],
  ][] = [
    [
      'without state',
      (_, agent, url) => change(agent, url, ({ searchParams }) => searchParams.delete('state')),
      [400, 'login_invalid'],
    ],
    [
      'with a state that nobody made',
      (_, agent, url) => change(agent, url, ({ searchParams }) => searchParams.set('state', 'A'.repeat(43))),
      [400, 'login_invalid'],
    ],
    [
      'with two states',
      (_, agent, url) => change(agent, url, ({ searchParams }) => searchParams.append('state', 'x')),
      [400, 'login_invalid'],
    ],
    [
      'with a state of great length',
      (_, agent, url) =>
        change(agent, url, ({ searchParams }) => searchParams.set('state', 'A'.repeat(3000))),
      [400, 'login_invalid'],
    ],
    [
      'without the cookie of its beginning',
      (_, agent, url) => {
        agent.cookies.clear();
        return change(agent, url);
      },
      [400, 'login_invalid'],
    ],
    [
      'in another browser, which has begun a login too',
      async (play, _, url) => {
        const other = new UserAgent(SCRIPT);
        await other.request(`${play.url}/auth/login`);
        return change(other, url);
      },
      [400, 'login_invalid'],
    ],
    [
      'with a cookie that is tampered with',
      (_, agent, url) => {
        const jar = agent.cookies.get('127.0.0.1');
        const [name = '', value = ''] = [...(jar ?? [])].find(([key]) => key.includes('-flow-')) ?? [];
        jar?.set(name, `${value.slice(0, -2)}${value.endsWith('AA') ? 'BB' : 'AA'}`);
        return change(agent, url);
      },
      [400, 'login_invalid'],
    ],
    [
      'for the second time',
      async (_, agent, url) => {
        await change(agent, url);
        return change(agent, url);
      },
      [400, 'login_invalid'],
    ],
    [
      'with a code that the provider did not give',
      (_, agent, url) => change(agent, url, ({ searchParams }) => searchParams.set('code', 'x')),
      [403, 'login_refused'],
    ],
    [
      'from another issuer',
      (_, agent, url) =>
        change(agent, url, ({ searchParams }) => searchParams.set('iss', 'https://evil.example')),
      [403, 'login_refused'],
    ],
    [
      'without an issuer, which the provider always says',
      (_, agent, url) => change(agent, url, ({ searchParams }) => searchParams.delete('iss')),
      [403, 'login_refused'],
    ],
    [
      'after the user said no',
      (_, agent, url) =>
        change(agent, url, ({ searchParams }) => {
          searchParams.delete('code');
          searchParams.set('error', 'access_denied');
        }),
      [403, 'access_denied'],
    ],
    [
      'after the provider failed by its own word',
      (_, agent, url) =>
        change(agent, url, ({ searchParams }) => {
          searchParams.delete('code');
          searchParams.set('error', 'temporarily_unavailable');
        }),
      [503, 'provider_unavailable'],
    ],
    [
      'while the provider is down',
      async (play, agent, url) => {
        await play.provider('first').stop();
        return change(agent, url);
      },
      [503, 'provider_unavailable'],
    ],
    [
      'while the provider fails',
      (play, agent, url) => {
        play.provider('first').failures['/token'] = 500;
        return change(agent, url);
      },
      [503, 'provider_unavailable'],
    ],
  ];
  for (const [what, act, expected] of cases)
    it(`${what} is refused, and nobody is signed in`, async () => {
      await using play = await LoginPlay.start({ providers: { first: {} } });
      const agent = new UserAgent(SCRIPT);
      const callback = await untilCallback(play, agent);
      const before = agent.cookie(play.url, SESSION);
      const answer = await act(play, agent, callback);
      assert.deepEqual([answer.status, codeOf(answer)], expected, answer.body);
      if (what !== 'for the second time') assert.equal(agent.cookie(play.url, SESSION), before);
      const code = callback.searchParams.get('code') ?? '';
      assert.ok(!answer.body.includes(code), 'the answer has the code');
      const logged = JSON.stringify([play.gateway.log, play.gateway.requests]);
      assert.ok(!logged.includes(code), 'the log has the code');
    });

  it('that is gone again leads on where somebody is signed in, and begins nothing', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    const callback = await untilCallback(play, agent);
    await agent.request(callback.href);
    const session = agent.cookie(play.url, SESSION);
    const again = await agent.request(callback.href);
    assert.deepEqual([again.status, again.headers.get('location')], [303, '/']);
    assert.equal(agent.cookie(play.url, SESSION), session);
    const page = await new UserAgent().request(callback.href);
    assert.deepEqual([page.status, title(page)], [400, 'This login is over']);
  });

  it('leads to where the user was where nobody was to be asked, and somebody would have to be', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    const page = await agent.go(`${play.url}/auth/login?prompt=none&redirect=/here`);
    assert.deepEqual([page.url, page.body], [`${play.url}/here`, 'home']);
    assert.equal((await agent.request(`${play.url}/auth/user`)).status, 401);
    await agent.signIn(`${play.url}/auth/login`, 'alice');
    assert.equal(
      (await agent.go(`${play.url}/auth/login?prompt=none&redirect=/here`)).url,
      `${play.url}/here`,
    );
    assert.equal((await whoIs(play, agent))['subject'], 'alice');
  });

  it('shows people a page with a link to try again, which leads to where they wanted to go', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    const callback = await untilCallback(play, agent, '/projects?x=<1>'.replace('<1>', '1'));
    await play.provider('first').stop();
    const page = await agent.request(callback.href);
    assert.deepEqual([page.status, title(page)], [503, 'Not at the moment']);
    await play.provider('first').start();
    const href = /href="([^"]*)">Try again/.exec(page.body)?.[1]?.replaceAll('&amp;', '&') ?? '';
    const end = await agent.signIn(play.url + href, 'alice');
    assert.equal(end.url, `${play.url}/projects?x=1`);
  });

  it('does not use up the login of the browser that began it where another one knows its state', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    const agent = new UserAgent();
    const callback = await untilCallback(play, agent);
    const other = new UserAgent(SCRIPT);
    await other.request(`${play.url}/auth/login`);
    assert.equal((await other.request(callback.href)).status, 400);
    assert.equal((await agent.follow(await agent.request(callback.href))).body, 'home');
  });

  it('leaves what was reached where a later provider is away: the user is signed in and may go on', async () => {
    await using play = await LoginPlay.start();
    await play.provider('second').stop();
    const agent = new UserAgent();
    const page = await agent.signIn(`${play.url}/auth/login?redirect=/here`, 'alice');
    assert.deepEqual([page.status, title(page)], [503, 'Not at the moment']);
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: false });
    await play.provider('second').start();
    // After a failure a provider is not asked again at once.
    let end = page;
    for (let tries = 0; end.status === 503 && tries < 20; tries++) {
      await delay(250);
      end = await agent.signIn(`${play.url}/auth/login?redirect=/here`, 'alice');
    }
    assert.equal(end.url, `${play.url}/here`);
    assert.deepEqual(grantsOf(await whoIs(play, agent)), { first: true, second: true });
  });
});

async function change(
  agent: UserAgent,
  callback: URL,
  edit: (url: URL) => void = () => {},
): Promise<PageAnswer> {
  const url = new URL(callback);
  edit(url);
  return agent.request(url.href);
}
