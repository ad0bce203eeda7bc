import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { RunningCli, Workspace } from '../support/cli.ts';
import {
  allowedMs,
  byAdminApi,
  byCommandLine,
  isOfLife,
  type LiveNode,
  LiveTraffic,
  liveThrough,
  median,
  textOfTook,
} from '../support/live-changes.ts';
import { startManager } from '../support/manager.ts';
import { NamedTarget } from '../support/named-target.ts';
import { CutProxy, openPostgresSchema, type TestPostgres } from '../support/postgres.ts';

const LISTENERS =
  'listeners: { http: { address: 127.0.0.1, port: 0 } }\nadmin: { port: 0 }\nruntime: { workers: 1 }\n';
const QUIET = 'observability: { accessLog: { enabled: false } }\n';
const STEADY = 'routes: { steady: { match: { paths: [/steady] }, respond: { status: 200, body: ok } } }\n';
/** Of so many lives of an API the median is a measure. */
const LIVES = 5;
/** Changes that are acknowledged before the kill. */
const KILLED_AFTER = 250;
const KEY = 'the key of these tests, which nobody guesses';

async function send(node: LiveNode, method: string, path: string, body?: unknown): Promise<number> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const answer = await fetch(new URL(path, node.admin), {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': type }, body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function statusOf(node: LiveNode, path: string): Promise<number> {
  const answer = await fetch(new URL(path, node.url));
  await answer.arrayBuffer();
  return answer.status;
}

/** Until a node answers so. */
async function untilStatus(node: LiveNode, path: string, status: number): Promise<void> {
  const started = performance.now();
  while ((await statusOf(node, path)) !== status)
    assert.ok(performance.now() - started < 10_000, `${path} is not answered with ${status}`);
}

describe('Two nodes that share a PostgreSQL', () => {
  let postgres: TestPostgres;
  let proxy: CutProxy;
  let workspaces: readonly Workspace[];
  let clis: RunningCli[];
  let one: LiveNode;
  let two: LiveNode;
  const config = (url: string): string =>
    `${LISTENERS}${QUIET}${STEADY}services: { gone: { url: 'http://127.0.0.1:1' } }
store: { postgres: { url: '${url}', schema: ${postgres.schema}, timeout: 1s }, key: '${KEY}', poll: 1s }\n`;

  before(async () => {
    postgres = await openPostgresSchema();
    proxy = await CutProxy.start(postgres.url);
    workspaces = [postgres.url, proxy.url].map((url) => new Workspace({ 'portcullis.yaml': config(url) }));
    clis = workspaces.map(({ directory }) => new RunningCli(['serve'], directory));
    [one, two] = (await Promise.all(clis.map((cli) => cli.ready()))) as [LiveNode, LiveNode];
  });
  after(async () => {
    for (const cli of clis) await cli[Symbol.asyncDispose]();
    for (const workspace of workspaces) workspace[Symbol.dispose]();
    proxy.close();
    await postgres.close();
  });

  it('serve what is created, updated, disabled and deleted by admin API and command line, on one within 200 ms, on the other within a second, and no request fails', async (test) => {
    await using a = await NamedTarget.start('a');
    await using b = await NamedTarget.start('b');
    for (const [name, { url }] of Object.entries({ a, b }))
      assert.equal(await send(one, 'PUT', `/v1/services/${name}`, { url }), 201);
    const { directory } = workspaces[0] as Workspace;
    for (const [name, way] of [
      ['admin API', byAdminApi(one.admin)],
      ['command line', byCommandLine(one.admin, directory)],
    ] as const) {
      const steady = new LiveTraffic([one, two], '/steady', (answer) => answer === '200 ok');
      const changed = new LiveTraffic([one, two], '/live', isOfLife);
      let lived: Awaited<ReturnType<typeof liveThrough>>;
      try {
        lived = await liveThrough(way, one, [two], LIVES);
      } finally {
        await steady[Symbol.asyncDispose]();
        await changed[Symbol.asyncDispose]();
      }
      test.diagnostic(`${name}: ${textOfTook(lived)}; ${steady.asked + changed.asked} requests`);
      assert.deepEqual([...steady.failed, ...changed.failed], []);
      assert.ok(steady.asked > 10 && changed.asked > 10);
      for (const { deed, here, there } of lived.took) {
        const told = `${deed} by ${name}: ${here.join()} and ${there.join()} beside ${lived.fixed.join()}`;
        assert.ok(median(here) < allowedMs(200, lived.fixed), told);
        assert.ok(median(there) < allowedMs(1000, lived.fixed), told);
      }
    }
    const orders = { paths: ['/api'], service: 'gone', authentication: 'public' };
    assert.equal(await send(one, 'PUT', '/v1/apis/orders', orders), 201);
    await untilStatus(two, '/api', 502);
  });

  it('serve on while it is down, and say so', async () => {
    proxy.cut();
    // Whoever asks it next notices, a change or the look of each second.
    await (clis[1] as RunningCli).logged(/^the store cannot be reached, the configuration stays as it is/);
    assert.equal(
      await send(two, 'PUT', '/v1/routes/lost', { match: { paths: ['/lost'] }, respond: { status: 204 } }),
      503,
    );
    assert.equal(await statusOf(two, '/steady'), 200);
    assert.equal(await send(two, 'GET', '/readyz'), 200);
    const metrics = await (await fetch(new URL('/metrics', two.admin))).text();
    assert.match(metrics, /^portcullis_store_up 0$/m);
    assert.match(metrics, /^portcullis_store_revision [1-9]/m);
  });

  it('start without it from what they kept on disk, and say so', async () => {
    const [, workspace] = workspaces as [Workspace, Workspace];
    const killed = clis[1] as RunningCli;
    killed.signal('SIGKILL');
    await killed.exited;
    const again = new RunningCli(['serve'], workspace.directory);
    clis[1] = again;
    two = await again.ready();
    assert.ok(
      again.log.some(
        ({ level, message }) => level === 'warn' && /^serving revision \d+ from the snapshot/.test(message),
      ),
    );
    assert.equal(await send(two, 'GET', '/readyz'), 200);
    assert.equal(await send(two, 'GET', '/v1/apis/orders'), 200);
    assert.equal(await statusOf(two, '/steady'), 200);
    proxy.mend();
    await again.logged('the store can be reached again');
    await send(one, 'PUT', '/v1/routes/late', { match: { paths: ['/late'] }, respond: { status: 204 } });
    await untilStatus(two, '/late', 204);
  });
});

describe('A gateway that is killed amid 1,000 changes', () => {
  it('loses none that was acknowledged, and starts again with all of them', async (test) => {
    using workspace = new Workspace({ 'portcullis.yaml': `${LISTENERS}${QUIET}${STEADY}` });
    await using cli = new RunningCli(['serve'], workspace.directory);
    const node = await cli.ready();
    const acknowledged: string[] = [];
    let next = 0;
    const writer = async (): Promise<void> => {
      while (next < 1000) {
        const name = `r${next++}`;
        const route = { match: { paths: [`/${name}`] }, respond: { status: 204 } };
        const status = await send(node, 'PUT', `/v1/routes/${name}`, route).catch(() => 0);
        if (status !== 201) return;
        acknowledged.push(name);
        if (acknowledged.length === KILLED_AFTER) cli.signal('SIGKILL');
      }
    };
    await Promise.all(Array.from({ length: 20 }, writer));
    await cli.exited;
    assert.ok(acknowledged.length >= KILLED_AFTER && next < 1000, `${acknowledged.length} of ${next}`);

    // Starting is loading: a revision that is not valid would be refused.
    await using again = await startManager({
      directory: workspace.directory,
      config: `${LISTENERS}${QUIET}${STEADY}`,
    });
    const kept = new Set(again.manager.list('routes').map(({ name }) => name));
    assert.deepEqual(
      acknowledged.filter((name) => !kept.has(name)),
      [],
    );
    const { revision } = again.manager;
    test.diagnostic(`${acknowledged.length} changes were acknowledged, ${revision} were kept`);
    assert.equal(kept.size - 1, revision, 'each revision added one route, and one is of the file');
    assert.ok(revision - acknowledged.length <= 1, 'one change at most was kept and not acknowledged');
  });
});
