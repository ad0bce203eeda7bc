import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { exchangeFor } from '../../../test/support/exchange.ts';
import type { GrantTokens } from '../providers/provider.ts';
import type { Session, SessionFinding } from './session.ts';
import { AT, KEY, LOGIN, SessionsPlay, TOKENS } from './sessions.support.ts';
import type { Sessions } from './sessions.ts';

const OTHER_KEY = 'o'.repeat(32);
function requestWith(cookie: string, url = 'https://app.example.com/') {
  return exchangeFor({ url, headers: { Cookie: cookie } }).request;
}

/** The cookie of a Set-Cookie field as a browser sends it back. */
function sent(setCookie: string): string {
  return setCookie.slice(0, setCookie.indexOf(';'));
}

function known(finding: SessionFinding): Session {
  assert.equal(finding.kind, 'known');
  return (finding as SessionFinding & { kind: 'known' }).session;
}

describe('A session', () => {
  it('is found by its cookie, in another worker too', async () => {
    const play = new SessionsPlay();
    const { session, setCookie } = await play.sessions().create(LOGIN, AT);
    assert.match(
      setCookie,
      /^__Host-portcullis=v1\.[\w-]{43}; Max-Age=43200; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
    );
    const found = known(await play.sessions().find(requestWith(sent(setCookie))));
    assert.deepEqual([found.id, found.user.subject], [session.id, 'alice-subject']);
    assert.deepEqual(
      [found.principal.method, found.principal.groups, found.principal.roles, found.principal.session],
      ['session', ['staff'], ['admin'], session.id],
    );
  });

  it('that is known is found at once and without a read', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { setCookie } = await sessions.create(LOGIN, AT);
    const first = await sessions.find(requestWith(sent(setCookie)));
    const { reads } = play.records;
    assert.equal(sessions.find(requestWith(sent(setCookie))), first);
    assert.equal(play.records.reads, reads);
  });

  it('has another secret after each login, and the one before ends', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const first = await sessions.create(LOGIN, AT);
    const second = await sessions.create(LOGIN, AT, first.session);
    assert.notEqual(sent(first.setCookie), sent(second.setCookie));
    assert.deepEqual(await sessions.find(requestWith(sent(first.setCookie))), {
      kind: 'absent',
      isOver: true,
    });
    known(await sessions.find(requestWith(sent(second.setCookie))));
  });

  it('that ended is unknown to every worker at once', async () => {
    const play = new SessionsPlay();
    const [one, other] = [play.sessions(), play.sessions()];
    const { setCookie } = await one.create(LOGIN, AT);
    const request = requestWith(sent(setCookie));
    known(await other.find(request));
    await one.destroy(known(await one.find(request)));
    assert.deepEqual(await other.find(request), { kind: 'absent', isOver: true });
    assert.equal(play.records.kept.size, 0);
  });

  it('ends with its idle time and with its lifetime', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions({ idleTimeout: '10s', lifetime: '25s' });
    const { setCookie } = await sessions.create(LOGIN, AT);
    const request = requestWith(sent(setCookie));
    for (const atMs of [8000, 16_000, 24_000]) {
      play.now = 1000 + atMs;
      known(await sessions.find(request));
      await new Promise(setImmediate);
    }
    play.now = 1000 + 25_000;
    assert.deepEqual(await sessions.find(request), { kind: 'absent', isOver: true });
    const other = await sessions.create(LOGIN, AT);
    known(await sessions.find(requestWith(sent(other.setCookie))));
    await new Promise(setImmediate);
    play.now += 10_000;
    assert.deepEqual(await sessions.find(requestWith(sent(other.setCookie))), {
      kind: 'absent',
      isOver: true,
    });
  });

  it('is not remembered while nobody would tell of its end', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { setCookie } = await sessions.create(LOGIN, AT);
    const request = requestWith(sent(setCookie));
    known(await sessions.find(request));
    play.records.isLive = false;
    const { reads } = play.records;
    for (let i = 1; i <= 3; i++) {
      known(await sessions.find(request));
      assert.equal(play.records.reads, reads + i);
    }
  });

  it('is neither there nor gone while the store is away', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { setCookie } = await sessions.create(LOGIN, AT);
    play.records.isAway = true;
    assert.deepEqual(await sessions.find(requestWith(sent(setCookie))), {
      kind: 'unavailable',
      detail: 'Sessions cannot be read at the moment.',
    });
  });

  it('of one kind is none of another', async () => {
    const play = new SessionsPlay();
    const { setCookie } = await play.sessions().create(LOGIN, AT);
    assert.equal((await play.sessions({}, 'other').find(requestWith(sent(setCookie)))).kind, 'absent');
  });
});

