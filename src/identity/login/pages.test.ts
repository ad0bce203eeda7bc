import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { UnsecuredJWT } from 'jose';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { type GrantTokens, ProviderUnavailable } from '../providers/provider.ts';
import type { LocalAnswer } from './local-answer.ts';
import { PlacePlay } from './login-place.support.ts';

const OWN = { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'cors' };
const PAGE = { 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'navigate', Accept: 'text/html' };
const EVIL = { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'cors', Origin: 'https://evil.example' };
const EVIL_LINK = { ...PAGE, 'Sec-Fetch-Site': 'cross-site' };
const NOTICE = new UnsecuredJWT({}).setIssuer('https://id.example.com').encode();
const TOKENS: GrantTokens = {
  accessToken: 'access',
  tokenType: 'bearer',
  expiresAtMs: Number.POSITIVE_INFINITY,
  scopes: [],
};
const USER = { issuer: 'https://id.example.com', subject: 'alice', claims: {} };

interface Visit {
  readonly fields?: Readonly<Record<string, string>>;
  readonly form?: Readonly<Record<string, string>>;
  /** Without the cookie of a session. */
  readonly nobody?: true;
  readonly bearer?: string;
}

const VISITS: readonly (readonly [method: string, path: string, visit: Visit, status: number])[] = [
  ['GET', '/login', { fields: PAGE, nobody: true }, 303],
  ['HEAD', '/login', { fields: PAGE, nobody: true }, 303],
  ['HEAD', '/connect/first', { fields: PAGE }, 303],
  ['HEAD', '/device', { fields: PAGE }, 200],
  ['HEAD', '/tokens', { fields: OWN }, 200],
  ['HEAD', '/callback', { fields: PAGE, nobody: true }, 405],
  ['HEAD', '/logout', { fields: PAGE, nobody: true }, 405],
  ['GET', '/login?redirect=//evil.example', { fields: PAGE }, 400],
  ['GET', '/login?redirect=//evil.example', { fields: OWN }, 400],
  ['GET', '/login?prompt=x', { fields: OWN }, 400],
  ['GET', '/callback', { fields: PAGE, nobody: true }, 400],
  ['GET', '/callback', { fields: PAGE }, 303],
  ['GET', '/callback/first?state=x', { fields: OWN }, 400],
  ['POST', '/callback', { fields: EVIL_LINK, form: { code: 'x', state: 'x' } }, 405],
  ['GET', '/connect/first', { fields: PAGE }, 303],
  ['GET', '/connect/none', { fields: PAGE }, 404],
  ['POST', '/disconnect/first', { fields: EVIL }, 403],
  ['POST', '/disconnect/none', { fields: OWN }, 404],
  ['POST', '/disconnect/first', { fields: OWN, nobody: true }, 401],
  ['POST', '/disconnect/first', { fields: OWN }, 204],
  ['POST', '/disconnect/first', { fields: PAGE }, 303],
  ['GET', '/logout', { fields: EVIL_LINK }, 200],
  ['POST', '/logout', { fields: EVIL }, 403],
  ['POST', '/logout', { bearer: `pcp_${'A'.repeat(43)}` }, 401],
  ['POST', '/logout', { fields: PAGE, nobody: true }, 303],
  ['GET', '/logout/done?state=x', { fields: EVIL_LINK }, 303],
  ['GET', `/logout/done?state=${'A'.repeat(43)}`, { fields: EVIL_LINK }, 303],
  ['POST', '/backchannel-logout', { form: { logout_token: 'x' } }, 400],
  ['POST', '/backchannel-logout', { form: { logout_token: NOTICE } }, 200],
  ['POST', '/device/code', {}, 200],
  ['POST', '/device/token', { form: { grant_type: 'x' } }, 400],
  ['GET', '/device', { fields: PAGE }, 200],
  ['POST', '/device', { fields: EVIL, form: { user_code: 'x' } }, 403],
  ['POST', '/device', { fields: PAGE, form: { user_code: 'x' } }, 400],
  ['GET', '/tokens', { fields: OWN }, 200],
  ['GET', '/tokens', { fields: OWN, nobody: true }, 401],
  ['POST', '/tokens', { fields: OWN, form: { name: 'laptop' } }, 201],
  ['POST', '/tokens', { fields: OWN, form: { name: '' } }, 400],
  ['POST', '/tokens', { fields: EVIL, form: { name: 'x' } }, 403],
  ['DELETE', '/tokens/x', { fields: OWN }, 404],
  ['GET', '/user', { fields: OWN }, 200],
  ['HEAD', '/user', { fields: OWN }, 200],
  ['GET', '/user', { fields: EVIL }, 401],
  ['OPTIONS', '/user', { fields: EVIL }, 204],
  ['PUT', '/user', { fields: OWN }, 405],
  ['GET', '/none', {}, 404],
  ['GET', '', {}, 404],
  ['GET', '/__proto__', {}, 404],
  ['GET', '/connect/a/b', {}, 404],
];

