import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { startApi, type TestApi } from '../../control/admin/v1/api.support.ts';
import { FakeConfiguration } from '../../control/admin/v1/fake-configuration.support.ts';
import { CERT, KEY } from '../../control/config/load.support.ts';
import type { Io } from '../command-line.ts';
import { type Ran, runIn } from '../commands/run.support.ts';

const folder = mkdtempSync(join(tmpdir(), 'portcullis-remote-'));
after(() => rmSync(folder, { recursive: true }));

const run = (
  line: string | readonly string[],
  env: Readonly<Record<string, string>>,
  confirm?: Io['confirm'],
  input?: string,
): Promise<Ran> =>
  runIn(folder, typeof line === 'string' ? line.split(' ') : line, {
    env: { HOME: folder, ...env },
    confirm,
    input: input === undefined ? undefined : Readable.from([Buffer.from(input)]),
  });

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** The gateway of these tests has no listener for https. */
const NO_HTTPS =
  'warning: apis.hello.protocols: takes requests over https alone, and none comes so: no listener has protocol: https, and none trusts a proxy that says how a client came (forwarding.trust)\n';

describe('commands for a running gateway', () => {
  let api: TestApi;
  let env: Record<string, string>;
  before(async () => {
    api = await startApi(new FakeConfiguration());
    env = { PORTCULLIS_ADMIN: `http://127.0.0.1:${api.port}` };
  });
  after(() => api[Symbol.asyncDispose]());

  it('create what files and flags say, and show it', async () => {
    file('users.yaml', 'url: http://127.0.0.1:4001\n');
    assert.deepEqual(await run('create service users -f users.yaml -m first', env), {
      code: 0,
      out: 'service users created\n',
      err: '',
    });
    const created = await run(
      'create api hello hello-fn --method get --path /hello --cors --auth public --https-only',
      env,
    );
    assert.deepEqual(created, {
      code: 0,
      out: 'api hello created\n',
      err: `${NO_HTTPS}warning: apis.hello.function: there is no function "hello-fn": its requests get 503 until there is one\n`,
    });
    const { out } = await run('get api hello -o json', env);
    const { meta: _, ...hello } = JSON.parse(out) as Record<string, unknown>;
    assert.deepEqual(hello, {
      name: 'hello',
      methods: ['GET'],
      paths: ['/hello'],
      authentication: 'public',
      cors: true,
      protocols: 'https',
      function: 'hello-fn',
    });
    assert.deepEqual(await run('get apis -o name', env), { code: 0, out: 'hello\n', err: '' });
  });

  it('list what there is as a table for people and as data for programs', async () => {
    const { out } = await run('get apis', env);
    const [head = '', row = ''] = out.split('\n');
    assert.equal(
      head.replaceAll(/ {2,}/g, '|'),
      'NAME|HOSTS|METHODS|PATHS|TARGET|AUTH|ENABLED|STATUS|ORIGIN|REVISION|UPDATED',
    );
    assert.match(row, /^hello +- +GET +\/hello +hello-fn +public +true +pending +store +2 +2026-01-01T/);
    const yaml = await run('get service users -o yaml', env);
    assert.match(yaml.out, /^name: users\nurl: http:\/\/127\.0\.0\.1:4001\nmeta:\n {2}origin: store\n/m);
    assert.deepEqual(await run('get plans', env), { code: 0, out: '', err: 'There are no plans.\n' });
  });

  it('change an API by flags, and take another target instead of the one before', async () => {
    assert.equal((await run('edit api hello --disable', env)).out, 'api hello changed\n');
    assert.equal((await run('edit api hello --service users', env)).code, 0);
    const hello = JSON.parse((await run('get api hello -o json', env)).out) as Record<string, unknown>;
    assert.deepEqual([hello['enabled'], hello['service'], hello['function']], [false, 'users', undefined]);
    assert.deepEqual(await run('edit api hello --enable --dry-run', env), {
      code: 0,
      out: `~ api hello\n    /enabled: false → true\n${NO_HTTPS}0 to create, 1 to change, 0 to delete\n`,
      err: '',
    });
  });

  it('change anything in an editor, and nothing where it was left as it was', async () => {
    const editor = join(folder, 'editor.sh');
    writeFileSync(editor, 'sed -i \'s/4001/4002/\' "$1"\n');
    assert.deepEqual(await run('edit service users', { ...env, EDITOR: `sh ${editor}` }), {
      code: 0,
      out: 'service users changed\n',
      err: '',
    });
    assert.match((await run('get service users -o yaml', env)).out, /url: http:\/\/127\.0\.0\.1:4002\n/);
    assert.deepEqual(await run('edit service users', { ...env, EDITOR: 'true' }), {
      code: 0,
      out: '',
      err: 'Nothing was changed.\n',
    });
    assert.deepEqual(await run('edit service users', { ...env, EDITOR: 'false' }), {
      code: 1,
      out: '',
      err: 'portcullis edit: the editor ended with 1: nothing was changed\n',
    });
  });

  it('delete what nothing needs any more', async () => {
    const other = 'url: http://127.0.0.1:4009\n';
    assert.equal((await run('create service other -f -', env, undefined, other)).code, 0);
    assert.deepEqual(await run('delete service other', env), {
      code: 0,
      out: 'service other deleted\n',
      err: '',
    });
    const { code, err } = await run('delete service other', env);
    assert.deepEqual([code, err.includes('entity_unknown')], [1, true]);
  });

  it('apply files after showing what changes, and take that back', async () => {
    file(
      'gateway.yaml',
      'services:\n  users: { url: "http://127.0.0.1:4002" }\n  files: { url: "http://127.0.0.1:4010" }\n',
    );
    file('more.yaml', 'apis:\n  hello: { paths: [/hallo], service: users }\n');
    const plan = '+ service files\n~ api hello\n(?: {4}/.* → .*\n){6}1 to create, 1 to change, 0 to delete\n';
    const line = 'apply -f gateway.yaml -f more.yaml';
    assert.match((await run(`${line} --dry-run`, env)).out, new RegExp(`^${plan}$`.replaceAll('+', '\\+')));
    assert.deepEqual(
      (await run(line, env)).err,
      'portcullis apply: nobody is there to be asked: say --yes\n',
    );
    const asked: string[] = [];
    const answering = (answer: boolean) => async (question: string) => {
      asked.push(question);
      return answer;
    };
    assert.equal((await run(line, env, answering(false))).err, 'Nothing was changed.\n');
    assert.match((await run(line, env, answering(true))).out, /Applied as revision \d+\.\n$/);
    assert.deepEqual(asked, ['Apply this?', 'Apply this?']);
    assert.equal((await run(`${line} --yes`, env)).out, 'Nothing to change.\n');
    const pruned = await run('apply -f more.yaml -f gateway.yaml --prune --yes', env);
    assert.equal(pruned.out, 'Nothing to change.\n');
    file('gateway.yaml', 'services:\n  users: { url: "http://127.0.0.1:4002" }\n');
    assert.match((await run('apply -f gateway.yaml --prune --yes', env)).out, /^- service files\n/);
    const [head, newest] = (await run('get revisions', env)).out.split('\n');
    assert.match(head ?? '', /^NUMBER +AT +AUTHOR +MESSAGE$/);
    const number = Number(/^\d+/.exec(newest ?? '')?.[0]);
    const back = await run(`rollback ${number - 1} --yes`, env);
    assert.match(
      back.out,
      new RegExp(`^\\+ service files\n1 to create, .*\nRolled back as revision ${number + 1}\\.\n$`),
    );
  });

  it('do not act on a plan that others have made obsolete', async () => {
    file('plan.yaml', 'services:\n  late: { url: "http://127.0.0.1:4020" }\n');
    const { code, err } = await run('apply -f plan.yaml', env, async () => {
      assert.equal((await run('edit api hello --disable', env)).code, 0);
      return true;
    });
    assert.deepEqual([code, err.includes('revision_outdated')], [1, true]);
    assert.equal((await run('edit api hello --enable', env)).code, 0);
  });

  it('tell until when certificates are good, and no key', async () => {
    file('shop.yaml', JSON.stringify({ cert: CERT, key: KEY }));
    assert.equal((await run('create certificate shop -f shop.yaml', env)).code, 0);
    const { out } = await run('get certificates', env);
    assert.match(
      out,
      /^NAME +HOSTS +KEY +VALID TO +ORIGIN +REVISION +UPDATED\nshop +localhost +ECDSA P-256 +2126-10-28T04:11:17\.000Z +store/,
    );
    assert.ok(!(await run('get certificate shop -o yaml', env)).out.includes('PRIVATE'));
  });

  it('say which requests would change their outcome, and fail where somebody is let in who was not', async () => {
    file('closed.yaml', 'apis:\n  hello: { paths: [/hallo], service: users, authentication: basic }\n');
    const closed = await run('diff -f closed.yaml', env);
    assert.deepEqual([closed.code, closed.err], [0, '']);
    assert.match(closed.out, /newly denied|newly-denied/);
    assert.match(closed.out, /\/hallo/);
    assert.equal((await run('apply -f closed.yaml --yes', env)).code, 0);
    file('open.yaml', 'apis:\n  hello: { paths: [/hallo], service: users, authentication: public }\n');
    const open = await run('diff -f open.yaml --json', env);
    assert.equal(open.code, 4);
    assert.equal((JSON.parse(open.out) as { weaker: boolean }).weaker, true);
    const revision = Number(/^\d+/m.exec((await run('get revisions', env)).out.split('\n')[1] ?? '')?.[0]);
    assert.match((await run(`diff --from ${revision - 1}`, env)).out, /\/hallo/);
    assert.match((await run('diff --from 0 --to 999', env)).err, /revision_unknown/);
    assert.match((await run('diff --from x', env)).err, /--from takes the number of a revision, not "x"/);
    assert.match((await run('diff', env)).err, /say what to compare/);
    assert.match((await run('diff a.yaml', env)).err, /<after> is missing/);
  });

  it('export what there is as a file has it', async () => {
    const { out } = await run('export', env);
    assert.match(out, /^services:\n/m);
    assert.equal(
      (await run(['apply', '-f', file('all.yaml', out), '--yes'], env)).out,
      'Nothing to change.\n',
    );
  });

  it('export with secrets only where it can be written down who had them', async () => {
    const { code, err } = await run('export --with-secrets', env);
    assert.equal(code, 1);
    assert.match(err, /This gateway has no store, so that nobody could write down who asked/);
  });

  it('give a consumer a key, told once and alone, and revoke it', async () => {
    file('carol.yaml', 'groups: [staff]\n');
    assert.equal((await run('create consumer carol -f carol.yaml', env)).code, 0);
    const made = await run('create credential carol/phone', env);
    assert.deepEqual([made.code, made.err], [0, 'api-keys phone of carol: told this once\n']);
    assert.match(made.out, /^[\w-]{43}\n$/);
    file('cert.yaml', 'certificate: { san: DNS:carol.example }\n');
    assert.deepEqual(await run('create credential carol -f cert.yaml', env), {
      code: 0,
      out: '',
      err: 'certificates DNS:carol.example of carol\n',
    });
    assert.match((await run('delete credential carol/phone --dry-run', env)).out, /^~ consumer carol\n/);
    assert.equal((await run('delete credential carol/phone', env)).out, 'api-keys phone of carol revoked\n');
    assert.equal(
      (await run('delete credential carol/certificates/DNS:carol.example', env)).out,
      'certificates DNS:carol.example of carol revoked\n',
    );
    assert.match(
      (await run('delete credential carol/phone', env)).err,
      /carol has none of the api-keys called "phone"/,
    );
    assert.match((await run('create credential carol', env)).err, /write <consumer>\/<name of the key>/);
    await run('delete consumer carol', env);
  });

  it('tell how far the nodes are', async () => {
    assert.match(
      (await run('status', env)).out,
      /^revision \d+\nNODE +REVISION +SEEN +FROM SNAPSHOT +PROBLEMS\n/,
    );
    const { code, out } = await run('status hello', env);
    assert.deepEqual([code, out.split('\n', 1)[0]], [0, 'hello is ready']);
    assert.match((await run('get nodes', env)).out, /^NODE +REVISION/);
  });

  const wrong: readonly (readonly [line: string, code: number, err: RegExp])[] = [
    ['get apps', 2, /^portcullis get: there are no apps \(did you mean apis\?\)\n$/],
    ['get apis -o xml', 2, /--output is table, json, yaml, name, not "xml"/],
    ['get api none', 1, /entity_unknown/],
    ['create service a b', 2, /a service is described by a file: -f service\.yaml/],
    ['create api a x --service y', 2, /the target is given twice/],
    ['create api a --https-only --http-only', 2, /--https-only and --http-only exclude each other/],
    ['create api a --auth ldap:x', 2, /--auth takes a name after oidc: and session: alone/],
    ['create service users -f users.yaml', 1, /entity_exists/],
    ['create service broken -f -', 2, /there is no standard input/],
    ['create service broken -f none.yaml', 2, /none\.yaml does not exist/],
    [
      'create service broken -f bad.yaml',
      1,
      /^portcullis create: it cannot be read\nbad\.yaml:1:4: nested mappings/,
    ],
    [
      'create service broken -f wrong.yaml',
      1,
      /\nwrong\.yaml:2:1: services\.broken\.timout: unknown key "timout"; did you mean "timeouts"\?\n/,
    ],
    ['apply -f bad.yaml --yes', 1, /^portcullis apply: it cannot be read\nbad\.yaml:1:4: nested mappings/],
    ['apply -f none.yaml --yes', 2, /none\.yaml does not exist/],
    ['edit service users --disable', 2, /these flags are for APIs/],
    ['edit service users', 2, /there is no editor: set EDITOR/],
    ['apply', 2, /say which files/],
    ['rollback x', 2, /"x" is not a number of a revision/],
    ['get apis --admin ftp://x', 2, /"ftp:\/\/x" is not the address of an admin port/],
    [
      'get apis --admin http://127.0.0.1:1',
      1,
      /no answer from http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED/,
    ],
    ['get apis --context a --admin http://127.0.0.1:1', 2, /both name a gateway/],
    ['get apis --context none', 2, /there is no context none/],
  ];
  for (const [line, code, err] of wrong)
    it(`refuse \`${line}\``, async () => {
      file('bad.yaml', 'a: b: c\n');
      file('wrong.yaml', 'url: http://127.0.0.1:4001\ntimout: 1s\n');
      const ran = await run(line, env);
      assert.equal(ran.code, code, ran.err);
      assert.match(ran.err, err);
    });

  it('send no token without TLS, except to this machine', async () => {
    const token = { ...env, PORTCULLIS_TOKEN: 'pca_secret' };
    assert.equal((await run('get apis -o name', token)).code, 0);
    const { code, err } = await run('get apis --admin http://gateway.example.com:9900', token);
    assert.deepEqual(
      [code, err],
      [2, 'portcullis get: a token is not sent to gateway.example.com:9900 without TLS: write https://\n'],
    );
  });

  it('know gateways by name, in a file that only their user can read', async () => {
    const contexts = join(folder, '.config', 'portcullis', 'contexts.json');
    assert.equal(
      (await run('context', {})).err,
      'There are no contexts: commands talk to http://127.0.0.1:9900.\n',
    );
    assert.equal((await run(`context add here --url ${env['PORTCULLIS_ADMIN']}`, {})).code, 0);
    assert.equal(statSync(contexts).mode & 0o777, 0o600);
    assert.equal((await run('get apis -o name', {})).out, 'hello\n');
    await run('context add nowhere --url http://127.0.0.1:1', {});
    assert.equal((await run('get apis -o name', {})).code, 1);
    assert.equal((await run('get apis -o name --context here', {})).out, 'hello\n');
    assert.match((await run('context use her', {})).err, /there is no context her \(did you mean here\?\)/);
    assert.equal((await run('context use here', {})).code, 0);
    assert.match((await run('context list', {})).out, /^\* +here +http:\/\/127\.0\.0\.1:\d+ +no$/m);
    await run('context remove here', {});
    writeFileSync(contexts, '{"contexts": 1}');
    assert.deepEqual(await run('context', {}), {
      code: 1,
      out: '',
      err: `portcullis context: ${contexts} is not a file of contexts\n`,
    });
  });
});
