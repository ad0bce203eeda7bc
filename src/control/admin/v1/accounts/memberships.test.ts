import assert from 'node:assert/strict';
import { it } from 'node:test';
import { startManager } from '../../../../../test/support/manager.ts';
import { type Account, LOCAL_ACCOUNT } from '../../../rights/account.ts';
import { recordRevision } from '../../../rights/record-revision.ts';
import { giveRole } from '../../../rights/store/memberships.ts';
import { NO_STORE, RightsStore } from '../../../rights/store/rights-store.ts';
import { putUser } from '../../../rights/store/users.ts';
import { callerOf } from '../../access.ts';
import { entitiesIn } from '../../authentication/identify.ts';
import { startApi } from '../api.support.ts';

/** Each is another chance that the role comes between the look at the organization and its end. */
const RACES = 20;

it('A role is given in an organization that is there, at the moment that it is given, and else by nobody', async () => {
  await using stored = await startManager({ config: 'organizations: { filed: {} }', record: recordRevision });
  const { manager, source } = stored;
  const store = new RightsStore(source.connection ?? NO_STORE, Date.now, (name) => name === 'filed');
  const outsider: Account = { id: 'u_o', name: 'out', kind: 'user', roles: new Map([['filed', 'owner']]) };
  await using api = await startApi(
    manager,
    async ({ headers }) => {
      const who = headers['x-caller'] === 'out' ? outsider : LOCAL_ACCOUNT;
      const entities = entitiesIn({ configuration: () => manager });
      return { ok: true, caller: callerOf(who, '127.0.0.1', entities) };
    },
    { rights: { store, authentication: undefined, external: undefined } },
  );
  const asked = async (method: string, path: string, body?: object, caller = 'local') => {
    const answer = await api.send({ method, path, ...(body && { body }), headers: { 'x-caller': caller } });
    const { code, title } = (answer.body ?? {}) as { code?: string; title?: string };
    return { status: answer.status, code, title };
  };
  assert.ok((await putUser(store, { account: LOCAL_ACCOUNT }, 'ann', {})).ok);
  const role = { role: 'viewer' };

  for (let race = 0; race < RACES; race++) {
    assert.equal((await asked('PUT', '/v1/organizations/acme', {})).status, 201);
    const [deleted, given] = await Promise.all([
      asked('DELETE', '/v1/organizations/acme'),
      asked('PUT', '/v1/memberships/acme/ann', role),
    ]);
    assert.equal(deleted.status, 204);
    assert.ok(given.status === 201 || given.status === 404, String(given.status));
    assert.equal((await asked('PUT', '/v1/organizations/acme', {})).status, 201);
    const { body } = await api.send({ path: '/v1/memberships?organization=acme' });
    assert.deepEqual(body, { items: [] }, 'whoever makes it anew begins with nobody');
    assert.equal((await asked('DELETE', '/v1/organizations/acme')).status, 204);
  }

  assert.equal((await asked('PUT', '/v1/memberships/filed/ann', role)).status, 201);
  const none = { status: 404, code: 'account_unknown', title: 'there is no organization acme' };
  assert.deepEqual(await asked('PUT', '/v1/memberships/acme/ann', role), none);
  assert.deepEqual(await asked('PUT', '/v1/memberships/acme/ann', role, 'out'), none);
  assert.equal((await asked('PUT', '/v1/organizations/acme', {})).status, 201);
  // Whether the organization is there, and whether the account is, is nothing to whoever is no member.
  for (const account of ['ann', 'nobody'])
    for (const method of ['PUT', 'DELETE'])
      assert.deepEqual(
        await asked(method, `/v1/memberships/acme/${account}`, method === 'PUT' ? role : undefined, 'out'),
        none,
      );
  assert.deepEqual(await asked('PUT', '/v1/service-accounts/ci', { organization: 'gone' }), {
    ...none,
    title: 'there is no organization gone',
  });
  const above = await giveRole(
    store,
    { account: { ...outsider, roles: new Map([['filed', 'admin']]) } },
    'filed',
    'nobody',
    'owner',
  );
  assert.deepEqual(above.ok || above.code, 'forbidden', 'it does not tell that there is no such account');
});