describe('An answer of the pages of a login is kept by nobody, framed by nobody, and tells nobody where it was read:', () => {
  const play: PlacePlay = new PlacePlay(
    {
      authorizationUrl: async ({ state }) => `https://id.example.com/auth?state=${state}`,
      redeem: async () => TOKENS,
      user: async () => USER,
      logoutNotice: async () => ({ subject: 'bob', id: 'notice', expiresAtMs: play.now + 60_000 }),
    },
    { devices: true, tokens: {}, keys: ['k'.repeat(32)] },
  );
  let cookie = '';
  const signIn = async (): Promise<void> => {
    const login = { provider: 'first', user: USER, tokens: TOKENS };
    const { setCookie } = await play.sessions.create(login, { scheme: 'https', host: 'app.example.com' });
    cookie = setCookie.slice(0, setCookie.indexOf(';'));
  };
  before(signIn);

  const ask = (method: string, path: string, visit: Visit): Promise<LocalAnswer> => {
    const { fields, form, nobody, bearer } = visit;
    const headers = {
      ...fields,
      ...(nobody === undefined && { Cookie: cookie }),
      ...(bearer !== undefined && { Authorization: `Bearer ${bearer}` }),
      ...(form !== undefined && { 'Content-Type': 'application/x-www-form-urlencoded' }),
    };
    const exchange = exchangeFor({ method, url: `https://app.example.com/auth${path}`, headers });
    return play.pages.answer(exchange, Buffer.from(new URLSearchParams(form).toString()));
  };
  const isGuarded = ({ answer }: LocalAnswer): void => {
    const guards = ['Cache-Control', 'Referrer-Policy', 'X-Content-Type-Options', 'X-Frame-Options'];
    assert.deepEqual(
      guards.map((name) => answer.headers?.[name]),
      ['no-store', 'same-origin', 'nosniff', 'DENY'],
    );
    // RFC 9110 section 15.5.2
    if (answer.status === 401)
      assert.match(answer.headers?.['WWW-Authenticate'] ?? '', /^(?:Cookie|Bearer) /);
    if (answer.headers?.['Content-Type']?.startsWith('text/html') === true)
      assert.match(
        answer.headers['Content-Security-Policy'] ?? '',
        /default-src 'none'.*frame-ancestors 'none'/,
      );
  };

  for (const [method, path, visit, status] of VISITS)
    it(`${method} ${path.replace(/A{43}/, '…')}, ${status}`, async () => {
      const made = await ask(method, path, visit);
      assert.equal(made.answer.status, status);
      isGuarded(made);
    });

  it('the way back from a provider, 303 with the session, and that of before has ended though its cookie did not come along', async () => {
    await signIn();
    const begun = await ask('GET', '/login?redirect=/here&prompt=login', { fields: PAGE });
    const state = new URL(begun.answer.headers?.['Location'] ?? '').searchParams.get('state') ?? '';
    const flow = begun.cookies?.[0] ?? '';
    const fields = { ...EVIL_LINK, Cookie: flow.slice(0, flow.indexOf(';')) };
    const made = await ask('GET', `/callback?state=${state}&code=x`, { fields, nobody: true });
    assert.deepEqual([made.answer.status, made.answer.headers?.['Location']], [303, '/here']);
    isGuarded(made);
    assert.equal((await ask('GET', '/user', { fields: OWN })).answer.status, 401);
  });

  it('the user to a program with a token, as long as that opens a session', async () => {
    await signIn();
    const made = await ask('POST', '/tokens', { fields: OWN, form: { name: 'program' } });
    const { token } = JSON.parse(String(made.answer.body)) as { token: string };
    const wrong = `pcp_${'A'.repeat(43)}`;
    for (const [sent, fields, status, code] of [
      [`Bearer ${token}`, {}, 200, undefined],
      [`Basic ${btoa(`git:${token}`)}`, {}, 200, undefined],
      [`Basic ${btoa(`git:${token}`)}`, EVIL, 401, 'unauthenticated'],
      [`Bearer ${wrong}`, {}, 401, 'invalid_token'],
      // Not the user of the cookie.
      [`Bearer ${wrong}`, { Cookie: cookie }, 401, 'invalid_token'],
    ] as const) {
      const told = await ask('GET', '/user', { fields: { ...fields, Authorization: sent }, nobody: true });
      assert.deepEqual([told.answer.status, told.answer.code], [status, code], sent);
      isGuarded(told);
      if (status === 200) assert.equal(JSON.parse(String(told.answer.body)).subject, 'alice');
    }
  });

  for (const [what, fields, status] of [
    ['of a script', OWN, 204],
    ['of a page', PAGE, 303],
  ] as const)
    it(`the logout ${what}, ${status}`, async () => {
      await signIn();
      const made = await ask('POST', '/logout', { fields });
      assert.equal(made.answer.status, status);
      isGuarded(made);
      assert.equal(made.cookies?.length, 1);
    });

  it('and while the store is away, 503', async () => {
    await signIn();
    play.records.isAway = true;
    for (const [method, path, visit] of VISITS) {
      const made = await ask(method, path, visit);
      if (made.answer.status !== 503) continue;
      assert.equal(made.answer.code, 'sessions_unavailable');
      isGuarded(made);
    }
    for (const path of ['/user', '/login', '/logout', '/tokens'])
      assert.equal((await ask('GET', path, { fields: OWN })).answer.status, 503, path);
    play.records.isAway = false;
  });
});

