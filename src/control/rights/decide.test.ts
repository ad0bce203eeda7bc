import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Account, LOCAL_ACCOUNT, mayGive, narrowed } from './account.ts';
import { type Action, type Decision, decide, type ObjectKind } from './decide.ts';
import { EVERYWHERE, ROLES, type Role } from './roles.ts';

function withRoles(roles: Readonly<Record<string, Role>>): Account {
  return { id: 'u_1', name: 'ann', kind: 'user', roles: new Map(Object.entries(roles)) };
}

/** What the four roles get, the least first: `+` allowed, `-` forbidden, `?` hidden. */
const DECISIONS: Readonly<Record<string, Decision>> = { '+': 'allowed', '-': 'forbidden', '?': 'hidden' };
type Row = readonly [
  kinds: readonly ObjectKind[],
  action: Action,
  own: string,
  foreign: string,
  ofNone: string,
  everywhere: string,
];

const TRAFFIC = ['services', 'functions', 'routes', 'apis', 'plans', 'lists', 'consumers'] as const;
const TRUST = ['certificates', 'providers', 'sessions'] as const;

// Roles in the organization of the object, in another, in some organization while the object is of none; and roles everywhere.
const TABLE: readonly Row[] = [
  [TRAFFIC, 'read', '++++', '????', '++++', '++++'],
  [TRAFFIC, 'change', '-+++', '????', '----', '-+++'],
  [TRUST, 'read', '++++', '????', '++++', '++++'],
  [TRUST, 'change', '--++', '????', '----', '--++'],
  [['policies'], 'read', '++++', '????', '++++', '++++'],
  [['policies'], 'change', '--++', '????', '----', '--++'],
  [['organizations'], 'read', '++++', '????', '----', '++++'],
  [['organizations'], 'change', '---+', '????', '----', '---+'],
  [['memberships', 'service-accounts', 'users', 'audit'], 'read', '--++', '????', '----', '--++'],
  [['memberships', 'service-accounts', 'users'], 'change', '--++', '????', '----', '--++'],
  [['audit'], 'change', '---+', '????', '----', '---+'],
  [['gateway', 'registry', 'quotas'], 'read', '++++', '????', '----', '++++'],
  [['gateway', 'quotas'], 'change', '--++', '????', '----', '--++'],
  [['registry'], 'change', '-+++', '????', '----', '-+++'],
  [['self'], 'read', '++++', '++++', '++++', '++++'],
  [['self'], 'change', '++++', '++++', '++++', '++++'],
];

describe('What a role may do', () => {
  for (const [kinds, action, own, foreign, ofNone, everywhere] of TABLE)
    for (const kind of kinds)
      it(`${action} ${kind}`, () => {
        const ask = (roles: Readonly<Record<string, Role>>, organization: string | undefined): Decision =>
          decide(withRoles(roles), action, { kind, organization });
        const row = (of: (role: Role) => Decision): Decision[] => ROLES.map(of);
        const wanted = (text: string) => Array.from(text, (sign) => DECISIONS[sign]);
        assert.deepEqual(
          row((role) => ask({ acme: role }, 'acme')),
          wanted(own),
          'own',
        );
        assert.deepEqual(
          row((role) => ask({ globex: role }, 'acme')),
          wanted(foreign),
          'foreign',
        );
        assert.deepEqual(
          row((role) => ask({ acme: role }, undefined)),
          wanted(ofNone),
          'of none',
        );
        for (const organization of ['acme', undefined])
          assert.deepEqual(
            row((role) => ask({ [EVERYWHERE]: role }, organization)),
            wanted(everywhere),
          );
      });

  it('is nothing for an account without a role, beside what is its own', () => {
    const nobody = withRoles({});
    assert.equal(decide(nobody, 'read', { kind: 'services' }), 'forbidden');
    assert.equal(decide(nobody, 'read', { kind: 'services', organization: 'acme' }), 'hidden');
    assert.equal(decide(nobody, 'read', { kind: 'self' }), 'allowed');
  });

  it('is the higher one of two that apply', () => {
    const ann = withRoles({ acme: 'admin', [EVERYWHERE]: 'viewer' });
    assert.equal(decide(ann, 'change', { kind: 'certificates', organization: 'acme' }), 'allowed');
    assert.equal(decide(ann, 'change', { kind: 'certificates', organization: 'globex' }), 'forbidden');
    assert.equal(decide(ann, 'read', { kind: 'gateway' }), 'allowed');
  });

  it('is everything for whoever is local', () => {
    for (const organization of ['acme', undefined])
      for (const [kinds, action] of TABLE)
        for (const kind of kinds)
          assert.equal(decide(LOCAL_ACCOUNT, action, { kind, organization }), 'allowed');
  });
});

describe('A token', () => {
  const roles = (account: Account) => Object.fromEntries(account.roles);

  it('lowers every role to its own', () => {
    const ann = withRoles({ acme: 'owner', globex: 'viewer', [EVERYWHERE]: 'admin' });
    assert.deepEqual(roles(narrowed(ann, { role: 'developer' })), {
      acme: 'developer',
      globex: 'developer',
      [EVERYWHERE]: 'developer',
    });
  });

  it('never raises one', () => {
    assert.deepEqual(roles(narrowed(withRoles({ acme: 'viewer' }), { role: 'owner' })), { acme: 'viewer' });
  });

  it('leaves only the organizations that it is for, everywhere not included', () => {
    const ann = withRoles({ acme: 'viewer', [EVERYWHERE]: 'owner' });
    assert.deepEqual(roles(narrowed(ann, { role: 'admin', organizations: ['acme', 'initech'] })), {
      acme: 'admin',
      initech: 'admin',
    });
    assert.deepEqual(
      roles(narrowed(withRoles({ acme: 'admin' }), { role: 'admin', organizations: ['globex'] })),
      {},
    );
  });
});

describe('A role is given', () => {
  const CASES: readonly [own: Role, place: string, given: string][] = [
    ['viewer', 'acme', '----'],
    ['developer', 'acme', '----'],
    ['admin', 'acme', '+++-'],
    ['owner', 'acme', '++++'],
    ['owner', 'globex', '----'],
    ['owner', EVERYWHERE, '----'],
  ];
  for (const [own, place, given] of CASES)
    it(`by the ${own} of acme in ${place}: ${given}`, () => {
      const ann = withRoles({ acme: own });
      assert.equal(ROLES.map((role) => (mayGive(ann, place, role) ? '+' : '-')).join(''), given);
    });

  it('everywhere by whoever has it everywhere', () => {
    const ann = withRoles({ [EVERYWHERE]: 'admin' });
    for (const place of [EVERYWHERE, 'acme'])
      assert.equal(ROLES.map((role) => (mayGive(ann, place, role) ? '+' : '-')).join(''), '+++-');
  });
});
