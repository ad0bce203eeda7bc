import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'kysely';
import { type Account, LOCAL_ACCOUNT } from '../account.ts';
import { EVERYWHERE, type Role } from '../roles.ts';
import { appendAudit, readAudit, verifyAudit } from './audit-log.ts';
import { logInExternal } from './external-users.ts';
import { KnownAccounts } from './known-accounts.ts';
import { giveRole, listMemberships, takeRole } from './memberships.ts';
import { type Asker, actorOf, type Outcome } from './rights-store.ts';
import {
  deleteServiceAccount,
  listServiceAccounts,
  putServiceAccount,
  readServiceAccount,
} from './service-accounts.ts';
import { beginSession, endSession } from './sessions.ts';
import { openTestStore, STORE_KINDS, type TestStore } from './stores.support.ts';
import { rightsQueries, rightsWithin } from './tables.ts';
import { createToken, isToken, listTokens, revokeToken } from './tokens.ts';
import { changeOwnPassword, deleteUser, listUsers, putUser, readUser } from './users.ts';

const LOCAL: Asker = { account: LOCAL_ACCOUNT, address: '127.0.0.1' };
const DAY_MS = 86_400_000;
const TIMES = { idleMs: 3_600_000, lifetimeMs: 12 * 3_600_000 };

function done<Result>(outcome: Outcome<Result>): Result {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.result;
}

function refusal(outcome: Outcome<unknown>): string {
  assert.ok(!outcome.ok);
  return `${outcome.code}: ${outcome.message}`;
}

