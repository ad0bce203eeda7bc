import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { Workspace } from '../../../test/support/cli.ts';
import { startApi, type TestApi } from '../../control/admin/v1/api.support.ts';
import { FakeConfiguration } from '../../control/admin/v1/fake-configuration.support.ts';
import type { Io } from '../command-line.ts';
import { type Ran, runIn } from '../commands/run.support.ts';
import { readDocuments } from './documents.ts';

const workspace = new Workspace();
let api: TestApi;
let admin: string;
let configuration: FakeConfiguration;

before(async () => {
  configuration = new FakeConfiguration();
  api = await startApi(configuration);
  admin = `http://127.0.0.1:${api.port}`;
});
after(async () => {
  await api[Symbol.asyncDispose]();
  workspace[Symbol.dispose]();
});

function run(line: string, io: Partial<Io> = {}): Promise<Ran> {
  const env = { HOME: workspace.directory, PORTCULLIS_ADMIN: admin, ...io.env };
  return runIn(workspace.directory, line.split(' '), { ...io, env });
}

/** What the store has, or undefined. */
function stored(collection: 'apis' | 'services' | 'policies', name: string): unknown {
  return configuration.get(collection, name)?.value;
}

const input = (text: string): Partial<Io> => ({ input: Readable.from([Buffer.from(text)]) });
const create = (line: string, text: string) => run(`create ${line} -f -`, input(text));

