import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ChangeProblem, NodeStatus } from '../../manager/manager.ts';
import { startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

const SEEN = Date.UTC(2026, 0, 2);
const node = (name: string, revision: number, ...problems: ChangeProblem[]): NodeStatus => ({
  node: name,
  revision,
  problems,
  seenAtMs: SEEN,
  fromSnapshot: false,
});
const problem = (path: string, message: string): ChangeProblem => ({ severity: 'error', path, message });

describe('The status of an API', () => {
  const configuration = new FakeConfiguration({}, { check: false });
  let api: TestApi;
  before(async () => {
    api = await startApi(configuration);
    await api.send({ method: 'PUT', path: '/v1/services/orders', body: { url: 'http://127.0.0.1:1' } });
    await api.send({ method: 'PUT', path: '/v1/apis/a', body: { paths: ['/a'], service: 'orders' } });
    await api.send({ method: 'PUT', path: '/v1/apis/b', body: { paths: ['/b'], function: 'later' } });
  });
  after(() => api[Symbol.asyncDispose]());

  const CASES: readonly [title: string, others: readonly NodeStatus[], name: string, status: object][] = [
    [
      'is ready where every node serves it',
      [node('b', 9)],
      'a',
      {
        status: 'ready',
        nodes: [
          { node: 'a', status: 'ready' },
          { node: 'b', status: 'ready' },
        ],
      },
    ],
    [
      'is pending where a node is not so far',
      [node('b', 1)],
      'a',
      {
        status: 'pending',
        nodes: [
          { node: 'a', status: 'ready' },
          { node: 'b', status: 'pending', reason: 'is at revision 1 of 2' },
        ],
      },
    ],
    [
      'is error where a node cannot put it into force, with the reason that concerns it',
      [
        node(
          'b',
          1,
          problem('listeners.a', 'port 80 is taken'),
          problem('apis.a.paths[0]', 'ties with a route'),
        ),
      ],
      'a',
      {
        status: 'error',
        nodes: [
          { node: 'a', status: 'ready' },
          { node: 'b', status: 'error', reason: 'apis.a.paths[0]: ties with a route' },
        ],
      },
    ],
    [
      'is pending until what it points to is there',
      [],
      'b',
      {
        status: 'pending',
        reason: 'the function later does not exist yet',
        nodes: [{ node: 'a', status: 'ready' }],
      },
    ],
  ];
  for (const [title, others, name, status] of CASES) {
    it(title, async () => {
      configuration.others = others;
      assert.deepEqual((await api.send({ path: `/v1/apis/${name}/status` })).body, { name, ...status });
    });
  }

  it('is shown with the API, in lists too', async () => {
    configuration.others = [];
    const { items } = (await api.send({ path: '/v1/apis' })).body as {
      items: { name: string; meta: { status: string } }[];
    };
    assert.deepEqual(
      items.map(({ name, meta }) => [name, meta.status]),
      [
        ['a', 'ready'],
        ['b', 'pending'],
      ],
    );
  });

  it('is what lists of APIs, and no others, are filtered by', async () => {
    const listed = async (query: string) => {
      const { items } = (await api.send({ path: `/v1/apis?${query}` })).body as { items: { name: string }[] };
      return items.map(({ name }) => name).join();
    };
    assert.deepEqual(
      [await listed('status=ready'), await listed('status=pending'), await listed('status=error')],
      ['a', 'b', ''],
    );
    assert.deepEqual([await listed('service=orders&enabled=true'), await listed('enabled=false')], ['a', '']);
    for (const path of [
      '/v1/services?status=ready',
      '/v1/services?enabled=true',
      '/v1/functions?enabled=true',
    ]) {
      const { status, body } = await api.send({ path });
      assert.deepEqual([status, (body as { code: string }).code], [400, 'parameter_invalid'], path);
    }
  });

  it('makes another ETag, which still is of the version that is changed', async () => {
    const path = '/v1/apis/a';
    assert.equal((await api.send({ path })).headers['etag'], '"2.ready"');
    configuration.others = [node('b', 1)];
    const { status, headers } = await api.send({ path, headers: { 'if-none-match': '"2.ready"' } });
    assert.deepEqual([status, headers['etag']], [200, '"2.pending"']);
    const body = { paths: ['/a', '/aa'], service: 'orders' };
    const changed = await api.send({ method: 'PUT', path, headers: { 'if-match': '"2.ready"' }, body });
    assert.equal(changed.status, 200);
  });

  it('of one that is not there is 404', async () =>
    assert.equal((await api.send({ path: '/v1/apis/c/status' })).status, 404));

  it('stands beside that of the gateway and of the nodes', async () => {
    configuration.others = [node('b', 1, problem('apis.a', 'is wrong'))];
    const { body } = await api.send({ path: '/v1/status' });
    const { version, ready, revision, fromSnapshot, entities, nodes } = body as Record<string, unknown>;
    assert.deepEqual([version, ready, revision, fromSnapshot], ['1.2.3', true, 4, false]);
    assert.equal((entities as Record<string, number>)['apis'], 2);
    assert.deepEqual((await api.send({ path: '/v1/nodes' })).body, { items: nodes });
    assert.deepEqual((nodes as unknown[])[1], {
      node: 'b',
      revision: 1,
      behind: 3,
      seenAt: '2026-01-02T00:00:00.000Z',
      fromSnapshot: false,
      problems: [{ path: 'apis.a', message: 'is wrong' }],
    });
  });
});
