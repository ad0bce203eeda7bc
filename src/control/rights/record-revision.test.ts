import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { EntityChange } from '../store/entity.ts';
import { type Account, LOCAL_ACCOUNT } from './account.ts';
import { recordRevision } from './record-revision.ts';
import { readAudit, verifyAudit } from './store/audit-log.ts';
import { logInExternal } from './store/external-users.ts';
import { KnownAccounts } from './store/known-accounts.ts';
import { giveRole, listMemberships } from './store/memberships.ts';
import type { Asker, Outcome } from './store/rights-store.ts';
import { listServiceAccounts, putServiceAccount } from './store/service-accounts.ts';
import { openTestStore, STORE_KINDS, type TestStore } from './store/stores.support.ts';
import { createToken } from './store/tokens.ts';
import { putUser } from './store/users.ts';

const LOCAL: Asker = { account: LOCAL_ACCOUNT };
const ACTOR = { account: 'u_olga', name: 'olga' };

function done<Result>(outcome: Outcome<Result>): Result {
  assert.ok(outcome.ok, outcome.ok ? '' : outcome.message);
  return outcome.result;
}

for (const kind of STORE_KINDS)
  describe(`A revision in ${kind}`, () => {
    let test: TestStore;
    before(async () => {
      test = await openTestStore(kind);
    });
    after(() => test[Symbol.asyncDispose]());

    let revision = 0;
    const record = (changes: readonly EntityChange[]) =>
      test.database.writing(async (transaction) => {
        await test.database.lock(transaction);
        const made = { number: ++revision, atMs: test.clock.nowMs, author: 'olga', message: undefined };
        await recordRevision(transaction, made, changes, { actor: ACTOR });
      });
    /** What the log has of it, as action, object and organization. */
    const entriesOf = async (organizations?: readonly string[]) => {
      const entries = await readAudit(test.database, { organizations, limit: 500, order: 'oldest' });
      return entries
        .filter(({ actor }) => actor.account === ACTOR.account)
        .map(({ deed }) => `${deed.action} ${deed.object} of ${deed.organization ?? 'nobody'}`);
    };

    it('that moves something is told to who has it, and to who had it', async () => {
      const api = (organization?: string) => ({
        paths: ['/a'],
        ...(organization !== undefined && { organization }),
      });
      const moves = (from?: string, to?: string): EntityChange => ({
        collection: 'apis',
        name: `${from ?? 'nobody'}-${to ?? 'nobody'}`,
        before: api(from),
        after: api(to),
      });
      await record([moves('acme', 'globex'), moves('acme'), moves(undefined, 'acme'), moves('acme', 'acme')]);
      assert.deepEqual(await entriesOf(), [
        'update apis/acme-globex of acme',
        'update apis/acme-globex of globex',
        'update apis/acme-nobody of acme',
        'update apis/acme-nobody of nobody',
        'update apis/nobody-acme of acme',
        'update apis/acme-acme of acme',
      ]);
      assert.deepEqual(await entriesOf(['globex']), ['update apis/acme-globex of globex']);
      const [left, had] = await readAudit(test.database, { limit: 2, order: 'oldest' });
      const { organization: _, ...same } = left?.deed ?? {};
      assert.deepEqual({ ...same, organization: 'globex' }, had?.deed);
    });

    it('without an organization leaves nobody with a role in it, nor what acts for it', async () => {
      const ann: Account = {
        id: done(await putUser(test.store, LOCAL, 'ann', {})).user.id,
        name: 'ann',
        kind: 'user',
        roles: new Map([['acme', 'owner']]),
      };
      for (const organization of ['acme', 'globex'])
        done(await giveRole(test.store, LOCAL, organization, 'ann', 'owner'));
      const roles = new Map([['acme', 'viewer'] as const]);
      done(
        await logInExternal(test.store, { provider: 'p', subject: '1', names: ['bob'], roles }, undefined),
      );
      for (const organization of ['acme', 'globex'])
        done(await putServiceAccount(test.store, LOCAL, `ci-${organization}`, { organization }));
      done(await giveRole(test.store, LOCAL, 'acme', 'ci-globex', 'developer'));
      const expiresAtMs = test.clock.nowMs + 1000;
      const wanted = { name: 't', role: 'admin', expiresAtMs } as const;
      const tokens = [];
      for (const organizations of [undefined, ['acme'], ['acme', 'globex']])
        tokens.push(
          done(
            await createToken(test.store, { account: ann }, { kind: 'self' }, { ...wanted, organizations }),
          ),
        );
      const ofService = done(
        await createToken(test.store, LOCAL, { kind: 'service', name: 'ci-acme' }, wanted),
      );

      await record([{ collection: 'organizations', name: 'acme', before: {}, after: undefined }]);
      // Made anew by somebody else.
      await record([{ collection: 'organizations', name: 'acme', before: undefined, after: {} }]);

      assert.deepEqual(
        (await listMemberships(test.store, LOCAL_ACCOUNT, {})).map(
          ({ organization, account }) => `${account} in ${organization}`,
        ),
        ['ann in globex'],
      );
      assert.deepEqual(
        (await listServiceAccounts(test.store, LOCAL_ACCOUNT)).map(({ name }) => name),
        ['ci-globex'],
      );
      const known = new KnownAccounts(test.store);
      const reaches = [];
      for (const { secret } of [...tokens, ofService]) {
        const account = await known.withToken(secret);
        reaches.push(account && Object.fromEntries(account.roles));
      }
      assert.deepEqual(reaches, [{ globex: 'admin' }, {}, { globex: 'admin' }, undefined]);
      const ended = (await entriesOf(['acme'])).slice(-8);
      assert.deepEqual(
        ended.map((entry) => entry.replace(/t_\S+/, 't')),
        [
          'delete organizations/acme of acme',
          'delete service-accounts/ci-acme of acme',
          'delete memberships/acme/ann of acme',
          'delete memberships/acme/bob of acme',
          'delete memberships/acme/ci-globex of acme',
          'update tokens/ann/t of acme',
          'update tokens/ann/t of acme',
          'create organizations/acme of acme',
        ],
      );
      assert.equal((await verifyAudit(test.database)).kind, 'intact');
    });

    it('with an organization that a file had before begins with nobody, but whom an identity provider knows', async () => {
      done(await putUser(test.store, LOCAL, 'old', {}));
      done(await giveRole(test.store, LOCAL, 'filed', 'old', 'owner'));
      done(await putServiceAccount(test.store, LOCAL, 'ci-filed', { organization: 'filed' }));
      const roles = new Map([['filed', 'viewer'] as const]);
      done(
        await logInExternal(test.store, { provider: 'p', subject: '2', names: ['eve'], roles }, undefined),
      );
      await record([{ collection: 'organizations', name: 'filed', before: undefined, after: {} }]);
      const members = await listMemberships(test.store, LOCAL_ACCOUNT, { organization: 'filed' });
      assert.deepEqual(
        members.map(({ account, source }) => [account, source]),
        [['eve', 'login']],
      );
      assert.deepEqual((await entriesOf(['filed'])).slice(-3), [
        'create organizations/filed of filed',
        'delete service-accounts/ci-filed of filed',
        'delete memberships/filed/old of filed',
      ]);
    });

    it('and the move of a service account are alike: both organizations are told', async () => {
      done(await putServiceAccount(test.store, LOCAL, 'mover', { organization: 'acme' }));
      done(await putServiceAccount(test.store, LOCAL, 'mover', { organization: 'globex' }));
      const entries = await readAudit(test.database, {
        object: 'service-accounts/mover',
        limit: 9,
        order: 'oldest',
      });
      assert.deepEqual(
        entries.map(({ deed }) => [deed.action, deed.organization]),
        [
          ['create', 'acme'],
          ['update', 'acme'],
          ['update', 'globex'],
        ],
      );
    });
  });
