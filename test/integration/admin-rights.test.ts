import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { main } from '../../src/main/cli.ts';
import { RunningCli, Workspace } from '../support/cli.ts';
import { TEST_CLIENT, TestProvider } from '../support/identity-provider.ts';
import { UserAgent } from '../support/user-agent.ts';

const BOOTSTRAP = 'the-first-token-of-this-test-and-no-other';
const PASSWORD = 'correct horse battery';

describe('The admin port of a gateway with authentication', () => {
  let provider: TestProvider;
  let workspace: Workspace;
  let cli: RunningCli;
  let admin: string;
  let probes: string;

  before(async () => {
    provider = await TestProvider.start();
    workspace = new Workspace({
      'portcullis.yaml': `
listeners: { http: { address: 127.0.0.1, port: 0 } }
runtime: { workers: 1 }
organizations: { acme: {}, globex: {} }
providers:
  corp: { issuer: ${provider.issuer}, clientId: ${TEST_CLIENT.id}, clientSecret: env:CLIENT_SECRET }
sessions: { staff: { login: [corp] } }
admin:
  port: 0
  probes: { address: 127.0.0.1, port: 0 }
  authentication:
    bootstrapToken: env:BOOTSTRAP
    session: staff
    roles: [{ claim: sub, value: alice, organization: acme, role: developer }]
`,
    });
    cli = new RunningCli(['serve'], workspace.directory, {
      BOOTSTRAP,
      CLIENT_SECRET: TEST_CLIENT.secret,
    });
    ({ admin } = await cli.ready());
    const { origin } = new URL(admin);
    admin = origin;
    probes = String((await cli.logged('ready'))['probes']);
    provider.setClient({ redirectUris: [`${admin}/login/callback`] });
  });
  after(async () => {
    await cli[Symbol.asyncDispose]();
    workspace[Symbol.dispose]();
    await provider[Symbol.asyncDispose]();
  });

  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const basic = (name: string, password = PASSWORD) => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  });

  async function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<{ readonly status: number; readonly body: Record<string, unknown>; readonly text: string }> {
    const answer = await fetch(admin + path, {
      method,
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const isJson = /[/+]json/.test(answer.headers.get('content-type') ?? '');
    return { status: answer.status, text, body: isJson ? (JSON.parse(text) as Record<string, unknown>) : {} };
  }

  it('lets nobody in who says nothing, but for the probes', async () => {
    for (const path of ['/config', '/metrics', '/v1/routes', '/v1/whoami']) {
      const { status, body } = await ask('GET', path, {});
      assert.deepEqual([status, body['code']], [401, 'unauthenticated'], path);
    }
    assert.equal((await fetch(`${admin}/healthz`)).status, 200);
    for (const path of ['/healthz', '/readyz', '/metrics'])
      assert.equal((await fetch(probes + path)).status, 200, path);
    for (const path of ['/', '/config', '/v1/routes', '/login'])
      assert.equal((await fetch(probes + path)).status, 404, path);
    assert.equal((await fetch(`${probes}/healthz`, { method: 'POST' })).status, 405);
  });

  it('makes the first owner with the token of the configuration, which ends with that', async () => {
    const put = await ask('PUT', '/v1/users/olga', bearer(BOOTSTRAP), { password: PASSWORD });
    assert.equal(put.status, 201, put.text);
    const given = await ask('PUT', '/v1/memberships/*/olga', bearer(BOOTSTRAP), { role: 'owner' });
    assert.equal(given.status, 201, given.text);
    const again = await ask('GET', '/v1/whoami', bearer(BOOTSTRAP));
    assert.deepEqual([again.status, again.body['code']], [401, 'invalid_credentials']);
    const { body } = await ask('GET', '/v1/whoami', basic('olga'));
    assert.deepEqual([body['name'], body['roles']], ['olga', { '*': 'owner' }]);
  });

  it('logs a user in with a real identity provider, as what their claims say', async () => {
    const browser = new UserAgent();
    const start = await browser.go(`${admin}/v1/whoami`);
    assert.match(start.url, /\/login\?return=%2Fv1%2Fwhoami$/);
    assert.match(start.body, /Log in with the identity provider/);
    const page = await browser.signIn(`${admin}/login/provider?return=/v1/whoami`, 'alice');
    assert.equal(page.url, `${admin}/v1/whoami`);
    const { name, roles } = JSON.parse(page.body) as Record<string, unknown>;
    assert.deepEqual([name, roles], ['alice', { acme: 'developer' }]);

    // A developer of acme, by the cookie: what a page of this origin sends, and nothing that another one does.
    const put = (fields: Record<string, string>) =>
      browser.request(`${admin}/v1/lists/office`, {
        method: 'DELETE',
        fields: { 'sec-fetch-site': '', ...fields },
      });
    assert.equal((await put({ origin: 'https://evil.example' })).status, 403);
    assert.equal((await put({})).status, 403);
    assert.equal((await put({ origin: admin })).status, 404);

    const out = await browser.request(`${admin}/logout`, {
      method: 'POST',
      fields: { origin: admin, 'sec-fetch-site': '' },
    });
    assert.equal(out.status, 303);
    assert.equal((await browser.request(`${admin}/v1/whoami`)).status, 303);
  });

  it('lets in nobody of the identity provider who has no role', async () => {
    const browser = new UserAgent();
    const asked = await browser.go(`${admin}/login/provider`);
    const page = await browser.submit(asked, { username: 'bob', password: 'bob' });
    assert.equal(page.status, 403);
    assert.match(page.body, /nobody here has given this user a role/);
  });

  it('takes no way back from the provider that another browser began', async () => {
    const browser = new UserAgent();
    const { headers } = await browser.request(`${admin}/login/provider`);
    const state = new URL(headers.get('location') ?? '').searchParams.get('state');
    const stolen = await new UserAgent().request(`${admin}/login/callback?code=x&state=${state}`);
    assert.equal(stolen.status, 400);
  });

  it('logs in with the form, which only its own page sends, and changes the session each time', async () => {
    const browser = new UserAgent();
    const page = await browser.go(`${admin}/login?return=https://evil.example/`);
    const sent = (fields: Record<string, string>) =>
      browser.request(page.url, {
        form: { name: 'olga', password: PASSWORD, return: '//evil.example' },
        fields: { 'sec-fetch-site': '', ...fields },
      });
    assert.equal((await sent({ origin: 'https://evil.example' })).status, 403);
    const first = await sent({ origin: admin });
    assert.deepEqual([first.status, first.headers.get('location')], [303, '/']);
    const cookie = first.headers.getSetCookie()[0] ?? '';
    assert.match(cookie, /^http-portcullis-admin=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Lax$/);
    const second = (await sent({ origin: admin })).headers.getSetCookie()[0] ?? '';
    assert.notEqual(second.split(';')[0], cookie.split(';')[0]);
    const statusWith = async (...pairs: readonly (string | undefined)[]): Promise<number> =>
      (await ask('GET', '/v1/whoami', { cookie: pairs.join('; ') })).status;
    const [old, current] = [cookie, second].map((line) => line.split(';')[0]);
    assert.deepEqual([await statusWith(old), await statusWith(current)], [401, 200]);
    // Another host of the domain may have set one of them.
    const planted = `http-portcullis-admin=${'A'.repeat(43)}`;
    assert.deepEqual([await statusWith(planted, current), await statusWith(current, planted)], [401, 401]);
  });

  it('has what was changed in the audit log, in the transaction of the revision, and no secret anywhere', async () => {
    const made = await ask('PUT', '/v1/service-accounts/ci', basic('olga'), { organization: 'acme' });
    assert.equal(made.status, 201, made.text);
    await ask('PUT', '/v1/memberships/acme/ci', basic('olga'), { role: 'developer' });
    const token = await ask('POST', '/v1/service-accounts/ci/tokens', basic('olga'), {
      name: 'build',
      role: 'developer',
    });
    assert.equal(token.status, 201, token.text);
    const secret = String(token.body['token']);
    const put = await ask('PUT', '/v1/services/orders', bearer(secret), {
      organization: 'acme',
      url: 'http://127.0.0.1:9',
    });
    assert.equal(put.status, 201, put.text);
    const foreign = await ask('PUT', '/v1/services/other', bearer(secret), {
      organization: 'globex',
      url: 'http://127.0.0.1:9',
    });
    assert.equal(foreign.status, 403, foreign.text);
    const verified = await ask('GET', '/v1/audit/verify', basic('olga'));
    assert.equal(verified.body['kind'], 'intact', verified.text);
    const exported = await ask('GET', '/v1/audit/export?object=services/', basic('olga'));
    assert.equal(exported.text.trimEnd().split('\n').length, 1, exported.text);
    const entry = JSON.parse(exported.text) as Record<string, unknown>;
    assert.deepEqual(
      [
        entry['name'],
        entry['address'],
        entry['action'],
        entry['object'],
        entry['organization'],
        entry['revision'],
        entry['token'],
      ],
      ['ci', '127.0.0.1', 'create', 'services/orders', 'acme', 1, token.body['id']],
    );
    for (const path of [
      '/v1/users',
      '/v1/service-accounts/ci/tokens',
      '/v1/audit/export',
      '/config',
      '/v1/export',
    ]) {
      const { text } = await ask('GET', path, basic('olga'));
      for (const hidden of [secret.slice(4), BOOTSTRAP, PASSWORD, TEST_CLIENT.secret, '$argon2id', '$scrypt'])
        assert.ok(!text.includes(hidden), `${path} has ${hidden}`);
    }
  });

  it('gives the command line a token for a password, which logout revokes', async () => {
    const contexts = workspace.path('contexts.json');
    const run = async (line: string, secret?: string) => {
      let out = '';
      let err = '';
      const code = await main(line.split(' '), {
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        cwd: workspace.directory,
        env: { PORTCULLIS_CONTEXTS: contexts },
        terminal: false,
        errTerminal: false,
        color: false,
        secret: async () => secret,
      });
      return { code, out, err };
    };
    const line = `login here --url ${admin} --user olga --role viewer --days 1`;
    const wrong = await run(line, 'not her password');
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /^portcullis login: .*\(invalid_credentials\)\n$/);
    assert.equal((await run(line)).err, 'portcullis login: no password was given\n');
    assert.deepEqual(await run(line, PASSWORD), { code: 0, out: 'Logged in to here as olga.\n', err: '' });
    const kept = readFileSync(contexts, 'utf8');
    assert.ok(kept.includes('pca_') && !kept.includes(PASSWORD));
    assert.equal((await run('get organizations -o name')).out, 'acme\nglobex\n');
    assert.match((await run('delete organization acme')).err, /\(forbidden\)/);
    const { token } = (JSON.parse(kept) as { contexts: { here: { token: string } } }).contexts.here;
    assert.equal((await ask('GET', '/v1/whoami', bearer(token))).status, 200);
    assert.match((await run('explain /nowhere --context here')).out, /^Route: none$/m);
    assert.deepEqual(await run(`context add here --url ${admin}`), {
      code: 2,
      out: '',
      err: 'portcullis context: there is a context here that is logged in: first portcullis logout here, or give another name\n',
    });
    assert.deepEqual(await run('logout'), { code: 0, out: 'Logged out of here.\n', err: '' });
    assert.equal((await ask('GET', '/v1/whoami', bearer(token))).status, 401);
    assert.ok(!readFileSync(contexts, 'utf8').includes('pca_'));
    assert.match((await run('get organizations')).err, /\(unauthenticated\)/);
    assert.equal((await run('login here', token)).code, 1);
    assert.equal((await run('login elsewhere --url http://gateway.example.com:9900', token)).code, 2);
  });
});