it('Anybody who begins logins in an outage fills no log', async () => {
  let error: Error = new ProviderUnavailable('it does not answer');
  const play = new PlacePlay({ authorizationUrl: () => Promise.reject(error) });
  const begin = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const exchange = exchangeFor({ url: 'https://app.example.com/auth/login', headers: PAGE });
      assert.equal((await play.pages.answer(exchange, Buffer.alloc(0))).answer.status, 503);
    }
  };
  await begin(20);
  assert.deepEqual(play.log, ['warn: a login at first failed: it does not answer']);
  play.now += 10_000;
  error = new TypeError('a mistake of ours');
  await begin(20);
  assert.deepEqual(play.log.slice(1), ['warn: a login at first failed']);
});

describe('Over plain http', () => {
  const AWAY = 'https://id.example.com/auth';
  for (const [url, status, location] of [
    ['http://gw.example.com/auth/login', 400, undefined],
    ['http://gw.example.com/auth/connect/first', 400, undefined],
    ['http://10.0.0.7:8080/auth/login', 400, undefined],
    ['http://localhost:8080/auth/login', 303, AWAY],
    ['http://127.0.0.1/auth/login', 303, AWAY],
    ['https://gw.example.com/auth/login', 303, AWAY],
  ] as const)
    it(`${url} is ${status}: there browsers keep ${status === 303 ? 'the' : 'no'} cookie of it`, async () => {
      const play = new PlacePlay({ authorizationUrl: async () => AWAY });
      for (let i = 0; i < 2; i++) {
        const { answer, cookies } = await play.pages.answer(
          exchangeFor({ url, headers: OWN }),
          Buffer.alloc(0),
        );
        assert.deepEqual([answer.status, answer.headers?.['Location']], [status, location]);
        assert.equal(answer.code, status === 303 ? undefined : 'insecure_login');
        assert.equal((cookies ?? []).length, status === 303 ? 1 : 0);
      }
      assert.equal(play.log.length, status === 303 ? 0 : 1);
    });
});
