import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Account, LOCAL_ACCOUNT } from '../account.ts';
import { EVERYWHERE } from '../roles.ts';
import { giveRole } from './memberships.ts';
import { listServiceAccounts, putServiceAccount, readServiceAccount } from './service-accounts.ts';
import { openTestStore } from './stores.support.ts';

it('A service account is shown without its roles in organizations whose members are not to be seen', async () => {
  await using test = await openTestStore('sqlite');
  const local = { account: LOCAL_ACCOUNT };
  await putServiceAccount(test.store, local, 'ci', { organization: 'acme' });
  for (const organization of ['acme', 'globex', EVERYWHERE])
    assert.ok((await giveRole(test.store, local, organization, 'ci', 'viewer')).ok);
  const admin: Account = { id: 'u_x', name: 'x', kind: 'user', roles: new Map([['acme', 'admin']]) };
  for (const [account, roles] of [
    [admin, { acme: 'viewer' }],
    [LOCAL_ACCOUNT, { '*': 'viewer', acme: 'viewer', globex: 'viewer' }],
  ] as const) {
    const read = await readServiceAccount(test.store, account, 'ci');
    assert.deepEqual(read.ok && read.result.roles, roles);
    const [listed] = await listServiceAccounts(test.store, account);
    assert.deepEqual(listed?.roles, roles);
  }
});
