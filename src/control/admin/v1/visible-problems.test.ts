import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Account } from '../../rights/account.ts';
import { EVERYWHERE, type Role } from '../../rights/roles.ts';
import { callerOf } from '../access.ts';
import { entitiesIn } from '../authentication/identify.ts';
import { type Sent, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const ACCOUNTS: Readonly<Record<string, Account>> = Object.fromEntries(
  Object.entries({
    acme: { acme: 'owner' },
    globex: { globex: 'owner' },
    all: { [EVERYWHERE]: 'owner' },
  } as const).map(([name, roles]) => [
    name,
    { id: `u_${name}`, name, kind: 'user', roles: new Map<string, Role>(Object.entries(roles)) },
  ]),
);

describe('What an organization is told of a change', () => {
  const configuration = new FakeConfiguration({
    organizations: { globex: { pathPrefix: '/secretly' } },
    services: { 'globex-payments': { organization: 'globex', url: 'http://10.1.2.3:80' } },
    routes: {
      'globex-cart': {
        organization: 'globex',
        match: { hosts: ['hidden.example.com'], paths: ['/cart'] },
        service: 'globex-payments',
      },
      'shared-pages': { match: { hosts: ['pages.test'], paths: ['/pages'] }, respond: {} },
    },
    consumers: { 'globex-app': { organization: 'globex', basic: { username: 'app', password: 'one' } } },
  });
  let api: TestApi;
  before(async () => {
    api = await startApi(configuration, async ({ headers }) => ({
      ok: true,
      caller: callerOf(
        ACCOUNTS[String(headers['x-caller'])] ?? assert.fail(),
        undefined,
        entitiesIn({ configuration: () => configuration }),
      ),
    }));
  });
  after(() => api[Symbol.asyncDispose]());
  before(async () => {
    await as('all', { method: 'PUT', path: '/v1/organizations/acme', body: {} });
  });

  const as = (who: string, sent: Sent) => api.send({ ...sent, headers: { 'x-caller': who } });
  const OF_GLOBEX = /globex|hidden|secretly|10\.1\.2\.3/;

  const errorsOf = (text: string) =>
    (JSON.parse(text) as { errors?: { path: string; message: string }[] }).errors?.map(
      ({ path, message }) => `${path}: ${message}`,
    );

  const CASES: readonly (readonly [title: string, path: string, body: object, errors: string[]])[] = [
    [
      'a host and a path of others',
      '/v1/routes/mine?dry-run',
      { organization: 'acme', match: { hosts: ['*.example.com'], paths: ['/*'] }, respond: {} },
      [
        'routes.mine.match: acme would take requests of somebody else, or lose some to them, who has a part of /* on *.example.com',
      ],
    ],
    [
      'what is wrong of their own beside it',
      '/v1/routes/mine?dry-run',
      { organization: 'acme', match: { hosts: ['pages.test'], paths: ['/pages'] }, respond: {} },
      [
        'routes.mine.match: acme would take requests of somebody else, or lose some to them, who has a part of /pages on pages.test',
        'routes.shared-pages.match: ties with mine: both match, and nothing says which goes first. Give one of them a priority',
      ],
    ],
  ];
  for (const [title, path, body, errors] of CASES)
    it(`says nothing of where others have theirs: ${title}`, async () => {
      const { status, text } = await as('acme', { method: 'PUT', path, body });
      assert.deepEqual([status, errorsOf(text)], [422, errors], text);
      assert.doesNotMatch(text, OF_GLOBEX);
      const whole = await as('all', { method: 'PUT', path, body });
      assert.ok((errorsOf(whole.text)?.length ?? 0) >= errors.length, whole.text);
    });

  it('says the whole to who sees the whole', async () => {
    const [, path, body] = CASES[0] ?? assert.fail();
    const { text } = await as('all', { method: 'PUT', path, body });
    assert.deepEqual(
      errorsOf(text)?.map((each) => each.slice(0, each.indexOf(':'))),
      ['routes.mine.match', 'routes.globex-cart.match'],
    );
  });

  it('says that something is wrong where all of it is of others', async () => {
    await as('all', {
      method: 'PUT',
      path: '/v1/providers/corp',
      body: { organization: 'acme', issuer: 'https://id.example.com' },
    });
    const errors = [
      { severity: 'error', path: 'consumers.globex-app.subjects', message: 'is of globex' } as const,
    ];
    const change = configuration.change.bind(configuration);
    configuration.change = async () => ({ kind: 'refused', problems: errors });
    try {
      const { status, text } = await as('acme', { method: 'DELETE', path: '/v1/providers/corp' });
      assert.deepEqual(
        [status, errorsOf(text)],
        [422, [': something that belongs to somebody else would be wrong then']],
      );
      assert.doesNotMatch(text, OF_GLOBEX);
    } finally {
      configuration.change = change;
    }
  });

  it('suggests no name of others, in errors and in warnings', async () => {
    const waiting = { organization: 'acme', paths: ['/a'], service: 'globex-payment' };
    const made = await as('acme', { method: 'PUT', path: '/v1/apis/mine', body: waiting });
    assert.equal(made.status, 201, made.text);
    assert.match(made.text, /there is no service \\"globex-payment\\"/);
    assert.doesNotMatch(made.text, /globex-payments/);
    const sent = (who: string) =>
      as(who, {
        method: 'POST',
        path: '/v1/apply?dry-run',
        body: { apis: { other: { ...waiting, paths: ['/b'] } } },
      });
    const planned = await sent('acme');
    assert.equal(planned.status, 200, planned.text);
    assert.match(planned.text, /there is no service/);
    assert.doesNotMatch(planned.text, /globex-payments/);
    assert.match((await sent('all')).text, /"suggestion": "globex-payments"/);
  });

  it('lets two organizations know the same user name, and none the name of a shared one', async () => {
    const put = (who: string, name: string, body: object) =>
      as(who, { method: 'PUT', path: `/v1/consumers/${name}`, body });
    const basic = { username: 'app', password: 'two' };
    assert.equal((await put('acme', 'acme-app', { organization: 'acme', basic })).status, 201);
    assert.equal((await put('all', 'pages', { basic: { username: 'page', password: 'p' } })).status, 201);
    const { status, text } = await put('acme', 'acme-page', {
      organization: 'acme',
      basic: { username: 'page', password: 'three' },
    });
    assert.deepEqual(
      [status, errorsOf(text)],
      [422, ['consumers.acme-page.basic.username: the consumer pages has this user name already']],
    );
  });
});
