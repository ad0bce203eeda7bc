import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, it } from 'node:test';
import { LoginPlay, SCRIPT, SESSION, title } from '../support/login-play.ts';
import { UserAgent } from '../support/user-agent.ts';

const GRANT_TYPE = 'urn:ietf:params:oauth:grant-type:device_code';
const OPTIONS = {
  session: { devices: true },
  config: {
    routes: {
      api: {
        match: { paths: ['/api/*'] },
        policies: [{ session: { name: 'web' } }],
        respond: { body: 'api' },
      },
    },
  },
};

describe('the login of a device', () => {
  it('gives it a session of its own, whose token works as a bearer token and as a password', async () => {
    await using play = await LoginPlay.start(OPTIONS);
    const codes = await begin(play);
    assert.match(String(codes['user_code']), /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    assert.deepEqual([codes['expires_in'], codes['interval']], [600, 5]);
    assert.deepEqual(await poll(play, codes), [400, { error: 'authorization_pending' }]);
    assert.deepEqual(await poll(play, codes), [400, { error: 'slow_down' }]);

    const agent = new UserAgent();
    const asked = await agent.go(String(codes['verification_uri_complete']));
    let page = await agent.submit(asked, { user_code: String(codes['user_code']).toLowerCase() });
    while (page.body.includes('name="password"'))
      page = await agent.submit(page, { username: 'alice', password: 'alice' });
    assert.deepEqual([page.status, title(page)], [200, 'Signed in']);
    assert.equal(agent.cookie(play.url, SESSION), undefined, 'the browser got a session');

    const [status, answer] = await poll(play, codes);
    assert.deepEqual([status, answer['token_type'], answer['expires_in']], [200, 'Bearer', 43_200]);
    const token = String(answer['access_token']);
    const basic = Buffer.from(`git:${token}`).toString('base64');
    for (const authorization of [`Bearer ${token}`, `Basic ${basic}`]) {
      const called = await fetch(`${play.url}/api/x`, { method: 'POST', headers: { authorization } });
      assert.deepEqual([called.status, await called.text()], [200, 'api']);
    }
    assert.deepEqual(await poll(play, codes), [400, { error: 'expired_token' }]);
    const end = async (authorization: string): Promise<number> =>
      (await fetch(`${play.url}/auth/logout`, { method: 'POST', headers: { authorization } })).status;
    // Browsers send passwords by themselves, so that another site could end it.
    assert.deepEqual([await end(`Basic ${basic}`), await end(`Bearer ${token}`)], [403, 204]);
    assert.equal(await end(`Bearer ${token}`), 401);
    const after = await fetch(`${play.url}/api/x`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(after.status, 401);
    const wrong = await fetch(`${play.url}/api/x`, {
      headers: { authorization: `Bearer v1.${'A'.repeat(43)}` },
    });
    assert.deepEqual(
      [wrong.status, wrong.headers.get('www-authenticate')],
      [401, 'Bearer error="invalid_token"'],
    );
  });

  it('gives it grants of the providers that it asks for, and says how where it has none', async () => {
    await using play = await LoginPlay.start({
      session: { devices: true, login: ['first'], connect: ['second'] },
      config: {
        routes: {
          api: {
            match: { paths: ['/api/*'] },
            policies: [{ session: { name: 'web', providers: ['second'] } }],
            respond: { body: 'api' },
          },
        },
      },
    });
    const call = async (grants: Record<string, string>): Promise<Response> => {
      const codes = await begin(play, grants);
      const agent = new UserAgent();
      const asked = await agent.go(String(codes['verification_uri_complete']));
      let page = await agent.submit(asked, { user_code: String(codes['user_code']) });
      while (page.body.includes('name="password"'))
        page = await agent.submit(page, { username: 'alice', password: 'alice' });
      const [, { access_token }] = await poll(play, codes);
      return fetch(`${play.url}/api/x`, { headers: { authorization: `Bearer ${String(access_token)}` } });
    };
    const without = await call({});
    const { code, connect, detail } = (await without.json()) as Record<string, unknown>;
    assert.deepEqual(
      [without.status, code, connect, without.headers.get('www-authenticate')],
      [401, 'grant_required', undefined, 'Bearer error="invalid_token"'],
    );
    assert.match(String(detail), /grants=second/);
    assert.equal((await call({ grants: 'second' })).status, 200);
    assert.deepEqual(await begin(play, { grants: 'second third' }), { error: 'invalid_request' });
    assert.deepEqual(await poll(play, {}), [400, { error: 'invalid_request' }]);
  });

  it('is refused with access_denied where the user says no', async () => {
    await using play = await LoginPlay.start({ ...OPTIONS, providers: { first: { consent: 'page' } } });
    const codes = await begin(play);
    const agent = new UserAgent();
    const asked = await agent.go(`${play.url}/auth/device`);
    let page = await agent.submit(asked, { user_code: String(codes['user_code']) });
    page = await agent.submit(page, { username: 'alice', password: 'alice' });
    page = await agent.submit(page, { answer: 'deny' });
    assert.equal(page.status, 403);
    assert.deepEqual(await poll(play, codes), [400, { error: 'access_denied' }]);
  });

  it('takes no more than ten wrong codes, and none from another site', async () => {
    await using play = await LoginPlay.start({ ...OPTIONS, providers: { first: {} } });
    const codes = await begin(play);
    const agent = new UserAgent(SCRIPT);
    const enter = async (code: string, fields: Record<string, string> = {}): Promise<number> =>
      (await agent.request(`${play.url}/auth/device`, { form: { user_code: code }, fields })).status;
    assert.equal(await enter(String(codes['user_code']), { 'sec-fetch-site': 'cross-site' }), 403);
    for (let guess = 0; guess < 10; guess++) assert.equal(await enter('BBBB-BBBB'), 400);
    assert.equal(await enter(String(codes['user_code'])), 429);
  });

  it('does not exist where the sessions have no devices', async () => {
    await using play = await LoginPlay.start({ providers: { first: {} } });
    for (const page of ['device/code', 'device/token', 'device'])
      assert.equal(
        (await fetch(`${play.url}/auth/${page}`, { method: page === 'device' ? 'GET' : 'POST' })).status,
        404,
      );
  });

  it('keeps its token from services', async () => {
    const service = createServer((request, response) =>
      response.end(request.headers.authorization ?? 'none'),
    );
    await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
    try {
      const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`;
      await using play = await LoginPlay.start({
        providers: { first: {} },
        session: { devices: true },
        config: {
          services: { backend: { url } },
          routes: {
            api: {
              match: { paths: ['/api/*'] },
              policies: [{ session: { name: 'web' } }],
              service: 'backend',
            },
          },
        },
      });
      const codes = await begin(play);
      const agent = new UserAgent();
      const page = await agent.submit(await agent.go(`${play.url}/auth/device`), {
        user_code: String(codes['user_code']),
      });
      await agent.submit(page, { username: 'alice', password: 'alice' });
      const [, answer] = await poll(play, codes);
      const called = await fetch(`${play.url}/api/x`, {
        headers: { authorization: `Bearer ${String(answer['access_token'])}` },
      });
      assert.equal(await called.text(), 'none');
    } finally {
      service.close();
      service.closeAllConnections();
    }
  });
});

async function begin(play: LoginPlay, form: Record<string, string> = {}): Promise<Record<string, unknown>> {
  const body = new URLSearchParams(form);
  const answer = await fetch(`${play.url}/auth/device/code`, { method: 'POST', body });
  return (await answer.json()) as Record<string, unknown>;
}

async function poll(
  play: LoginPlay,
  codes: Record<string, unknown>,
): Promise<[number, Record<string, unknown>]> {
  const body = new URLSearchParams({
    grant_type: GRANT_TYPE,
    device_code: (codes['device_code'] as string | undefined) ?? '',
  });
  const answer = await fetch(`${play.url}/auth/device/token`, { method: 'POST', body });
  return [answer.status, (await answer.json()) as Record<string, unknown>];
}
