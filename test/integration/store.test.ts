import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { RunningCli, Workspace } from '../support/cli.ts';
import { startManager } from '../support/manager.ts';
import { NamedTarget } from '../support/named-target.ts';
import { CutProxy, openPostgresSchema, type TestPostgres } from '../support/postgres.ts';

const LISTENERS =
  'listeners: { http: { address: 127.0.0.1, port: 0 } }\nadmin: { port: 0 }\nruntime: { workers: 1 }\n';
const QUIET = 'observability: { accessLog: { enabled: false } }\n';
const STEADY = 'routes: { steady: { match: { paths: [/steady] }, respond: { status: 200, body: ok } } }\n';
/** Between two requests of the traffic: the nodes are to have time for the rest. */
const PACE_MS = 5;
/** Of an API under requests: of so many the median is a measure. */
const CHANGES = 9;
/** Changes that are acknowledged before the kill. */
const KILLED_AFTER = 250;
const KEY = 'the key of these tests, which nobody guesses';

interface Node {
  readonly url: string;
  readonly admin: string;
}

async function send(node: Node, method: string, path: string, body?: unknown): Promise<number> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const answer = await fetch(new URL(path, node.admin), {
    method,
    ...(body === undefined ? {} : { headers: { 'content-type': type }, body: JSON.stringify(body) }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

async function statusOf(node: Node, path: string): Promise<number> {
  const answer = await fetch(new URL(path, node.url));
  await answer.arrayBuffer();
  return answer.status;
}

async function answerOf(node: Node, path: string): Promise<string> {
  return (await fetch(new URL(path, node.url))).text();
}

async function msOf(act: () => Promise<void>): Promise<number> {
  const started = performance.now();
  await act();
  return Math.round(performance.now() - started);
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

/** Milliseconds until a node answers so. */
async function msUntil(node: Node, path: string, status: number): Promise<number> {
  const started = performance.now();
  while ((await statusOf(node, path)) !== status)
    assert.ok(performance.now() - started < 10_000, `${path} is not answered with ${status}`);
  return performance.now() - started;
}

/** Asks until it is stopped, a little apart; then tells how many were answered, and how often not as they should. */
function traffic(
  nodes: readonly Node[],
  path = '/steady',
): {
  stop(): Promise<{ readonly asked: number; readonly failed: number }>;
} {
  let isOver = false;
  let asked = 0;
  let failed = 0;
  const ask = async (node: Node): Promise<void> => {
    while (!isOver) {
      asked++;
      if ((await statusOf(node, path).catch(() => 0)) !== 200) failed++;
      await setTimeout(PACE_MS);
    }
  };
  const all = Promise.all(nodes.map(ask));
  return {
    async stop() {
      isOver = true;
      await all;
      return { asked, failed };
    },
  };
}

describe('Two nodes that share a PostgreSQL', () => {
  let postgres: TestPostgres;
  let proxy: CutProxy;
  let workspaces: readonly Workspace[];
  let clis: RunningCli[];
  let one: Node;
  let two: Node;
  const config = (url: string): string =>
    `${LISTENERS}${QUIET}${STEADY}services: { gone: { url: 'http://127.0.0.1:1' } }
store: { postgres: { url: '${url}', schema: ${postgres.schema}, timeout: 1s }, key: '${KEY}', poll: 1s }\n`;

  before(async () => {
    postgres = await openPostgresSchema();
    proxy = await CutProxy.start(postgres.url);
    workspaces = [postgres.url, proxy.url].map((url) => new Workspace({ 'portcullis.yaml': config(url) }));
    clis = workspaces.map(({ directory }) => new RunningCli(['serve'], directory));
    [one, two] = (await Promise.all(clis.map((cli) => cli.ready()))) as [Node, Node];
  });
  after(async () => {
    for (const cli of clis) await cli[Symbol.asyncDispose]();
    for (const workspace of workspaces) workspace[Symbol.dispose]();
    proxy.close();
    await postgres.close();
  });

  it('serve what is created, updated, disabled and deleted: on one once that is acknowledged, on the other within a second', async (test) => {
    const requests = traffic([one, two]);
    const took: number[] = [];
    const delays: number[] = [];
    const change = async (
      [method, at, body]: readonly [method: string, at: string, body?: unknown],
      path: string,
      status: number,
    ): Promise<void> => {
      const started = performance.now();
      const answer = await send(one, method, `/v1/${at}`, body);
      took.push(Math.round(performance.now() - started));
      assert.ok(answer >= 200 && answer < 300, `${method} ${at}: ${answer}`);
      assert.equal(
        await statusOf(one, path),
        status,
        `${method} ${at} is acknowledged before it is in force`,
      );
      delays.push(Math.round(await msUntil(two, path, status)));
    };
    const route = (path: string, status: number) => ({ match: { paths: [path] }, respond: { status } });
    const api = { paths: ['/api'], service: 'gone', authentication: 'public' };
    try {
      await change(['PUT', 'routes/hello', route('/hello', 210)], '/hello', 210);
      await change(['PUT', 'routes/hello', route('/hello', 211)], '/hello', 211);
      await change(['PUT', 'apis/orders', api], '/api', 502);
      await change(['PATCH', 'apis/orders', { enabled: false }], '/api', 404);
      await change(['DELETE', 'routes/hello'], '/hello', 404);
    } finally {
      await requests.stop();
    }
    const { asked, failed } = await requests.stop();
    test.diagnostic(
      `ms to the acknowledgement: ${took.join()}; from there to the other node: ${delays.join()}`,
    );
    assert.equal(failed, 0);
    assert.ok(asked > 10);
    assert.ok(
      delays.every((ms) => ms < 1000),
      delays.join(),
    );
  });

  it('serve an API under requests while it is re-pointed and edited: none fails, and a change is there within 200 ms', async (test) => {
    await using a = await NamedTarget.start('a');
    await using b = await NamedTarget.start('b');
    await send(one, 'PUT', '/v1/services/a', { url: a.url });
    await send(one, 'PUT', '/v1/services/b', { url: b.url });
    const api = { paths: ['/live'], service: 'a', authentication: 'public' };
    assert.equal(await send(one, 'PUT', '/v1/apis/live', api), 201);
    await msUntil(two, '/live', 200);
    const requests = traffic([one, two], '/live');
    const [fixed, here, there]: [number[], number[], number[]] = [[], [], []];
    try {
      for (let turn = 0; turn < CHANGES; turn++) {
        // What the machine takes for as many requests without a change.
        fixed.push(
          await msOf(async () => {
            await send(one, 'GET', '/v1/apis/live');
            await answerOf(one, '/live');
          }),
        );
        const service = turn % 2 === 0 ? 'b' : 'a';
        const edited = { service, limits: { timeout: `${10 + turn}s` } };
        here.push(
          await msOf(async () => {
            assert.equal(await send(one, 'PATCH', '/v1/apis/live', edited), 200);
            assert.equal(await answerOf(one, '/live'), service);
          }),
        );
        there.push(
          await msOf(async () => {
            const started = performance.now();
            while ((await answerOf(two, '/live')) !== service)
              assert.ok(performance.now() - started < 10_000, 'the other node does not hear of it');
          }),
        );
      }
    } finally {
      await requests.stop();
    }
    const { asked, failed } = await requests.stop();
    test.diagnostic(
      `median ms: ${median(here)} here, ${median(there)} more on the other node, ${median(fixed)} of requests alone`,
    );
    assert.deepEqual([failed, asked > 10], [0, true]);
    assert.ok(median(here) < 200 + median(fixed), `${here.join()} beside ${fixed.join()}`);
    assert.ok(median(there) < 1000, there.join());
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
    await msUntil(two, '/late', 204);
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
