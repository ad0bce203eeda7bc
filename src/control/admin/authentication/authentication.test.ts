import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { LOCAL_ACCOUNT } from '../../rights/account.ts';
import { EVERYWHERE } from '../../rights/roles.ts';
import { giveRole } from '../../rights/store/memberships.ts';
import { openTestStore, type TestStore } from '../../rights/store/stores.support.ts';
import { createToken } from '../../rights/store/tokens.ts';
import { putUser } from '../../rights/store/users.ts';
import { AdminAuthentication, type Shown } from './authentication.ts';
import { rolesOf } from './external-login.ts';
import { newPasswordHash } from './local-login.ts';
import { authenticationSchema } from './schema.ts';

const LOCAL = { account: LOCAL_ACCOUNT };
const BOOTSTRAP = 'a-first-token-of-more-than-32-characters';
const PASSWORD = 'correct horse battery';

describe('Whoever sends a request to the admin port', () => {
  let test: TestStore;
  let authentication: AdminAuthentication;
  before(async () => {
    test = await openTestStore('sqlite');
    authentication = new AdminAuthentication(
      authenticationSchema.parse({ bootstrapToken: BOOTSTRAP }),
      test.store,
    );
  });
  after(() => test[Symbol.asyncDispose]());

  const identify = async (shown: Partial<Shown>, with_ = authentication): Promise<string> => {
    const known = await with_.identify({
      authorization: undefined,
      session: undefined,
      address: '192.0.2.1',
      ...shown,
    });
    if (known.kind === 'wait') return `wait ${known.waitMs}`;
    return known.kind === 'known' ? known.account.name : known.kind;
  };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const basic = (name: string, password: string) => ({
    authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`,
  });

  it('is nobody with nothing', async () => assert.equal(await identify({}), 'nobody'));

  it('is the superuser with nothing where nothing is required', async () => {
    const optional = new AdminAuthentication(authenticationSchema.parse({ required: false }), test.store);
    assert.equal(await identify({}, optional), 'local');
    assert.equal(await identify(bearer('wrong'), optional), 'refused');
  });

  it('is the first owner with the bootstrap token', async () => {
    assert.equal(await identify(bearer(BOOTSTRAP)), 'bootstrap');
    assert.equal(await identify({ authorization: `bearer  ${BOOTSTRAP}` }), 'bootstrap');
    for (const wrong of [BOOTSTRAP.slice(1), `${BOOTSTRAP}x`, ''])
      assert.equal(await identify(bearer(wrong)), 'refused');
  });

  it('is a user with their password, unless they are disabled', async () => {
    await putUser(test.store, LOCAL, 'ann', { password: await newPasswordHash(PASSWORD) });
    assert.equal(await identify(basic('ann', PASSWORD)), 'ann');
    for (const [name, password] of [
      ['ann', 'wrong'],
      ['bob', PASSWORD],
      ['ann', ''],
      ['', PASSWORD],
      ['Ann', PASSWORD],
    ] as const)
      assert.equal(await identify(basic(name, password)), 'refused');
    await putUser(test.store, LOCAL, 'ann', { disabled: true });
    assert.equal(await identify(basic('ann', PASSWORD)), 'refused');
    await putUser(test.store, LOCAL, 'ann', {});
    assert.equal(await identify(basic('ann', PASSWORD)), 'ann');
  });

  it('is no user without a password by any', async () => {
    await putUser(test.store, LOCAL, 'external', {});
    for (const password of ['', 'null', PASSWORD])
      assert.equal(await identify(basic('external', password)), 'refused');
  });

  it('is nobody any more with the bootstrap token once there is an owner', async () => {
    await giveRole(test.store, LOCAL, EVERYWHERE, 'ann', 'owner');
    assert.equal(await identify(bearer(BOOTSTRAP)), 'refused');
  });

  it('has to wait after too many wrong passwords, also with the right one', async () => {
    const elsewhere = { address: '203.0.113.9' };
    for (let i = 0; i < 7; i++)
      assert.equal(await identify({ ...elsewhere, ...basic('external', `guess ${i}`) }), 'refused');
    await putUser(test.store, LOCAL, 'external', { password: await newPasswordHash(PASSWORD) });
    assert.match(await identify({ ...elsewhere, ...basic('external', PASSWORD) }), /^wait \d+$/);
    test.clock.nowMs += 3_600_000;
    assert.equal(await identify({ ...elsewhere, ...basic('external', PASSWORD) }), 'external');
  });

  it('is what a token is of', async () => {
    const ann = await authentication.identify({
      ...basic('ann', PASSWORD),
      session: undefined,
      address: '192.0.2.1',
    });
    assert.ok(ann.kind === 'known');
    const made = await createToken(
      test.store,
      { account: ann.account },
      { kind: 'self' },
      {
        name: 'x',
        role: 'viewer',
        expiresAtMs: test.clock.nowMs + 1000,
      },
    );
    assert.ok(made.ok);
    assert.equal(await identify(bearer(made.result.secret)), 'ann');
    assert.equal(await identify(bearer(`pca_${'A'.repeat(43)}`)), 'refused');
  });

  for (const authorization of ['', 'Bearer', 'Basic', 'Basic !!!', 'Digest username="ann"', 'Basic YW5u'])
    it(`is refused with ${JSON.stringify(authorization)}`, async () =>
      assert.equal(await identify({ authorization }), 'refused'));

  it('does not get in by a password where that is off', async () => {
    const external = new AdminAuthentication(authenticationSchema.parse({ local: false }), test.store);
    assert.equal(await identify(basic('ann', PASSWORD), external), 'refused');
  });
});

describe('Claims', () => {
  const rules = authenticationSchema.parse({
    roles: [
      { value: 'acme devs', organization: 'acme', role: 'developer' },
      { value: 'acme-leads', organization: 'acme', role: 'admin' },
      { claim: 'realm_access.roles', value: 'root', organization: '*', role: 'owner' },
    ],
  }).roles;
  const CASES: readonly [
    claims: Readonly<Record<string, unknown>>,
    roles: Readonly<Record<string, string>>,
  ][] = [
    [{}, {}],
    [{ groups: ['others'] }, {}],
    [{ groups: ['acme devs'] }, { acme: 'developer' }],
    [{ groups: 'acme devs' }, { acme: 'developer' }],
    [{ groups: ['acme devs', 'acme-leads'] }, { acme: 'admin' }],
    [{ groups: ['acme-leads', 'acme devs'] }, { acme: 'admin' }],
    [{ realm_access: { roles: ['root'] } }, { '*': 'owner' }],
    [{ realm_access: ['root'], groups: { 'acme devs': true } }, {}],
  ];
  for (const [claims, roles] of CASES)
    it(`${JSON.stringify(claims)} give ${JSON.stringify(roles)}`, () =>
      assert.deepEqual(Object.fromEntries(rolesOf(claims, rules)), roles));
});