describe('What is stored', () => {
  it('has no token, subject or claim in it, and no cookie', async () => {
    const play = new SessionsPlay();
    const { setCookie } = await play.sessions().create(LOGIN, AT);
    const secret = sent(setCookie).replace('__Host-portcullis=v1.', '');
    const { dump } = play.records;
    for (const text of [secret, 'of-alice', 'alice-subject', 'sid-1', 'Alice', 'id.example.com', KEY]) {
      assert.ok(!dump.includes(text), text);
      assert.ok(!dump.includes(Buffer.from(text).toString('base64url')), text);
    }
  });

  it('cannot be opened with another key of the gateway', async () => {
    const play = new SessionsPlay();
    const { setCookie } = await play.sessions().create(LOGIN, AT);
    const finding = await play.sessions({ keys: [OTHER_KEY] }).find(requestWith(sent(setCookie)));
    assert.equal(finding.kind, 'absent');
  });

  it('is opened by an old key, and has the new one once it was used', async () => {
    const play = new SessionsPlay();
    const { setCookie } = await play.sessions().create(LOGIN, AT);
    const request = requestWith(sent(setCookie));
    const rotated = play.sessions({ keys: [OTHER_KEY, KEY] });
    const session = known(await rotated.find(request));
    assert.equal((await rotated.grants.read(session, 'keycloak'))?.value.accessToken, TOKENS.accessToken);
    await new Promise(setImmediate);
    const later = play.sessions({ keys: [OTHER_KEY] });
    const found = known(await later.find(request));
    assert.equal((await later.grants.read(found, 'keycloak'))?.value.accessToken, TOKENS.accessToken);
  });

  it('of one session does not open as that of another', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const one = await sessions.create(LOGIN, AT);
    const other = await sessions.create(LOGIN, AT);
    const stolen = play.records.kept.get(`s:${other.session.id}`);
    assert.ok(stolen);
    play.records.kept.set(`s:${one.session.id}`, stolen);
    assert.equal((await play.sessions().find(requestWith(sent(one.setCookie)))).kind, 'absent');
  });
});

describe('A cookie is refused', () => {
  const SECRET = 'A'.repeat(43);
  for (const [title, value, kind] of [
    ['that is empty', '', 'refused'],
    ['of another version', `v2.${SECRET}`, 'refused'],
    ['without a version', SECRET, 'refused'],
    ['that is too short', `v1.${SECRET.slice(1)}`, 'refused'],
    ['that is too long', `v1.${SECRET}A`, 'refused'],
    ['that is far too long', `v1.${'A'.repeat(5000)}`, 'refused'],
    ['with spare bits', `v1.${'A'.repeat(42)}B`, 'refused'],
    ['with another alphabet', `v1.${'A'.repeat(42)}+`, 'refused'],
    ['with quotes', `"v1.${SECRET}"`, 'refused'],
    ['of a session that never was, as one that is over', `v1.${SECRET}`, 'absent'],
  ] as const) {
    it(title, async () => {
      const finding = await new SessionsPlay().sessions().find(requestWith(`__Host-portcullis=${value}`));
      assert.equal(finding.kind, kind);
      assert.ok('isCookie' in finding ? finding.isCookie : 'isOver' in finding && finding.isOver);
    });
  }

  it('with one character changed', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const cookie = sent((await sessions.create(LOGIN, AT)).setCookie);
    for (let i = '__Host-portcullis=v1.'.length; i < cookie.length; i++) {
      const changed = `${cookie.slice(0, i)}${cookie[i] === 'A' ? 'E' : 'A'}${cookie.slice(i + 1)}`;
      assert.notEqual((await sessions.find(requestWith(changed))).kind, 'known', changed);
    }
  });
});

