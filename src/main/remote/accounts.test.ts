import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startApi, type TestApi } from '../../control/admin/v1/api.support.ts';
import { FakeConfiguration } from '../../control/admin/v1/fake-configuration.support.ts';
import { openTestStore, type TestStore } from '../../control/rights/store/stores.support.ts';
import type { Io } from '../command-line.ts';
import { type Ran, runIn } from '../commands/run.support.ts';

const PASSWORD = 'correct horse battery';

describe('accounts from the command line', () => {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-accounts-'));
  let test: TestStore;
  let api: TestApi;
  before(async () => {
    test = await openTestStore('sqlite', (organization) => organization === 'acme');
    const rights = { store: test.store, authentication: undefined, external: undefined };
    api = await startApi(new FakeConfiguration({ organizations: { acme: {} } }), undefined, { rights });
  });
  after(async () => {
    await api[Symbol.asyncDispose]();
    await test[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true });
  });

  const run = (line: string, io: Partial<Io> = {}): Promise<Ran> =>
    runIn(folder, line.split(' '), {
      env: { HOME: folder, PORTCULLIS_ADMIN: `http://127.0.0.1:${api.port}` },
      ...io,
    });
  async function table(line: string): Promise<string[]> {
    const { code, out, err } = await run(line);
    assert.equal(code, 0, err);
    return out
      .trimEnd()
      .split('\n')
      .map((row) => row.replaceAll(/ {2,}/g, '|').replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '…'));
  }

  it('are made, listed, changed and deleted', async () => {
    const made = await run('create user alice --title Alice --password', { secret: async () => PASSWORD });
    assert.deepEqual(made, { code: 0, out: 'user alice created\n', err: '' });
    assert.equal(
      (await run('create service-account ci --organization acme')).out,
      'service account ci created\n',
    );
    assert.equal((await run('create membership acme/alice --role admin')).out, 'acme/alice is admin\n');
    assert.equal((await run('edit membership acme/alice --role developer')).out, 'acme/alice is developer\n');
    assert.deepEqual(await table('get users'), [
      'NAME|TITLE|ROLES|PASSWORD|IDENTITIES|DISABLED|UPDATED',
      'alice|Alice|acme=developer|true|-|false|…',
    ]);
    assert.deepEqual(await table('get service-accounts'), [
      'NAME|ORGANIZATION|TITLE|ROLES|DISABLED|UPDATED',
      'ci|acme|-|-|false|…',
    ]);
    assert.deepEqual(await table('get memberships alice --organization acme'), [
      'ORGANIZATION|ACCOUNT|KIND|ROLE|SOURCE',
      'acme|alice|user|developer|given',
    ]);
    assert.equal((await run('get memberships -o name')).out, 'acme/alice\n');
    assert.equal((await run('edit user alice --disable')).out, 'user alice changed\n');
    const { out } = await run('get user alice -o json');
    const { title, disabled, password } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual([title, disabled, password], ['Alice', true, true], 'what is not said stays');
    assert.equal((await run('edit service-account ci --title Builds')).out, 'service account ci changed\n');
    assert.match((await table('get service-account ci'))[1] ?? '', /^ci\|acme\|Builds\|/);
    assert.equal((await run('delete membership acme/alice')).out, 'membership acme/alice deleted\n');
    assert.equal((await run('delete user alice')).out, 'user alice deleted\n');
    assert.deepEqual(await run('get users'), { code: 0, out: '', err: 'There are no users.\n' });
  });

  it('get tokens, each told once and alone, and lose them', async () => {
    const line = 'create token build --service-account ci --role developer --organization acme --days 7';
    const { code, out, err } = await run(line);
    assert.deepEqual([code, err], [0, 'It is told this once.\n']);
    assert.match(out, /^pca_\S+\n$/);
    const [, row = ''] = await table('get tokens ci');
    const [id = '', ...rest] = row.split('|');
    assert.deepEqual(rest, ['build', 'developer', 'acme', '…', '-', '-']);
    assert.equal((await run('get tokens ci -o name')).out, `${id}\n`);
    assert.equal((await run(`delete token ${id} --service-account ci`)).out, `token ${id} revoked\n`);
    assert.match((await table('get tokens ci'))[1] ?? '', /\|…\|-\|…$/);
  });

  it('are told of in the audit log, which is exported whole and looked through', async () => {
    const [head, newest = ''] = await table('audit --object users/alice --limit 2');
    assert.equal(head, 'NUMBER|AT|NAME|ACTION|OBJECT|ORGANIZATION|REVISION');
    assert.match(newest, /^\d+\|…\|local\|delete\|users\/alice\|-\|-$/);
    const { out } = await run('audit --export --action create');
    const entries = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { number: number; object: string });
    assert.deepEqual(
      entries.slice(0, 3).map(({ object }) => object),
      ['users/alice', 'service-accounts/ci', 'memberships/acme/alice'],
    );
    const later = await run(`audit --export --action create --after ${entries[0]?.number}`);
    assert.equal(later.out, out.slice(out.indexOf('\n') + 1));
    const verified = await run('audit --verify');
    assert.match(verified.out, /^The log is whole: \d+ entries, the last one [\w-]+\.\n$/);
    assert.equal(verified.code, 0);
    assert.deepEqual(await run('audit --account nobody'), {
      code: 0,
      out: '',
      err: 'There are no entries.\n',
    });
  });

  const wrong: readonly (readonly [line: string, code: number, err: RegExp])[] = [
    ['create user ci', 1, /a service account is called ci \(name_taken\)/],
    ['create service-account ci', 1, /there is a service account ci already/],
    ['create user x --cors', 2, /--cors is not for create user/],
    ['create user x --dry-run', 2, /--dry-run is not for create user/],
    ['create api x --role viewer', 2, /--role is for accounts, their roles and tokens/],
    ['create membership acme --role viewer', 2, /a membership is <organization>\/<account>/],
    ['create membership acme/ci', 2, /say which role/],
    ['create membership gone/ci --role viewer', 1, /there is no organization gone/],
    ['create user x --password', 2, /no password was given/],
    ['create token x --days many', 2, /--days takes a number/],
    ['edit user ci', 2, /say what to change: --title, --password, --enable, --disable/],
    ['edit user nobody --enable', 1, /there is no user nobody \(account_unknown\)/],
    ['edit token x', 2, /a token is not changed/],
    ['delete user nobody', 1, /there is no user nobody/],
    ['get users --sort name', 2, /--sort is not for users/],
    ['get users --status ready', 2, /--status is not for users/],
    ['get services --status ready', 2, /--status is not for services/],
    ['get apis --status broken', 2, /--status is error, pending, ready, not "broken"/],
    ['get apis --enabled --disabled', 2, /exclude each other/],
    ['get api x --service y', 2, /--service is for lists/],
    ['audit --verify --export', 2, /exclude each other/],
    ['audit --after 3', 2, /--after is for --export/],
    ['audit --limit 0', 2, /--limit takes a number/],
    ['audit --from yesterday', 1, /from: /],
  ];
  for (const [line, code, err] of wrong)
    it(`refuse \`${line}\``, async () => {
      const ran = await run(line);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, err);
    });
});
