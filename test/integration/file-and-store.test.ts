import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { type Ran, runIn } from '../../src/main/commands/run.support.ts';
import { RunningCli, Workspace } from '../support/cli.ts';

/** What the gateway was started with; what is stored comes after. */
const DEPLOYED = `listeners:
  http: { address: 127.0.0.1, port: 0 }
admin: { port: 0 }
runtime: { workers: 1 }
services:
  orders: { url: 'http://127.0.0.1:3000' }
routes:
  orders:
    match: { paths: ['/orders/*'] }
    policies: [basic: {}]
    service: orders
`;
const STORED = {
  services: { reports: { url: 'http://127.0.0.1:3001' } },
  consumers: { alice: { apiKeys: [{ id: 'laptop', key: 'the-key-of-alice-0123456789' }] } },
  routes: {
    reports: {
      match: { paths: ['/reports/*'] },
      policies: [{ 'api-key': {} }],
      service: 'reports',
    },
    status: { match: { paths: ['/status'] }, service: 'orders' },
  },
};
/** Files that are right by themselves, and what they are together with the store. */
const SAME_AS_STORED = `${DEPLOYED}  all-reports:
    match: { paths: ['/reports/*'] }
    service: orders
`;
const WITHOUT_SERVICE = DEPLOYED.replace('  orders: { url', '  shop: { url').replace(
  'service: orders',
  'service: shop',
);
const OPEN = `${DEPLOYED}  one-report:
    match: { paths: ['/reports/{id}'], methods: [GET] }
    service: orders
`;

describe('A file that is looked at together with what a store holds', () => {
  using stack = new DisposableStack();
  const workspace = new Workspace({
    'portcullis.yaml': DEPLOYED,
    'same.yaml': SAME_AS_STORED,
    'without.yaml': WITHOUT_SERVICE,
    'open.yaml': OPEN,
    'elsewhere/deployed.yaml': DEPLOYED,
    'broken.yaml': DEPLOYED.replace('service: orders', 'servce: orders'),
    'unreadable.yaml': 'routes: [',
  });
  const kept = stack.move();
  let cli: RunningCli;
  let admin = '';
  before(async () => {
    kept.use(workspace);
    cli = new RunningCli(['serve'], workspace.directory);
    admin = (await cli.ready()).admin;
    const applied = await fetch(`${admin}/v1/apply`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(STORED),
    });
    assert.equal(applied.status, 200, await applied.text());
  });
  after(async () => {
    await cli[Symbol.asyncDispose]();
    kept.dispose();
  });

  const run = (line: string): Promise<Ran> => runIn(workspace.directory, line.split(' '));
  /** Both ways to ask: of the store itself, and of the gateway that has it. */
  const ways = (): readonly string[] => ['--store', `--admin ${admin}`];

  it('is right by itself, where only the store is against it', async () => {
    for (const file of ['same.yaml', 'without.yaml', 'open.yaml']) {
      const { code, out } = await run(`check ${file}`);
      assert.deepEqual([code, out], [0, 'ok\n'], file);
    }
  });

  it('is refused where it ties with a stored route', async () => {
    for (const way of ways()) {
      const { code, out, err } = await run(`check same.yaml ${way}`);
      assert.deepEqual([code, err], [1, ''], way);
      assert.match(
        out,
        /^store:routes\/reports:2:3: routes\.reports\.match: ties with all-reports: both match, and nothing says which goes first/,
        way,
      );
      assert.match(out, /not ok: 1 error\n$/, way);
    }
  });

  it('is refused where a stored route needs what it takes away', async () => {
    for (const way of ways()) {
      const { code, out } = await run(`check without.yaml ${way}`);
      assert.equal(code, 1, way);
      assert.match(
        out,
        /^store:routes\/status:\d+:\d+: routes\.status\.service: there is no service "orders"/m,
      );
    }
  });

  it('is taken where nothing is against it, and only read', async () => {
    for (const way of ways()) assert.equal((await run(`check portcullis.yaml ${way}`)).out, 'ok\n', way);
    const { revision } = (await (await fetch(`${admin}/v1/status`)).json()) as { revision: number };
    assert.equal(revision, 1);
  });

  it('tells its mistakes with line and column where a gateway finds them', async () => {
    const { code, out } = await run(`check broken.yaml --admin ${admin}`);
    assert.equal(code, 1);
    assert.match(
      out,
      /^broken\.yaml:11:13: routes\.orders\.servce: unknown key "servce"; did you mean "service"\?\n {2}11 \| {5}servce/m,
    );
    const unreadable = await run(`check unreadable.yaml --admin ${admin}`);
    assert.equal(unreadable.code, 1);
    assert.match(unreadable.out, /^unreadable\.yaml:1:/);
  });

  it('changes the outcome of requests for stored routes, which a comparison tells', async () => {
    assert.equal((await run('diff portcullis.yaml open.yaml')).code, 0, 'by themselves, a route more');
    for (const line of ['diff portcullis.yaml open.yaml --store', `diff open.yaml --admin ${admin}`]) {
      const { code, out } = await run(line);
      assert.equal(code, 4, line);
      assert.match(
        out,
        /^newly public: weaker\n {2}GET https:\/\/example\.com\/reports\/any\n {4}before {2}reports: api-key; .*\n {4}after {3}one-report: public; /m,
      );
    }
  });

  it('is compared with the store that the later file names, wherever the earlier one lies', async () => {
    const { code, out } = await run('diff elsewhere/deployed.yaml portcullis.yaml --store --exit-code');
    assert.deepEqual([code, out.split('\n')[0]], [0, 'No request changes its outcome (0 requests tried).']);
    assert.ok(!existsSync(workspace.path('elsewhere/portcullis.db')));
  });

  it('has no outcomes where a gateway would not take it', async () => {
    const { code, out, err } = await run(`diff without.yaml --admin ${admin}`);
    assert.deepEqual([code, out], [1, '']);
    assert.match(err, /^portcullis diff: without\.yaml has errors\nstore:routes\/status:/);
  });

  it('explains requests for stored routes', async () => {
    const without = await run('explain /status');
    assert.deepEqual(
      [without.code, without.err],
      [1, 'What the store holds is left out: --store takes it in.\n'],
    );
    const { code, out, err } = await run('explain /status --store');
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, /^Route: status \(store:routes\/status:1\)/m);
  });

  for (const [line, message] of [
    [
      'check --store --admin http://127.0.0.1:1',
      'check: --store reads the store, a running gateway knows it: give one of them',
    ],
    [
      'explain /a --store --admin http://127.0.0.1:1',
      'explain: --store reads the store, a running gateway knows it: give one of them',
    ],
    ['diff open.yaml --store', 'diff: --store is for two files: a running gateway knows its store'],
    [
      'diff open.yaml',
      'diff: <after> is missing, or --context or --admin: a gateway that <before> would be for',
    ],
  ] as const)
    it(`is not asked for by ${line}`, async () => {
      const { code, err } = await run(line);
      assert.deepEqual([code, err.split('\n')[0]], [2, `portcullis ${message}`]);
    });
});
