import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  backFrom,
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

/**
 * Attacks on a login and on its session, one by one. Those on tokens (alg none, HS for RS, kid, jku, expired, another audience, huge) are in
 * bearer-tokens.test.ts and src/policies/jwt/attacks.test.ts; those on logout and back-channel logout in logout.test.ts, on devices in
 * device-login.test.ts.
 */
const KEY = 'a-key-of-the-gateway-in-tests-alone-1';
const OTHER_KEY = 'a-key-of-the-gateway-in-tests-alone-2';
const HOST = '127.0.0.1';

type Attack = readonly [
  what: string,
  attack: (play: LoginPlay, victim: UserAgent) => Promise<PageAnswer>,
  expected: readonly [status: number, code: string],
];

const INVALID = [400, 'login_invalid'] as const;
const REFUSED = [403, 'login_refused'] as const;

const ON_THE_WAY_BACK: readonly Attack[] = [
  [
    'a state that was used',
    async (play, victim) => {
      const url = await untilCallback(play, victim);
      await come(victim, url);
      return come(victim, url);
    },
    INVALID,
  ],
  [
    'a state that was used, with the cookie of its way put back',
    async (play, victim) => {
      const url = await untilCallback(play, victim);
      const cookies = new Map(victim.cookies.get(HOST));
      await come(victim, url);
      victim.cookies.set(HOST, cookies);
      return come(victim, url);
    },
    INVALID,
  ],
  [
    'a state whose way ended with an error of the provider',
    async (play, victim) => {
      const url = await untilCallback(play, victim);
      const cookies = new Map(victim.cookies.get(HOST));
      await come(victim, url, ({ searchParams }) => {
        searchParams.delete('code');
        searchParams.set('error', 'temporarily_unavailable');
      });
      victim.cookies.set(HOST, cookies);
      return come(victim, url);
    },
    INVALID,
  ],
  [
    'a state that nobody made',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) =>
        searchParams.set('state', 'A'.repeat(43)),
      ),
    INVALID,
  ],
  [
    'the state of another tab',
    async (play, victim) => {
      const other = new URL((await victim.request(`${play.url}/auth/login`)).headers.get('location') ?? '');
      const url = await untilCallback(play, victim);
      return come(victim, url, ({ searchParams }) =>
        searchParams.set('state', other.searchParams.get('state') ?? ''),
      );
    },
    REFUSED,
  ],
  [
    'the state of an attacker with the code of the victim',
    async (play, victim) => {
      const attacker = new UserAgent();
      const theirs = await untilCallback(play, attacker);
      await victim.request(`${play.url}/auth/login`);
      return come(victim, theirs);
    },
    INVALID,
  ],
  [
    'no state',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) => searchParams.delete('state')),
    INVALID,
  ],
  [
    'an empty state',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) => searchParams.set('state', '')),
    INVALID,
  ],
  [
    'two states, of which one is right',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) =>
        searchParams.append('state', 'B'.repeat(43)),
      ),
    INVALID,
  ],
  [
    'no cookie',
    async (play, victim) => {
      const url = await untilCallback(play, victim);
      victim.cookies.clear();
      return come(victim, url);
    },
    INVALID,
  ],
  [
    'the address of an attacker’s way, in the browser of a victim',
    async (play, victim) => come(victim, await untilCallback(play, new UserAgent())),
    INVALID,
  ],
  [
    'the cookie of a way to other sessions',
    async (play, victim) => {
      const begun = await victim.request(`${play.url}/admin/login`);
      const state = new URL(begun.headers.get('location') ?? '').searchParams.get('state') ?? '';
      const cookies = victim.cookies.get(HOST);
      for (const [name, value] of [...(cookies ?? [])])
        cookies?.set(name.replace('http-admin', 'http-portcullis'), value);
      return victim.request(`${play.url}/auth/callback?state=${state}&code=x`, { fields: SCRIPT });
    },
    INVALID,
  ],
  [
    'an answer that says it is another provider’s',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) =>
        searchParams.set('iss', play.provider('second').issuer),
      ),
    REFUSED,
  ],
  [
    'an answer that does not say whose it is',
    async (play, victim) =>
      come(victim, await untilCallback(play, victim), ({ searchParams }) => searchParams.delete('iss')),
    REFUSED,
  ],
  [
    'a code of another browser',
    async (play, victim) => {
      const theirs = await untilCallback(play, new UserAgent());
      return come(victim, await untilCallback(play, victim), ({ searchParams }) =>
        searchParams.set('code', theirs.searchParams.get('code') ?? ''),
      );
    },
    REFUSED,
  ],
  ...(
    [
      ['two codes', 'code', 'x'],
      ['an answer as a token (JARM)', 'response', 'a.b.c'],
      ['an ID token in its query', 'id_token', 'a.b.c'],
      ['an access token in its query', 'token', 'x'],
      ['an error beside its code', 'error', '<script>alert(1)</script>'],
    ] as const
  ).map(
    ([what, name, value]): Attack => [
      what,
      async (play, victim) =>
        come(victim, await untilCallback(play, victim), ({ searchParams }) =>
          searchParams.append(name, value),
        ),
      REFUSED,
    ],
  ),
  [
    'a code of a login whose challenge was taken away (PKCE downgrade)',
    async (play, victim) => {
      const begun = new URL((await victim.request(`${play.url}/auth/login`)).headers.get('location') ?? '');
      for (const name of ['code_challenge', 'code_challenge_method']) begun.searchParams.delete(name);
      return come(victim, await backFrom(victim, begun.href));
    },
    REFUSED,
  ],
  [
    'an answer in the body, as another response_mode has it',
    async (play, victim) => {
      const { origin, pathname, searchParams } = await untilCallback(play, victim);
      return victim.request(origin + pathname, { form: Object.fromEntries(searchParams) });
    },
    [405, 'method_not_allowed'],
  ],
];

