import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { TestAuthority } from '../../../../test/support/certificates.ts';
import { startManager, type TestManager } from '../../../../test/support/manager.ts';
import { type Account, LOCAL_ACCOUNT } from '../../rights/account.ts';
import type { Role } from '../../rights/roles.ts';
import { readAudit } from '../../rights/store/audit-log.ts';
import { NO_STORE, RightsStore } from '../../rights/store/rights-store.ts';
import { COLLECTIONS } from '../../store/entity.ts';
import { callerOf } from '../access.ts';
import { entitiesIn } from '../authentication/identify.ts';
import { startApi, type TestApi } from './api.support.ts';

const SECRET = 'S3cr3t-of-a-consumer-0123456789';
const { cert, key } = await (await TestAuthority.make()).issue('a.example', ['a.example']);
const STORED = {
  certificates: { web: { cert, key } },
  consumers: { bob: { apiKeys: [{ id: 'a', key: SECRET }], basic: { password: SECRET } } },
  services: { orders: { url: 'http://127.0.0.1:1', sticky: { cookie: 'sticky', secret: SECRET } } },
  policies: { a: { headers: { response: { set: { 'x-token': SECRET } } } } },
};

function account(name: string, organization: string, role: Role): Account {
  return { id: `u_${name}`, name, kind: 'user', roles: new Map([[organization, role]]) };
}
const ACCOUNTS: ReadonlyMap<string, Account> = new Map(
  [
    LOCAL_ACCOUNT,
    account('acme-owner', 'acme', 'owner'),
    account('all-admin', '*', 'admin'),
    account('all-owner', '*', 'owner'),
  ].map((each) => [each.name, each]),
);

interface Gateway extends AsyncDisposable {
  readonly stored: TestManager;
  readonly store: RightsStore;
  readonly api: TestApi;
}

async function startGateway(): Promise<Gateway> {
  const stored = await startManager({ config: '{}' });
  const { manager, source } = stored;
  const store = new RightsStore(source.connection ?? NO_STORE, Date.now);
  const configuration = () => manager;
  const api = await startApi(
    manager,
    async ({ headers }) => {
      const who = ACCOUNTS.get(String(headers['x-caller'] ?? 'local')) ?? LOCAL_ACCOUNT;
      return { ok: true, caller: callerOf(who, '127.0.0.1', entitiesIn({ configuration })) };
    },
    { rights: { store, authentication: undefined, external: undefined } },
  );
  return {
    stored,
    store,
    api,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await stored.close();
    },
  };
}

describe('An export with secrets', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway();
    const { status, text } = await gateway.api.send({ method: 'POST', path: '/v1/apply', body: STORED });
    assert.equal(status, 200, text);
  });
  after(() => gateway[Symbol.asyncDispose]());

  const exports = async (): Promise<string[]> => {
    const database = await gateway.store.database();
    assert.ok(database !== undefined);
    const entries = await readAudit(database, { action: 'export-secrets', limit: 100, order: 'oldest' });
    return entries.map(({ actor }) => actor.name);
  };

  for (const [caller, query, status, isTold, written] of [
    ['all-owner', '', 200, false, []],
    ['all-owner', '?with-secrets=false', 200, false, []],
    ['acme-owner', '?with-secrets', 403, false, []],
    ['all-admin', '?with-secrets', 403, false, []],
    ['all-owner', '?with-secrets', 200, true, ['all-owner']],
    ['all-owner', '?with-secrets&format=yaml', 200, true, ['all-owner']],
    ['local', '?with-secrets', 200, true, ['local']],
  ] as const)
    it(`${caller} who asks for /v1/export${query} gets ${status}, ${isTold ? 'with' : 'without'} secrets`, async () => {
      const earlier = await exports();
      const received = await gateway.api.send({
        path: `/v1/export${query}`,
        headers: { 'x-caller': caller },
      });
      assert.equal(received.status, status, received.text);
      assert.equal(received.headers['cache-control'], 'no-store');
      assert.equal(received.text.includes(SECRET), isTold);
      assert.deepEqual((await exports()).slice(earlier.length), written);
    });

  it('is taken by an empty store as it is: all is as it was, secrets included', async () => {
    const { body } = await gateway.api.send({ path: '/v1/export?with-secrets' });
    await using other = await startGateway();
    const { status, text } = await other.api.send({ method: 'POST', path: '/v1/apply', body });
    assert.equal(status, 200, text);
    const entitiesOf = ({ stored: { manager } }: Gateway) =>
      COLLECTIONS.flatMap((collection) =>
        manager.list(collection).map(({ name, value }) => [collection, name, value]),
      );
    assert.deepEqual(entitiesOf(other), entitiesOf(gateway));
    assert.equal(entitiesOf(other).length, 4);
  });

  it('is not had where nobody can write down who asked', async () => {
    await using api = await startApi(gateway.stored.manager);
    const { status, body } = await api.send({ path: '/v1/export?with-secrets' });
    assert.deepEqual([status, (body as { code: string }).code], [503, 'store_unavailable']);
  });
});
