import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { AdminCaller } from '../access.ts';
import { problem } from '../answer.ts';
import { type Sent, startApi, type TestApi } from './api.support.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';

/** May read everything but what is hidden, and change what is of acme. */
const DEVELOPER: AdminCaller = {
  name: 'dana',
  account: { id: 'u_1', name: 'dana', kind: 'user', roles: new Map() },
  address: undefined,
  may: (access, object) => {
    if (object.kind === 'collection') return true;
    if (object.kind !== 'entity') return false;
    return access === 'read'
      ? object.value['organization'] !== 'hidden'
      : object.value['organization'] === 'acme';
  },
  refuse: (changes) =>
    changes.some((change) => change.after?.['priority'] === 1000) ? 'dana may not outrank others' : undefined,
};

describe('Rights in the admin API', () => {
  const configuration = new FakeConfiguration({}, { check: false });
  let api: TestApi;
  before(async () => {
    const own = { author: 'local' };
    for (const organization of ['acme', 'other', 'hidden'])
      await configuration.change({
        ...own,
        changes: [{ collection: 'routes', name: organization, value: { organization } }],
      });
    api = await startApi(configuration, async ({ headers }) =>
      headers.authorization === 'Bearer dana'
        ? { ok: true, caller: DEVELOPER }
        : {
            ok: false,
            answer: problem(401, 'unauthorized', 'Say who you are', {}, { 'www-authenticate': 'Bearer' }),
          },
    );
  });
  after(() => api[Symbol.asyncDispose]());

  const send = (sent: Sent) =>
    api.send({ ...sent, headers: { authorization: 'Bearer dana', ...sent.headers } });
  const put = (name: string, body: object): Sent => ({ method: 'PUT', path: `/v1/routes/${name}`, body });

  it('ask everyone who they are, but for what is public', async () => {
    const { status, headers } = await api.send({ path: '/v1/routes' });
    assert.deepEqual([status, headers['www-authenticate']], [401, 'Bearer']);
    assert.equal((await api.send({ path: '/healthz' })).status, 200);
    assert.equal((await api.send({ path: '/v1/openapi.json' })).status, 200);
  });

  const CASES: readonly [title: string, sent: Sent, status: number, code: string | undefined][] = [
    ['let read what may be read', { path: '/v1/routes/other' }, 200, undefined],
    ['know nothing of what is hidden', { path: '/v1/routes/hidden' }, 404, 'entity_unknown'],
    ['know nothing of it to delete', { method: 'DELETE', path: '/v1/routes/hidden' }, 404, 'entity_unknown'],
    ['do not let its name be taken', put('hidden', { organization: 'acme' }), 409, 'entity_exists'],
    [
      'know nothing of its version',
      { ...put('hidden', { organization: 'acme' }), headers: { 'if-match': '"1"' } },
      412,
      'precondition_failed',
    ],
    ['do not let others be changed', put('other', { organization: 'acme' }), 403, 'forbidden'],
    ['do not let own ones be given away', put('acme', { organization: 'other' }), 403, 'forbidden'],
    ['do not let one be created for others', put('new', { organization: 'other' }), 403, 'forbidden'],
    ['do not let one be created for nobody', put('new', {}), 403, 'forbidden'],
    ['let own ones be changed', put('acme', { organization: 'acme', priority: 1 }), 200, undefined],
    ['are asked within the change', put('acme', { organization: 'acme', priority: 1000 }), 403, 'forbidden'],
    ['are asked for the gateway', { method: 'POST', path: '/reload' }, 403, 'forbidden'],
    ['are asked for a way back', { method: 'POST', path: '/v1/revisions/1/rollback' }, 403, 'forbidden'],
    [
      'are asked for each entity that is applied',
      { method: 'POST', path: '/v1/apply', body: { routes: { acme: { organization: 'acme' }, other: {} } } },
      403,
      'forbidden',
    ],
  ];
  for (const [title, sent, status, code] of CASES)
    it(title, async () => {
      const received = await send(sent);
      assert.deepEqual(
        [received.status, (received.body as { code?: string }).code],
        [status, code],
        received.text,
      );
    });

  it('leave out of lists and exports what may not be read', async () => {
    const { items } = (await send({ path: '/v1/routes' })).body as { items: { name: string }[] };
    assert.deepEqual(
      items.map(({ name }) => name),
      ['acme', 'other'],
    );
    const { routes } = (await send({ path: '/v1/export' })).body as { routes: object };
    assert.deepEqual(Object.keys(routes), ['acme', 'other']);
  });

  it('take an export back, where others own a part of it', async () => {
    const { body } = await send({ path: '/v1/export' });
    const applied = await send({ method: 'POST', path: '/v1/apply', body });
    assert.deepEqual([applied.status, applied.body], [200, { ...(applied.body as object), changes: [] }]);
    const { routes } = body as { routes: Readonly<Record<string, object>> };
    const changed = await send({
      method: 'POST',
      path: '/v1/apply',
      body: { routes: { ...routes, other: { organization: 'other', priority: 1 } } },
    });
    assert.equal(changed.status, 403, changed.text);
  });

  it('let prune only what may be changed', async () => {
    const { body } = await send({ method: 'POST', path: '/v1/apply?prune&dry-run', body: { routes: {} } });
    const { changes } = body as { changes: { name: string }[] };
    assert.deepEqual(
      changes.map(({ name }) => name),
      ['acme'],
    );
  });

  it('write down who it was', async () => {
    const { body } = await send({ path: '/v1/routes/acme' });
    const { meta } = body as { meta: { createdBy: string; updatedBy: string } };
    assert.deepEqual([meta.createdBy, meta.updatedBy], ['local', 'dana']);
  });
});