it('The way back from a provider shows and logs nothing of what was put into it', async () => {
  await using play = await LoginPlay.start({ providers: { first: {} } });
  const victim = new UserAgent();
  const url = await untilCallback(play, victim);
  url.searchParams.delete('code');
  url.searchParams.set('error', `<script>alert(1)</script>\nforged line${'x'.repeat(500)}`);
  url.searchParams.set('error_description', '<img src=x onerror=alert(1)>');
  url.searchParams.set('error_uri', 'https://evil.example/');
  const page = await victim.request(url.href);
  assert.deepEqual([page.status, title(page)], [403, 'Not signed in']);
  assert.match(page.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  const logged = play.gateway.log.join('\n');
  for (const text of [page.body, logged])
    assert.doesNotMatch(text, /<script>|onerror|evil\.example|forged line/);
  assert.ok(logged.length < 500, `${logged.length}`);
});

describe('The way back from a provider is refused that has', () => {
  const shared = sharedPlay({
    config: {
      sessions: { admin: { login: ['first'], path: '/admin', cookie: { name: '__Host-admin' } } },
      routes: { admin: { match: { paths: ['/admin/*'] }, login: 'admin' } },
    },
    session: { login: ['first'], connect: ['second'] },
  });
  for (const [what, attack, expected] of ON_THE_WAY_BACK)
    it(what, async () => {
      const play = shared();
      const victim = new UserAgent();
      const answer = await attack(play, victim);
      assert.deepEqual([answer.status, codeOf(answer)], expected);
      assert.equal(
        answer.headers.getSetCookie().find((line) => line.startsWith(`${SESSION}=`)),
        undefined,
      );
    });
});

/** As they stand in the query: what is to reach the gateway escaped is escaped twice. */
const ELSEWHERE: readonly string[] = [
  'https://evil.example',
  'https%3A%2F%2Fevil.example',
  'HTTPS://EVIL.EXAMPLE',
  'https:/evil.example',
  'https:evil.example',
  'https:///evil.example',
  '//evil.example',
  '///evil.example',
  '%2F%2Fevil.example',
  '/%2Fevil.example',
  '/%252Fevil.example',
  '/%5Cevil.example',
  '/%255Cevil.example',
  '%5C%5Cevil.example',
  'https:%5C%5Cevil.example',
  '/%09/evil.example',
  '/%0A/evil.example',
  '/%0D%0ALocation:%20https://evil.example',
  '%20https://evil.example',
  '%00https://evil.example',
  'https://own@evil.example',
  'https://own:x@evil.example/',
  'https://own.evil.example',
  'https://evil.example%23@own/',
  'https://evil%E3%80%82example',
  'https://spa.example.com.evil.example',
  'https://spa.example.com@evil.example',
  'https://spa.example.com%5C@evil.example',
  'http://spa.example.com',
  'javascript:location=%22https://evil.example%22',
  'data:text/html,%3Cscript%3E%3C/script%3E',
  'evil.example',
  '%EF%BC%8F%EF%BC%8Fevil.example',
];

/** Look like somebody else's and are paths of the own origin. */
const OWN: readonly string[] = [
  '/@evil.example',
  '/..//evil.example',
  '/.//evil.example',
  '/https://evil.example',
];

describe('A login does not lead to another site', () => {
  const session = { login: ['first'], connect: ['second'], origins: ['https://spa.example.com'] };
  const shared = sharedPlay({ session });
  for (const spelling of ELSEWHERE)
    it(`by redirect=${spelling}`, async () => {
      const play = shared();
      const redirect = spelling.replace('own', new URL(play.url).host);
      for (const path of ['login', 'connect/second', 'logout', 'login?prompt=login&x=y']) {
        const answer = await new UserAgent(SCRIPT).request(
          `${play.url}/auth/${path}${path.includes('?') ? '&' : '?'}redirect=${redirect}`,
        );
        assert.deepEqual([answer.status, codeOf(answer)], [400, 'invalid_redirect'], path);
        assert.equal(answer.headers.get('location'), null);
      }
    });

  for (const spelling of OWN)
    it(`by redirect=${spelling}, which is a path here`, async () => {
      const play = shared();
      const victim = new UserAgent();
      const url = await untilCallback(play, victim, spelling);
      const { status, headers } = await victim.request(url.href);
      assert.equal(status, 303);
      assert.equal(new URL(headers.get('location') ?? '', play.url).origin, play.url);
    });

  it('by an address that came with the way back', async () => {
    const play = shared();
    const victim = new UserAgent();
    const url = await untilCallback(play, victim, '/here');
    url.searchParams.set('redirect', 'https://evil.example');
    assert.equal((await victim.request(url.href)).headers.get('location'), '/here');
  });

  it('by the first of two', async () => {
    const play = shared();
    const { status } = await new UserAgent(SCRIPT).request(
      `${play.url}/auth/login?redirect=//evil.example&redirect=/here`,
    );
    assert.equal(status, 400);
  });
});

describe('A session is not one that an attacker knows', () => {
  const shared = sharedPlay({ session: { login: ['first'], connect: ['second'], keys: [KEY] } });

  it('where the attacker’s own was planted before the login', async () => {
    const play = shared();
    const attacker = new UserAgent();
    await attacker.signIn(`${play.url}/auth/login`, 'bob');
    const planted = attacker.cookie(play.url, SESSION) ?? '';
    const victim = browserWith(planted);
    await victim.signIn(`${play.url}/auth/login?prompt=login`, 'alice');
    assert.notEqual(victim.cookie(play.url, SESSION), planted);
    assert.equal((await attacker.request(`${play.url}/auth/user`)).status, 401);
  });

  it('where a secret was planted that is nobody’s yet', async () => {
    const play = shared();
    const planted = `v1.${'A'.repeat(43)}`;
    const victim = browserWith(planted);
    await victim.signIn(`${play.url}/auth/login`, 'alice');
    assert.notEqual(victim.cookie(play.url, SESSION), planted);
    assert.equal((await browserWith(planted).request(`${play.url}/auth/user`)).status, 401);
  });

  it('after another login of the same user', async () => {
    const play = shared();
    const victim = new UserAgent();
    await victim.signIn(`${play.url}/auth/login`, 'alice');
    const old = victim.cookie(play.url, SESSION) ?? '';
    await victim.signIn(`${play.url}/auth/login?prompt=login`, 'alice');
    assert.equal((await browserWith(old).request(`${play.url}/auth/user`)).status, 401);
    assert.equal((await whoIs(play, victim))['subject'], 'alice');
  });

  it('after a logout', async () => {
    const play = shared();
    const victim = new UserAgent();
    await victim.signIn(`${play.url}/auth/login`, 'alice');
    const old = victim.cookie(play.url, SESSION) ?? '';
    await victim.request(`${play.url}/auth/logout`, { method: 'POST', fields: SCRIPT });
    assert.equal((await browserWith(old).request(`${play.url}/auth/user`)).status, 401);
  });

  it('and holds no grant of the first provider of another user', async () => {
    const play = shared();
    const victim = new UserAgent();
    await victim.signIn(`${play.url}/auth/login`, 'alice');
    const cookie = victim.cookie(play.url, SESSION) ?? '';
    const browser = browserWith(cookie);
    const page = await browser.signIn(`${play.url}/auth/connect/first`, 'bob');
    assert.deepEqual([page.status, title(page)], [403, 'Somebody else']);
    const user = await whoIs(play, browserWith(cookie));
    assert.deepEqual([user['subject'], grantsOf(user)], ['alice', { first: true, second: false }]);
  });
});

const TAMPERED: readonly (readonly [what: string, change: (value: string) => string])[] = [
  ['without its version', (value) => value.slice(3)],
  ['of another version', (value) => value.replace('v1.', 'v2.')],
  ['with its version in capitals', (value) => value.replace('v1.', 'V1.')],
  ['with two versions', (value) => `v1.${value}`],
  ['with another first character', (value) => changed(value, 3)],
  ['with another character in the middle', (value) => changed(value, 24)],
  ['with another last character', (value) => changed(value, value.length - 1)],
  ['with spare bits set', (value) => value.slice(0, -1) + next(value.at(-1) ?? '')],
  ['without its last character', (value) => value.slice(0, -1)],
  ['of one half', (value) => value.slice(0, 24)],
  ['with the halves changed about', (value) => `v1.${value.slice(24)}${value.slice(3, 24)}`],
  ['with one character more', (value) => `${value}A`],
  ['with padding', (value) => `${value}=`],
  ['in quotes', (value) => `"${value}"`],
  ['that is escaped', (value) => value.replace('.', '%2E')],
  ['in small letters', (value) => `v1.${swapped(value.slice(3))}`],
  ['with nothing in it', () => ''],
  ['of great length', (value) => value + 'A'.repeat(4000)],
];

describe('A cookie of a session opens none', () => {
  const shared = sharedPlay({ session: { login: ['first'], connect: ['second'] } });
  const signedIn = new UserAgent();
  let attacker = '';
  before(async () => {
    const { url } = shared();
    await signedIn.signIn(`${url}/auth/login`, 'alice');
    const other = new UserAgent();
    await other.signIn(`${url}/auth/login`, 'bob');
    attacker = other.cookie(url, SESSION) ?? '';
  });

  for (const [what, change] of TAMPERED)
    it(what, async () => {
      const play = shared();
      const value = signedIn.cookie(play.url, SESSION) ?? '';
      assert.notEqual(change(value), value);
      const ask = (cookie: string): Promise<PageAnswer> =>
        browserWith(cookie).request(`${play.url}/auth/user`);
      assert.equal((await ask(change(value))).status, 401);
      assert.equal((await ask(value)).status, 200);
    });

  it('under the name that it has over TLS', async () => {
    const play = shared();
    const browser = new UserAgent();
    const value = signedIn.cookie(play.url, SESSION) ?? '';
    browser.cookies.set(HOST, new Map([['__Host-portcullis', value]]));
    assert.equal((await browser.request(`${play.url}/auth/user`)).status, 401);
  });

  /** As where another host of the domain has set one, in a browser that lets it. */
  for (const [what, field] of [
    ['before another of its name', (value: string) => `${SESSION}=${value}; ${SESSION}=v1.${'A'.repeat(43)}`],
    [
      'behind another of its name',
      (value: string) => `${SESSION}=v1.${'A'.repeat(43)}; a=b;${SESSION}=${value}`,
    ],
    ['beside an empty one', (value: string) => `${SESSION}=; ${SESSION}=${value}`],
    ['beside one of an attacker’s session', (value: string) => `${SESSION}=${attacker}; ${SESSION}=${value}`],
  ] as const)
    it(`that stands ${what}`, async () => {
      const play = shared();
      const value = signedIn.cookie(play.url, SESSION) ?? '';
      const ask = (cookie: string) =>
        new UserAgent().request(`${play.url}/auth/user`, { fields: { cookie } });
      assert.equal((await ask(field(value))).status, 401);
      assert.equal((await ask(`${SESSION}=${value}; x${SESSION}=1; ${SESSION}=${value}`)).status, 200);
    });

  it('that is of a login under way', async () => {
    const play = shared();
    const begun = await new UserAgent().request(`${play.url}/auth/login`);
    const value = /=([^;]*)/.exec(begun.headers.getSetCookie()[0] ?? '')?.[1] ?? '';
    assert.equal((await browserWith(value).request(`${play.url}/auth/user`)).status, 401);
  });
});

it('A session under a key that was taken away is over; one that only moved behind another goes on', async () => {
  const session = { login: ['first'] };
  await using play = await LoginPlay.start({
    providers: { first: {} },
    session: { ...session, keys: [KEY] },
  });
  const [one, other] = [new UserAgent(), new UserAgent()];
  await one.signIn(`${play.url}/auth/login`, 'alice');
  await other.signIn(`${play.url}/auth/login`, 'bob');
  const [first, second] = [one, other].map((agent) => agent.cookie(play.url, SESSION) ?? '');
  await play.reload({ ...session, keys: [OTHER_KEY, KEY] });
  assert.equal((await whoIs(play, browserWith(first ?? '')))['subject'], 'alice');
  await play.reload({ ...session, keys: [OTHER_KEY] });
  assert.equal((await browserWith(second ?? '').request(`${play.url}/auth/user`)).status, 401);
});

it('A login goes on over a reload of the configuration', async () => {
  const session = { login: ['first'] };
  await using play = await LoginPlay.start({ providers: { first: {} }, session });
  const agent = new UserAgent();
  const url = await untilCallback(play, agent, '/here');
  await play.reload({ ...session, idleTimeout: '1h' });
  assert.equal((await agent.follow(await agent.request(url.href))).url, `${play.url}/here`);
  assert.equal((await whoIs(play, agent))['subject'], 'alice');
});

/** One for all tests of the suite, which is there while they run. */
function sharedPlay(options: Parameters<typeof LoginPlay.start>[0]): () => LoginPlay {
  let play: LoginPlay | undefined;
  before(async () => {
    play = await LoginPlay.start(options);
  });
  after(() => play?.[Symbol.asyncDispose]());
  return () => {
    assert.ok(play);
    return play;
  };
}

function browserWith(value: string): UserAgent {
  const browser = new UserAgent();
  browser.cookies.set(HOST, new Map([[SESSION, value]]));
  return browser;
}

/** Comes back from the provider as a script would, so that refusals say their code. */
function come(agent: UserAgent, callback: URL, edit: (url: URL) => void = () => {}): Promise<PageAnswer> {
  const url = new URL(callback);
  edit(url);
  return agent.request(url.href, { fields: SCRIPT });
}

function changed(value: string, at: number): string {
  return `${value.slice(0, at)}${value[at] === 'A' ? 'E' : 'A'}${value.slice(at + 1)}`;
}

/** The character after this one in the alphabet of base64url: the same octets with another spare bit. */
function next(character: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character) + 1] ?? '';
}

function swapped(text: string): string {
  return text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase();
}