describe('A token that opens a session', () => {
  const options = { recognise: ['cookie', 'bearer', 'basic'] };
  const find = async (sessions: Sessions, authorization: string): Promise<string> =>
    (await sessions.find(exchangeFor({ headers: { Authorization: authorization } }).request)).kind;

  it('does so until it ends, while the session goes on', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions(options);
    const { setCookie } = await sessions.create(LOGIN, AT);
    const bearer = `Bearer ${TOKENS.accessToken}`;
    play.now = TOKENS.expiresAtMs - 1;
    assert.deepEqual([await find(sessions, bearer), await find(sessions, bearer)], ['known', 'known']);
    play.now = TOKENS.expiresAtMs;
    assert.equal(await find(sessions, bearer), 'refused');
    assert.equal(await find(play.sessions(options), bearer), 'refused');
    known(await sessions.find(requestWith(sent(setCookie))));
  });

  it('is one of the provider that said who the user is', async () => {
    const sessions = new SessionsPlay().sessions(options);
    const { session } = await sessions.create(LOGIN, AT);
    const tokens = {
      ...TOKENS,
      accessToken: 'access-token-of-gitlab',
      refreshToken: 'refresh-token-of-gitlab',
    };
    await sessions.putGrant(session, { ...LOGIN, provider: 'gitlab', tokens });
    for (const token of [tokens.accessToken, tokens.refreshToken]) {
      assert.equal(await find(sessions, `Bearer ${token}`), 'refused');
      assert.equal(await find(sessions, `Basic ${btoa(`git:${token}`)}`), 'refused');
    }
    assert.equal(await find(sessions, `Bearer ${TOKENS.accessToken}`), 'known');
  });
});

describe('On a developer’s machine', () => {
  it('the cookie has another name and goes over http', async () => {
    const sessions = new SessionsPlay().sessions();
    const { setCookie } = await sessions.create(LOGIN, { scheme: 'http', host: 'localhost' });
    assert.match(
      setCookie,
      /^http-portcullis=v1\.[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const cookie = sent(setCookie);
    for (const [url, kind] of [
      ['http://localhost:8080/', 'known'],
      ['http://app.localhost/', 'known'],
      ['http://127.0.0.1:8080/', 'known'],
      ['http://[::1]:8080/', 'known'],
      ['https://localhost/', 'absent'],
      ['http://app.example.com/', 'absent'],
      ['http://127.0.0.1.example.com/', 'absent'],
      ['http://notlocalhost/', 'absent'],
    ] as const)
      assert.equal((await sessions.find(requestWith(cookie, url))).kind, kind, url);
  });
});

describe('A grant', () => {
  it('is added to a session and described without its tokens', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { session } = await sessions.create(LOGIN, AT);
    assert.equal(await sessions.putGrant(session, { ...LOGIN, provider: 'gitlab' }), true);
    assert.deepEqual(await sessions.describe(session), {
      subject: 'alice-subject',
      issuer: 'https://id.example.com',
      claims: LOGIN.user.claims,
      createdAt: '1970-01-01T00:00:01.000Z',
      endsAt: '1970-01-01T12:00:01.000Z',
      grants: [
        { provider: 'keycloak', connected: true, scopes: ['openid'], expiresAt: '1970-01-01T00:16:40.000Z' },
        { provider: 'gitlab', connected: true, scopes: ['openid'], expiresAt: '1970-01-01T00:16:40.000Z' },
      ],
    });
    await sessions.dropGrant(session, 'gitlab');
    assert.deepEqual((await sessions.describe(session)).grants[1], { provider: 'gitlab', connected: false });
  });

  it('is not left behind by a session that ended meanwhile', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { session } = await sessions.create(LOGIN, AT);
    await sessions.destroy(session);
    assert.equal(await sessions.putGrant(session, LOGIN), false);
    assert.equal(play.records.kept.size, 0);
  });
});

describe('A user who logs in without end', () => {
  it('has 900 sessions, of which the oldest end, and none that a logout of all would not find', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const made: string[] = [];
    for (let i = 0; i < 1010; i++) {
      play.now++;
      const user = { ...LOGIN.user, sid: `sid-${i}` };
      made.push((await sessions.create({ ...LOGIN, user }, AT)).session.id);
    }
    const ended = made.filter((id) => !play.records.kept.has(`s:${id}`));
    assert.deepEqual(ended, made.slice(0, 110));
    assert.equal(await sessions.destroyOf('keycloak', { subject: 'alice-subject' }), 900);
    assert.equal(play.records.kept.size, 0);
  });

  it('at another provider loses the grant of that one alone', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const made: string[] = [];
    for (let i = 0; i < 901; i++) {
      play.now++;
      const user = { ...LOGIN.user, subject: `user-${i}`, sid: undefined };
      const { session } = await sessions.create({ ...LOGIN, user }, AT);
      await sessions.putGrant(session, {
        ...LOGIN,
        provider: 'gitlab',
        user: { ...user, subject: 'shared' },
      });
      made.push(session.id);
    }
    const without = made.filter((id) => !play.records.kept.has(`g:${id}:gitlab`));
    assert.deepEqual(without, made.slice(0, 1));
    assert.ok(play.records.kept.has(`s:${made[0]}`));
  });
});