/** With the paths of temporary folders cut off. */
const plain = (text: string) => text.replaceAll(/\S*\/portcullis-edit-[^/]+\//g, '…/');

describe('a flag of `edit` takes the place of all that was said of the same', () => {
  const table: readonly (readonly [before: object, flags: string, after: object])[] = [
    [
      { authentication: { oidc: { provider: 'p1', audience: 'orders' } } },
      '--auth session:web',
      { authentication: { oidc: { session: 'web' } } },
    ],
    [
      { authentication: { basic: { realm: 'R' } } },
      '--auth oidc:p1',
      { authentication: { oidc: { provider: 'p1' } } },
    ],
    [{ authentication: { basic: { realm: 'R' } } }, '--auth public', { authentication: 'public' }],
    [{ protocols: { https: { status: 403 } } }, '--http-and-https', { protocols: 'both' }],
    [{ cors: { origins: ['https://a.example'] } }, '--no-cors', { cors: false }],
    [{ limits: { rate: '5/s', quota: '100/d' } }, '--rate 7/s', { limits: { rate: '7/s', quota: '100/d' } }],
    [{ limits: { rate: '5/s', quota: '100/d' } }, '--no-rate', { limits: { quota: '100/d' } }],
    [{ limits: { rate: '5/s' } }, '--no-rate', {}],
    [{ service: 's' }, '--function f', { function: 'f' }],
  ];
  for (const [was, flags, is] of table)
    it(`${JSON.stringify(was)} with ${flags} is ${JSON.stringify(is)}`, async () => {
      // What is between the two is not for the gateway to judge here: only what is sent.
      const loose = new FakeConfiguration({}, { check: false });
      await using other = await startApi(loose);
      const change = { collection: 'apis', name: 'x', value: { paths: ['/x'], ...was } } as const;
      await loose.change({ author: 'a', dryRun: false, changes: [change] });
      const { code, err } = await run(`edit api x ${flags} --admin http://127.0.0.1:${other.port}`);
      assert.equal(code, 0, err);
      assert.deepEqual(loose.get('apis', 'x')?.value, { paths: ['/x'], ...is });
    });

  for (const [flags, message] of [
    ['--cors --no-cors', '--cors and --no-cors exclude each other'],
    ['--rate 1/s --no-rate', '--rate and --no-rate exclude each other'],
    ['--https-only --http-and-https', '--https-only and --http-and-https exclude each other'],
  ] as const)
    it(`${flags} are refused`, async () =>
      assert.deepEqual(await run(`edit api x ${flags}`), {
        code: 2,
        out: '',
        err: `portcullis edit: ${message}\n`,
      }));
});

describe('what a change leaves to be said is said', () => {
  it('of what was written, and nothing of anything else', async () => {
    assert.deepEqual(await run('create api w1 nofn --path /w1 --auth public'), {
      code: 0,
      out: 'api w1 created\n',
      err: 'warning: apis.w1.function: there is no function "nofn": its requests get 503 until there is one\n',
    });
    assert.deepEqual(await run('create service w2 --url http://127.0.0.1:4001'), {
      code: 0,
      out: 'service w2 created\n',
      err: '',
    });
    workspace.write('w2.yaml', 'services: { w2: { url: "http://127.0.0.1:4002" } }\n');
    assert.deepEqual(await run('apply -f w2.yaml --dry-run'), {
      code: 0,
      out: '~ service w2\n    /url: http://127.0.0.1:4001 → http://127.0.0.1:4002\n0 to create, 1 to change, 0 to delete\n',
      err: '',
    });
  });

  it('of what pointed to what is deleted', async () => {
    assert.equal((await run('create api w3 w2 --path /w3')).code, 0);
    const { code, err } = await run('delete service w2');
    assert.deepEqual(
      [code, err],
      [0, 'warning: apis.w3.service: there is no service "w2": its requests get 503 until there is one\n'],
    );
  });

  it('and a secret is shown neither before nor after', async () => {
    const service = (key: string) =>
      `services: { sec: { url: "http://127.0.0.1:1", health: { active: { path: /, headers: { x-key: ${key} } } } } }\n`;
    workspace.write('sec.yaml', service('one1one1'));
    assert.equal((await run('apply -f sec.yaml --yes')).code, 0);
    workspace.write('sec.yaml', service('two2two2'));
    const { out } = await run('apply -f sec.yaml --dry-run');
    assert.match(out, /^~ service sec\n {4}\/health\/active\/headers\/x-key: \[redacted\], another one\n/);
    assert.ok(!out.includes('two2') && !out.includes('one1'), out);
  });
});

describe('what is refused is told with its place in the file of whoever wrote it', () => {
  const bad =
    'services:\n  j1: { url: "http://127.0.0.1:1" }\n  j2:\n    url: http://127.0.0.1:1\n    retry:\n      attempts: many\n';
  const excerpt = `:6:17: services.j2.retry.attempts: expected a number, found a text
   6 |       attempts: many
     |                 ^^^^`;

  it('by apply', async () => {
    workspace.write('pos.yaml', bad);
    const { code, err } = await run('apply -f pos.yaml --yes');
    assert.equal(code, 1);
    assert.ok(err.endsWith(`\npos.yaml${excerpt}\n`), err);
  });

  it('by diff', async () => {
    assert.ok((await run('diff -f pos.yaml')).err.endsWith(`\npos.yaml${excerpt}\n`));
  });

  it('by apply, in a later document of a file', async () => {
    workspace.write(
      'stream.yaml',
      `# first\n---\nplans: {}\n---\nservices:\n  j3: { ulr: "http://127.0.0.1:1" }\n`,
    );
    const { code, err } = await run('apply -f stream.yaml --yes');
    assert.equal(code, 1);
    assert.match(err, /\nstream\.yaml:6:9: services\.j3\.ulr: unknown key "ulr"; did you mean "url"\?\n/);
  });

  it('by apply, in a list of policies, whose entries the gateway names by their place', async () => {
    workspace.write('one.yaml', 'policies:\n  - cors: {}\n');
    workspace.write('two.yaml', 'policies:\n  - headers: {}\n');
    const io = { cwd: workspace.directory, env: {}, out() {}, err() {}, terminal: false, errTerminal: false };
    const written = await readDocuments(['one.yaml', 'two.yaml'], {
      ...io,
      color: false,
      secret: async () => undefined,
    });
    assert.deepEqual(written.value, { policies: [{ cors: {} }, { headers: {} }] });
    const { source, path } = written.place(['policies', 'p02-headers', 'headers']) ?? {};
    assert.deepEqual([source?.file, path], [workspace.path('two.yaml'), ['policies', 0, 'headers']]);
  });

  it('by create', async () => {
    workspace.write('j2.yaml', 'url: http://127.0.0.1:1\nretry: { attempts: many }\n');
    const { code, err } = await run('create service j2 -f j2.yaml');
    assert.equal(code, 1);
    assert.match(err, /\nj2\.yaml:2:20: services\.j2\.retry\.attempts: expected a number, found a text\n/);
  });

  it('by create, which changes what the file says by flags as edit does', async () => {
    const text = 'paths: [/j4]\nservice: s\nlimits: { rate: 1/s, quota: 100/d }\n';
    assert.equal((await run('create api j4 -f - --function f --rate 2/s', input(text))).code, 0);
    assert.deepEqual(stored('apis', 'j4'), {
      paths: ['/j4'],
      function: 'f',
      limits: { rate: '2/s', quota: '100/d' },
    });
  });

  it('by create, and without one where a flag said it', async () => {
    workspace.write('api.yaml', 'methods: [GET]\n');
    const { code, err } = await run('create api j3 -f api.yaml --path nowhere');
    assert.equal(code, 1);
    assert.match(err, /\n {2}apis\.j3\.paths\[0\]: /);
  });

  it('and shows no secret of that line', async () => {
    workspace.write('p.yaml', 'clientSecret: very-secret-text\nisuer: https://a.example\n');
    const { err } = await run('create provider p -f p.yaml');
    assert.match(err, /p\.yaml:2:1/);
    assert.ok(!err.includes('very-secret-text'), err);
  });
});

describe('an edit that is refused', () => {
  const editor = (script: string) => {
    workspace.write('editor.sh', script);
    return { EDITOR: `sh ${workspace.path('editor.sh')}` };
  };
  const kept: string[] = [];
  const fileIn = (err: string) => {
    const [, file = ''] = / -f (\S+\/portcullis-edit-\w+\/\S+)\n/.exec(err) ?? [];
    assert.notEqual(file, '', err);
    kept.push(file);
    return file;
  };
  after(() => {
    for (const file of kept) rmSync(dirname(file), { recursive: true, force: true });
  });

  before(async () => assert.equal((await create('service e', 'url: http://127.0.0.1:4001\n')).code, 0));

  it('is kept, and can be tried again from its file', async () => {
    const env = editor('echo "retry: { attempts: many }" >> "$1"\n');
    const { code, err } = await run('edit service e', { env });
    assert.equal(code, 1);
    assert.match(plain(err), /\n…\/service\.yaml:2:20: services\.e\.retry\.attempts: expected a number/);
    assert.match(plain(err), /\nit is kept: portcullis edit service e -f …\/service\.yaml\n$/);
    const file = fileIn(err);
    assert.equal(readFileSync(file, 'utf8'), 'url: http://127.0.0.1:4001\nretry: { attempts: many }\n');
    spawnSync('sed', ['-i', 's/many/2/', file]);
    assert.equal((await run(`edit service e -f ${file}`)).out, 'service e changed\n');
    assert.deepEqual(stored('services', 'e'), { url: 'http://127.0.0.1:4001', retry: { attempts: 2 } });
  });

  it('is opened again where somebody says so, and is gone when it is done', async () => {
    const env = editor(
      'grep -q many "$1" && sed -i s/many/3/ "$1" || sed -i "s/attempts: 2/attempts: many/" "$1"\n',
    );
    const asked: string[] = [];
    const confirm = async (question: string) => asked.push(question) > 0;
    const { code, out, err } = await run('edit service e', { env, confirm });
    assert.deepEqual([code, out, asked], [0, 'service e changed\n', ['Edit it again?']]);
    assert.match(err, /^portcullis edit: .*attempts: expected a number/s);
    assert.ok(!existsSync(/^(\S*\/portcullis-edit-\S+\.yaml):/m.exec(err)?.[1] ?? '/'));
  });

  it('is kept when somebody else was quicker', async () => {
    const env = editor(`sed -i s/4001/4002/ "$1"; touch ${workspace.path('begun')}\n`);
    const meanwhile = { author: 'b', dryRun: false };
    const value = { url: 'http://127.0.0.1:4009' };
    const get = configuration.get.bind(configuration);
    // Between the first look and the change.
    configuration.get = (collection, name) => {
      if (existsSync(workspace.path('begun'))) {
        configuration.get = get;
        void configuration.change({ ...meanwhile, changes: [{ collection: 'services', name: 'e', value }] });
      }
      return get(collection, name);
    };
    const { code, err } = await run('edit service e', { env });
    assert.equal(code, 1);
    assert.match(err, /precondition_failed/);
    assert.match(readFileSync(fileIn(err), 'utf8'), /4002/);
  });

  it('is kept when the editor fails after some work, and only then', async () => {
    const worked = await run('edit service e', { env: editor('echo "# more" >> "$1"; exit 3\n') });
    assert.match(
      plain(worked.err),
      /^portcullis edit: the editor ended with 3: nothing was changed\nit is kept: /,
    );
    assert.ok(existsSync(fileIn(worked.err)));
    const seen = workspace.path('seen');
    const idle = await run('edit service e', { env: editor(`echo "$1" > ${seen}; exit 3\n`) });
    assert.equal(idle.err, 'portcullis edit: the editor ended with 3: nothing was changed\n');
    assert.ok(!existsSync(readFileSync(seen, 'utf8').trim()));
  });
});

describe('files of every form', () => {
  it('leave out what is of the process, with a warning', async () => {
    workspace.write(
      'whole.yaml',
      '$schema: ./schema.json\nlisteners: { http: { port: 8080 } }\nadmin: { port: 9900 }\npolicies: [cors: { origins: ["https://a.example"] }]\n',
    );
    const { code, out, err } = await run('apply -f whole.yaml --yes');
    assert.equal(code, 0, err);
    assert.match(out, /^\+ policy p01-cors\n/);
    const left = 'is of the process and stands in its own file: it is left out here';
    assert.deepEqual(
      err.split('\n').filter((line) => line.startsWith('whole')),
      [`whole.yaml:2:1: warning: listeners: ${left}`, `whole.yaml:3:1: warning: admin: ${left}`],
    );
    assert.deepEqual(stored('policies', 'p01-cors'), { cors: { origins: ['https://a.example'] } });
  });

  it('are those of one organization alone where that is said', async () => {
    workspace.write(
      'team.yaml',
      'organizations: { acme: {} }\nservices: { team: { organization: acme, url: "http://127.0.0.1:1" } }\n',
    );
    const line = 'apply -f team.yaml --organization acme --prune';
    const { code, out, err } = await run(`${line} --yes`);
    assert.equal(code, 0, err);
    assert.equal(
      out,
      '+ organization acme\n+ service team\n2 to create, 0 to change, 0 to delete\n' +
        `Applied as revision ${configuration.revision}.\n`,
    );
    assert.deepEqual(await run('diff -f team.yaml --organization acme --prune'), {
      code: 0,
      out: 'No request changes its outcome (0 requests tried).\n',
      err: '',
    });
    assert.equal(
      (await run('export --organization acme')).out,
      'services:\n  team:\n    organization: acme\n    url: http://127.0.0.1:1\n',
    );
    const other = await run('apply -f team.yaml --organization globex --yes');
    assert.equal(other.code, 0, 'nothing of it changes');
    workspace.write('team.yaml', 'services: { team: { organization: acme, url: "http://127.0.0.1:2" } }\n');
    const refused = await run('apply -f team.yaml --organization globex --yes');
    assert.equal(refused.code, 1);
    assert.match(
      refused.err,
      /team\.yaml:1:\d+: services\.team: belongs to acme, and only what belongs to globex/,
    );
  });

  it('are what export prints, too', async () => {
    const { out } = await run('export');
    workspace.write('export.yaml', out);
    assert.deepEqual(await run('apply -f export.yaml --yes'), {
      code: 0,
      out: 'Nothing to change.\n',
      err: '',
    });
  });

  it('are taken from folders, in the order of their names, and from streams of documents', async () => {
    mkdirSync(workspace.path('dir'));
    workspace.write('dir/b.json', '{"services": {"f2": {"url": "http://127.0.0.1:2"}}}');
    workspace.write(
      'dir/a.yml',
      'services: { f1: { url: "http://127.0.0.1:1" } }\n---\nservices:\n  f3: { url: "http://127.0.0.1:3" }\n---\n',
    );
    workspace.write('dir/notes.txt', 'not a document');
    const { out, err } = await run('apply -f dir --dry-run');
    assert.equal(
      err + out,
      '+ service f1\n+ service f3\n+ service f2\n3 to create, 0 to change, 0 to delete\n',
    );
    workspace.write('dir/c.yaml', 'services:\n  f1: { url: "http://127.0.0.1:9" }\n');
    assert.deepEqual(await run('apply -f dir --dry-run'), {
      code: 1,
      out: '',
      err: 'portcullis apply: they cannot be taken\ndir/c.yaml:2:3: services.f1: is in another file too\n   2 |   f1: { url: "http://127.0.0.1:9" }\n     |   ^^\n',
    });
  });

  it('are taken from pipes', async () => {
    const pipe = workspace.path('pipe');
    spawnSync('sh', ['-c', 'mkfifo "$1"', 'sh', pipe]);
    const [ran] = await Promise.all([
      run('apply -f pipe --dry-run'),
      writeFile(pipe, 'services: { f1: { url: "http://127.0.0.1:1" } }\n'),
    ]);
    assert.deepEqual(ran, { code: 0, out: '+ service f1\n1 to create, 0 to change, 0 to delete\n', err: '' });
  });
});

describe('for programs', () => {
  it('every change is what the admin API says of it', async () => {
    const lines: readonly (readonly [line: string, result: string, action: string])[] = [
      ['create service o1 --url http://127.0.0.1:1 --dry-run', 'planned', 'create'],
      ['create service o1 --url http://127.0.0.1:1', 'applied', 'create'],
      ['create api o2 o1 --path /o2', 'applied', 'create'],
      ['edit api o2 --disable', 'applied', 'update'],
      ['delete api o2', 'applied', 'delete'],
      ['apply -f o.yaml --dry-run', 'planned', 'update'],
      ['apply -f o.yaml --yes', 'applied', 'update'],
      ['rollback 0 --dry-run', 'planned', 'delete'],
    ];
    workspace.write('o.yaml', 'services: { o1: { url: "http://127.0.0.1:2" } }\n');
    for (const [line, result, action] of lines) {
      const { code, out, err } = await run(`${line} -o json`);
      assert.equal(code, 0, `${line}\n${err}`);
      const change = JSON.parse(out) as { result: string; revision: number; changes: { action: string }[] };
      assert.deepEqual(
        [change.result, change.changes[0]?.action, change.revision],
        [result, action, configuration.revision],
        line,
      );
    }
    assert.match(
      (await run('apply -f o.yaml --yes -o yaml')).out,
      /^result: unchanged\nrevision: \d+\nchanges: \[\]\n/,
    );
    assert.match((await run('diff -f o.yaml -o yaml')).out, /^weaker: false\n/m);
    assert.equal(
      (await run('delete service o1 -o xml')).err,
      'portcullis delete: --output is text, json or yaml, not "xml"\n',
    );
    assert.notEqual(stored('services', 'o1'), undefined);
  });
});

describe('get', () => {
  it('sorts, and takes no flag that it would not mind', async () => {
    await create('organization acme', 'title: Acme\n');
    const names = async (line: string) => (await run(line)).out.trim().split('\n');
    const sorted = await names('get services -o name');
    assert.deepEqual(await names('get services -o name --sort=-name'), sorted.toReversed());
    for (const [line, code, err] of [
      ['get services --sort size', 2, '--sort is name, -name, updated, -updated, not "size"'],
      ['get service o1 --organization nope', 1, 'there is no o1 of the organization nope'],
      ['get service o1 --sort name', 2, '--sort is for lists: leave out the name'],
      ['get nodes --organization acme', 2, '--organization is not for nodes'],
    ] as const)
      assert.deepEqual(await run(line), { code, out: '', err: `portcullis get: ${err}\n` }, line);
  });
});

describe('status --wait', () => {
  const behind = { node: 'b', revision: 0, problems: [], seenAtMs: 0, fromSnapshot: false };
  after(() => void (configuration.others = []));

  it('ends when every node has caught up', async () => {
    configuration.others = [behind];
    const nodes = configuration.nodes.bind(configuration);
    let looks = 0;
    configuration.nodes = () => {
      if (++looks === 2) configuration.others = [{ ...behind, revision: configuration.revision }];
      return nodes();
    };
    const { code } = await run('status --wait');
    assert.deepEqual([code, looks], [0, 2]);
  });

  it('ends with 1 when the time is over', async () => {
    configuration.others = [behind];
    const { code, out } = await run('status --wait --timeout 10ms');
    assert.deepEqual([code, out.split('\n')[0]], [1, `revision ${configuration.revision}`]);
    const { err } = await run('status --wait --timeout soon');
    assert.equal(err, 'portcullis status: --timeout is a time such as 30s, not "soon"\n');
  });
});