for (const kind of STORE_KINDS)
  describe(`Accounts in ${kind}`, () => {
    let test: TestStore;
    before(async () => {
      test = await openTestStore(kind);
    });
    after(() => test[Symbol.asyncDispose]());

    /** Somebody with roles, as they would be known. */
    async function somebody(name: string, roles: Readonly<Record<string, Role>>): Promise<Account> {
      const { user } = done(await putUser(test.store, LOCAL, name, {}));
      for (const [organization, role] of Object.entries(roles))
        done(await giveRole(test.store, LOCAL, organization, name, role));
      return { id: user.id, name, kind: 'user', roles: new Map(Object.entries(roles)) };
    }

    it('are nobody’s at first', async () => {
      assert.deepEqual(await listUsers(test.store), []);
      assert.equal(await test.store.isOwned(), false);
    });

    it('are made, changed, and shown without their passwords', async () => {
      const made = done(
        await putUser(test.store, LOCAL, 'olga', {
          title: 'Olga',
          password: '$scrypt$…',
          identities: [{ provider: 'corp', subject: '7' }],
        }),
      );
      assert.equal(made.created, true);
      done(await giveRole(test.store, LOCAL, EVERYWHERE, 'olga', 'owner'));
      assert.equal(await test.store.isOwned(), true);
      test.clock.nowMs += 1000;
      const changed = done(await putUser(test.store, LOCAL, 'olga', { title: 'Olga O.' }));
      assert.deepEqual(changed, {
        created: false,
        user: {
          name: 'olga',
          id: made.user.id,
          title: 'Olga O.',
          disabled: false,
          password: true,
          identities: [],
          roles: { '*': 'owner' },
          createdAt: '2030-01-01T00:00:00.000Z',
          createdBy: 'local',
          updatedAt: '2030-01-01T00:00:01.000Z',
          updatedBy: 'local',
        },
      });
      assert.deepEqual(await readUser(test.store, 'olga'), changed.user);
    });

    it('leave nobody without an owner', async () => {
      const sentence = 'last_owner: nobody would be left who is owner everywhere: make another one first';
      assert.equal(refusal(await deleteUser(test.store, LOCAL, 'olga')), sentence);
      assert.equal(refusal(await putUser(test.store, LOCAL, 'olga', { disabled: true })), sentence);
      assert.equal(refusal(await takeRole(test.store, LOCAL, EVERYWHERE, 'olga')), sentence);
      assert.equal(refusal(await giveRole(test.store, LOCAL, EVERYWHERE, 'olga', 'admin')), sentence);
      assert.equal(await test.store.isOwned(), true);
    });

    it('are managed by nobody who may do less', async () => {
      const ann = { account: await somebody('ann', { [EVERYWHERE]: 'admin' }) };
      const dora = { account: await somebody('dora', { acme: 'owner' }) };
      assert.equal(
        refusal(await putUser(test.store, ann, 'olga', { password: 'x' })),
        'forbidden: olga may do more than you: only who has all of their roles may change them',
      );
      assert.equal(
        refusal(await deleteUser(test.store, ann, 'dora')),
        'forbidden: dora may do more than you: only who has all of their roles may change them',
      );
      for (const act of [putUser(test.store, dora, 'eve', {}), deleteUser(test.store, dora, 'ann')])
        assert.equal(refusal(await act), 'forbidden: users are managed by admins everywhere (*)');
      done(await putUser(test.store, ann, 'eve', {}));
      done(await deleteUser(test.store, ann, 'eve'));
      assert.equal(refusal(await deleteUser(test.store, ann, 'eve')), 'not_found: there is no user eve');
    });

    it('share no user of an identity provider', async () => {
      done(await putUser(test.store, LOCAL, 'fay', { identities: [{ provider: 'corp', subject: '8' }] }));
      assert.equal(
        refusal(
          await putUser(test.store, LOCAL, 'gil', { identities: [{ provider: 'corp', subject: '8' }] }),
        ),
        'identity_taken: that user of corp is bound already',
      );
      // All of it, or nothing.
      assert.equal(await readUser(test.store, 'gil'), undefined);
    });

    it('get roles from those who have them', async () => {
      const adam = { account: await somebody('adam', { acme: 'admin' }) };
      const given = done(await giveRole(test.store, adam, 'acme', 'fay', 'developer'));
      assert.deepEqual(given, {
        created: true,
        membership: {
          organization: 'acme',
          account: 'fay',
          kind: 'user',
          role: 'developer',
          source: 'given',
        },
      });
      assert.equal(done(await giveRole(test.store, adam, 'acme', 'fay', 'viewer')).created, false);
      const above = 'forbidden: nobody gives or takes a role that is above their own';
      assert.equal(refusal(await giveRole(test.store, adam, 'acme', 'fay', 'owner')), above);
      assert.equal(refusal(await giveRole(test.store, adam, 'acme', 'dora', 'viewer')), above);
      assert.equal(refusal(await takeRole(test.store, adam, 'acme', 'dora')), above);
      assert.equal(
        refusal(await giveRole(test.store, adam, 'globex', 'fay', 'viewer')),
        'not_found: there is no organization globex',
      );
      assert.equal(
        refusal(await giveRole(test.store, adam, EVERYWHERE, 'fay', 'viewer')),
        'forbidden: members are managed by admins of the organization',
      );
      assert.equal(
        refusal(await giveRole(test.store, adam, 'acme', 'nobody', 'viewer')),
        'not_found: there is no account nobody',
      );
      assert.equal(refusal(await giveRole(test.store, adam, 'acme', 'nobody', 'owner')), above);
      assert.deepEqual(
        (await listMemberships(test.store, adam.account, {})).map(({ account, role }) => [account, role]),
        [
          ['adam', 'admin'],
          ['dora', 'owner'],
          ['fay', 'viewer'],
        ],
      );
      assert.equal(done(await takeRole(test.store, adam, 'acme', 'fay')), undefined);
      assert.equal(
        refusal(await takeRole(test.store, adam, 'acme', 'fay')),
        'not_found: fay was given no role there',
      );
    });

    it('of programs are managed by the admins of their organization', async () => {
      const adam = { account: await somebody('adam2', { acme: 'admin' }) };
      const gina = { account: await somebody('gina', { globex: 'admin' }) };
      done(await putServiceAccount(test.store, adam, 'ci', { organization: 'acme', title: 'Builds' }));
      assert.deepEqual(
        (await listServiceAccounts(test.store, adam.account)).map(({ name }) => name),
        ['ci'],
      );
      assert.deepEqual(await listServiceAccounts(test.store, gina.account), []);
      const missing = 'not_found: there is no service account ci';
      assert.equal(refusal(await readServiceAccount(test.store, gina.account, 'ci')), missing);
      assert.equal(refusal(await deleteServiceAccount(test.store, gina, 'ci')), missing);
      assert.equal(
        refusal(
          await createToken(
            test.store,
            gina,
            { kind: 'service', name: 'ci' },
            { name: 'x', role: 'viewer', expiresAtMs: 0 },
          ),
        ),
        missing,
      );
      assert.equal(
        refusal(await putServiceAccount(test.store, gina, 'ci', { organization: 'globex' })),
        'name_taken: the name ci is taken',
      );
      assert.equal(
        refusal(await putServiceAccount(test.store, adam, 'adam2', { organization: 'acme' })),
        'name_taken: the name adam2 is taken',
      );
      assert.equal(
        refusal(await putServiceAccount(test.store, adam, 'other', {})),
        'forbidden: service accounts take the role admin everywhere (*)',
      );
      // Who may do more than its manager is out of reach: its tokens would be theirs.
      done(await giveRole(test.store, LOCAL, 'acme', 'ci', 'owner'));
      assert.equal(
        refusal(
          await createToken(
            test.store,
            adam,
            { kind: 'service', name: 'ci' },
            { name: 'x', role: 'owner', expiresAtMs: 0 },
          ),
        ),
        'forbidden: ci may do more than you: only who has all of their roles may change them',
      );
      done(await giveRole(test.store, LOCAL, 'acme', 'ci', 'developer'));
    });

    it('have tokens, which are told once, lower their roles, end and are revoked', async () => {
      const known = new KnownAccounts(test.store);
      const ivy = { account: await somebody('ivy', { acme: 'owner', globex: 'viewer' }) };
      const expiresAtMs = test.clock.nowMs + DAY_MS;
      const { secret, token } = done(
        await createToken(
          test.store,
          ivy,
          { kind: 'self' },
          { name: 'laptop', role: 'developer', organizations: ['acme'], expiresAtMs },
        ),
      );
      assert.ok(isToken(secret), secret);
      const rows = await rightsQueries(test.database).selectFrom('account_tokens').selectAll().execute();
      assert.ok(!JSON.stringify(rows).includes(secret.slice(4)));
      const found = await known.withToken(secret);
      assert.ok(found !== undefined);
      assert.deepEqual(found, { ...ivy.account, roles: new Map([['acme', 'developer']]), token: token.id });
      assert.equal(
        refusal(
          await createToken(
            test.store,
            { account: found },
            { kind: 'self' },
            { name: 'more', role: 'owner', expiresAtMs },
          ),
        ),
        'forbidden: a token manages no tokens of its user: log in',
      );
      const [listed] = done(await listTokens(test.store, ivy, { kind: 'self' }));
      assert.equal(listed?.usedAt, new Date(test.clock.nowMs).toISOString());
      assert.equal(await known.withToken(`pca_${secret.slice(5)}${secret.slice(4, 5)}`), undefined);

      done(await putUser(test.store, LOCAL, 'ivy', { disabled: true }));
      assert.equal(await known.withToken(secret), undefined);
      done(await putUser(test.store, LOCAL, 'ivy', {}));
      assert.ok(await known.withToken(secret));
      test.clock.nowMs = expiresAtMs;
      assert.equal(await known.withToken(secret), undefined);

      const second = done(
        await createToken(
          test.store,
          ivy,
          { kind: 'self' },
          { name: 'b', role: 'owner', expiresAtMs: expiresAtMs + DAY_MS },
        ),
      );
      assert.deepEqual((await known.withToken(second.secret))?.roles, ivy.account.roles);
      const other = { account: await somebody('jo', { acme: 'owner' }) };
      assert.equal(
        refusal(await revokeToken(test.store, other, { kind: 'self' }, second.token.id)),
        'not_found: there is no such token that could be revoked',
      );
      done(await revokeToken(test.store, ivy, { kind: 'self' }, second.token.id));
      assert.equal(await known.withToken(second.secret), undefined);
    });

    it('of a program manage no tokens of it, but that each may be revoked by itself', async () => {
      const admin = { account: await somebody('lou', { acme: 'admin' }) };
      const owner = { kind: 'service', name: 'robot' } as const;
      done(await putServiceAccount(test.store, admin, 'robot', { organization: 'acme' }));
      done(await giveRole(test.store, admin, 'acme', 'robot', 'admin'));
      const wanted = { name: 'a', role: 'admin', expiresAtMs: test.clock.nowMs + DAY_MS } as const;
      const first = done(await createToken(test.store, admin, owner, wanted));
      const second = done(await createToken(test.store, admin, owner, wanted));
      const known = new KnownAccounts(test.store);
      const robot = { account: (await known.withToken(first.secret)) as Account };
      const refused = 'forbidden: a token manages no tokens of its service account: an admin does';
      assert.deepEqual(
        [
          refusal(await createToken(test.store, robot, owner, wanted)),
          refusal(await revokeToken(test.store, robot, owner, second.token.id)),
          refusal(await listTokens(test.store, robot, owner)),
        ],
        [refused, refused, refused],
      );
      done(await revokeToken(test.store, robot, owner, first.token.id));
      assert.equal(await known.withToken(first.secret), undefined);
      assert.ok(await known.withToken(second.secret));
    });

    it('have sessions, which end by themselves, by a logout, by a new login and by a new password', async () => {
      const known = new KnownAccounts(test.store);
      const kim = { account: await somebody('kim', { acme: 'viewer' }) };
      const first = await beginSession(test.store, kim, TIMES, undefined);
      assert.deepEqual(await known.withSession(first, TIMES), kim.account);
      test.clock.nowMs += TIMES.idleMs - 1;
      assert.ok(await known.withSession(first, TIMES));
      test.clock.nowMs += TIMES.idleMs;
      assert.equal(await known.withSession(first, TIMES), undefined);

      const second = await beginSession(test.store, kim, TIMES, first);
      for (let hour = 0; hour < 23; hour++) {
        test.clock.nowMs += TIMES.idleMs / 2;
        assert.ok(await known.withSession(second, TIMES), `after ${hour} half hours`);
      }
      test.clock.nowMs += TIMES.idleMs / 2;
      assert.equal(await known.withSession(second, TIMES), undefined);

      const third = await beginSession(test.store, kim, TIMES, undefined);
      const fourth = await beginSession(test.store, kim, TIMES, third);
      assert.equal(await known.withSession(third, TIMES), undefined);
      await endSession(test.store, kim.account, undefined, fourth);
      assert.equal(await known.withSession(fourth, TIMES), undefined);

      const fifth = await beginSession(test.store, kim, TIMES, undefined);
      done(await changeOwnPassword(test.store, kim, '$scrypt$…'));
      assert.equal(await known.withSession(fifth, TIMES), undefined);

      const many = [];
      for (let i = 0; i < 21; i++) {
        test.clock.nowMs++;
        many.push(await beginSession(test.store, kim, TIMES, undefined));
      }
      assert.equal(await known.withSession(many[0] as string, TIMES), undefined);
      assert.ok(await known.withSession(many[1] as string, TIMES));
    });

    it('of identity providers are made where their claims give a role, and follow the claims', async () => {
      const logIn = (roles: Readonly<Record<string, Role>>, subject = '9') =>
        logInExternal(
          test.store,
          {
            provider: 'corp',
            subject,
            names: ['local', 'kim', 'lee@example.com'],
            roles: new Map(Object.entries(roles)),
          },
          '192.0.2.1',
        );
      assert.equal(refusal(await logIn({})), 'forbidden: nobody here has given this user a role');
      const lee = done(await logIn({ acme: 'developer' }));
      // Neither a name that means something else nor that of another account.
      assert.equal(lee.name, 'local@corp');
      assert.equal(done(await logIn({ acme: 'developer' }, '10')).name, 'kim@corp');
      assert.deepEqual(lee.roles, new Map([['acme', 'developer']]));
      done(await giveRole(test.store, LOCAL, 'globex', lee.name, 'viewer'));
      const again = done(await logIn({ acme: 'viewer', globex: 'admin' }));
      assert.equal(again.id, lee.id);
      assert.deepEqual(
        again.roles,
        new Map([
          ['acme', 'viewer'],
          ['globex', 'admin'],
        ]),
      );
      assert.deepEqual(done(await logIn({})).roles, new Map([['globex', 'viewer']]));
      done(
        await putUser(test.store, LOCAL, lee.name, {
          disabled: true,
          identities: [{ provider: 'corp', subject: '9' }],
        }),
      );
      assert.equal(refusal(await logIn({ acme: 'owner' })), 'forbidden: this account is disabled');
    });

    it('are bound to a user of an identity provider by whoever manages them', async () => {
      done(await putUser(test.store, LOCAL, 'mia', { identities: [{ provider: 'corp', subject: '11' }] }));
      done(await giveRole(test.store, LOCAL, 'acme', 'mia', 'admin'));
      const user = { provider: 'corp', subject: '11', names: ['other'], roles: new Map() };
      const mia = done(await logInExternal(test.store, user, undefined));
      assert.deepEqual([mia.name, mia.roles], ['mia', new Map([['acme', 'admin']])]);
    });

    it('leave traces, in their order, with who, from where and what', async () => {
      const entries = await readAudit(test.database, { limit: 3, order: 'oldest' });
      assert.deepEqual(
        entries.map(({ number, actor, deed }) => [
          number,
          actor.name,
          actor.address,
          deed.action,
          deed.object,
        ]),
        [
          [1, 'local', '127.0.0.1', 'create', 'users/olga'],
          [2, 'local', '127.0.0.1', 'create', 'memberships/*/olga'],
          [3, 'local', '127.0.0.1', 'update', 'users/olga'],
        ],
      );
      const members = await readAudit(test.database, {
        object: 'memberships/',
        organizations: ['globex'],
        limit: 10,
        order: 'newest',
      });
      assert.deepEqual(
        members.map(({ deed }) => [deed.object, deed.after]),
        [
          ['memberships/globex/local@corp', 'viewer'],
          ['memberships/globex/ivy', 'viewer'],
          ['memberships/globex/gina', 'admin'],
        ],
      );
      const dump = JSON.stringify(await readAudit(test.database, { limit: 1000, order: 'oldest' }));
      assert.ok(!dump.includes('$scrypt$'));
      assert.ok(!dump.includes('pca_'));
    });

    it('leave traces that cannot be changed unseen', async () => {
      const verdict = await verifyAudit(test.database);
      assert.equal(verdict.kind, 'intact');
      const tampered: readonly [title: string, statement: ReturnType<typeof sql>, number: number][] = [
        ['who', sql`update audit set name = 'eve' where number = 5`, 5],
        ['when', sql`update audit set at_ms = at_ms + 1 where number = 6`, 6],
        ['what', sql`update audit set object = 'users/other' where number = 7`, 7],
        ['a hash with it', sql`update audit set name = 'eve', hash = 'f' where number = 8`, 8],
        ['the order', sql`update audit set number = 100000 where number = 9`, 9],
        ['an entry taken out', sql`delete from audit where number = 10`, 10],
      ];
      for (const [title, statement, number] of tampered) {
        const back = new Error('taken back');
        await assert.rejects(
          test.database.writing(async (transaction) => {
            await statement.execute(transaction);
            const within = { ...test.database, queries: transaction } as typeof test.database;
            assert.deepEqual(await verifyAudit(within), { kind: 'broken', number }, title);
            throw back;
          }),
          back,
        );
      }
      assert.deepEqual(await verifyAudit(test.database), verdict);
    });

    it('write one chain, also at once', async () => {
      const count = async () => (await readAudit(test.database, { limit: 10_000, order: 'oldest' })).length;
      const had = await count();
      await Promise.all(
        Array.from({ length: 20 }, (_, index) => putUser(test.store, LOCAL, `many-${index}`, {})),
      );
      await test.database.writing(async (transaction) => {
        await test.database.lock(transaction);
        const deeds = Array.from({ length: 1200 }, (_, index) => ({
          action: 'update',
          object: `apis/a${index}`,
        }));
        await appendAudit(rightsWithin(transaction), 1, actorOf(LOCAL), deeds);
      });
      assert.equal((await verifyAudit(test.database)).kind, 'intact');
      assert.equal(await count(), had + 1220);
    });
  });