describe('Refresh tokens that open a session', () => {
  it('do so for an hour when they were replaced, and are not kept for longer', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions({ recognise: ['cookie', 'basic'], lifetime: '30d', idleTimeout: '30d' });
    const at = (): number => play.now;
    const tokens = (generation: number): GrantTokens => ({
      ...TOKENS,
      accessToken: `access-token-${generation}`,
      refreshToken: `refresh-token-${generation}`,
      expiresAtMs: at() + 60_000,
    });
    const { session } = await sessions.create({ ...LOGIN, tokens: tokens(0) }, AT);
    for (let generation = 1; generation <= 1500; generation++) {
      play.now += 60_000;
      const old = (await sessions.grants.readAnew(session, 'keycloak')) ?? assert.fail();
      assert.ok(await sessions.grants.renew(session, old, tokens(generation), undefined));
      await new Promise(setImmediate);
    }
    const kind = async (generation: number): Promise<string> => {
      const text = Buffer.from(`git:refresh-token-${generation}`).toString('base64');
      const headers = { Authorization: `Basic ${text}` };
      return (await sessions.find(exchangeFor({ url: 'https://app.example.com/', headers }).request)).kind;
    };
    assert.deepEqual([await kind(1500), await kind(1450), await kind(1400)], ['known', 'known', 'refused']);
    const living = [...play.records.kept.values()].filter(({ endsAtMs }) => endsAtMs > play.now);
    assert.ok(living.length < 70, `${living.length}`);
    await sessions.destroy(session);
    assert.deepEqual([await kind(1500), await kind(1450)], ['refused', 'refused']);
  });
});

describe('A provider ends', () => {
  it('all sessions of a user, or those of one of its own sessions', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const first = await sessions.create(LOGIN, AT);
    const second = await sessions.create({ ...LOGIN, user: { ...LOGIN.user, sid: 'sid-2' } }, AT);
    const third = await sessions.create(
      { ...LOGIN, user: { ...LOGIN.user, subject: 'bob', sid: 'sid-3' } },
      AT,
    );
    const kinds = () =>
      Promise.all(
        [first, second, third].map(
          async ({ setCookie }) => (await sessions.find(requestWith(sent(setCookie)))).kind,
        ),
      );
    assert.equal(await sessions.destroyOf('keycloak', { sid: 'sid-2', subject: 'alice-subject' }), 1);
    assert.deepEqual(await kinds(), ['known', 'absent', 'known']);
    assert.equal(await sessions.destroyOf('keycloak', { subject: 'alice-subject' }), 1);
    assert.deepEqual(await kinds(), ['absent', 'absent', 'known']);
    assert.equal(await sessions.destroyOf('other', { subject: 'bob' }), 0);
  });

  it('with one of its own sessions those of the user that it gave no name', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    for (const sid of [undefined, 'sid-1', 'sid-2'])
      await sessions.create({ ...LOGIN, user: { ...LOGIN.user, sid } }, AT);
    assert.equal(await sessions.destroyOf('keycloak', { sid: 'sid-1', subject: 'alice-subject' }), 2);
    assert.equal(await sessions.destroyOf('keycloak', { sid: 'sid-1', subject: 'alice-subject' }), 0);
    assert.equal(await sessions.destroyOf('keycloak', { subject: 'alice-subject' }), 1);
    assert.equal(play.records.kept.size, 0);
  });

  it('its own grant alone where another said who the user is', async () => {
    const play = new SessionsPlay();
    const sessions = play.sessions();
    const { session, setCookie } = await sessions.create(LOGIN, AT);
    await sessions.putGrant(session, { ...LOGIN, provider: 'gitlab', user: { ...LOGIN.user, sid: 'g' } });
    assert.equal(await sessions.destroyOf('gitlab', { sid: 'g' }), 1);
    const found = known(await sessions.find(requestWith(sent(setCookie))));
    assert.deepEqual(
      (await sessions.describe(found)).grants.map(({ connected }) => connected),
      [true, false],
    );
  });
});
