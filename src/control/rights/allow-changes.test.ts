import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Collection, EntityChange, EntityValue } from '../store/entity.ts';
import type { Account } from './account.ts';
import { type EntitiesInForce, refusalOfChanges } from './allow-changes.ts';
import { EVERYWHERE, type Role } from './roles.ts';

const IN_FORCE: Readonly<Record<string, EntityValue>> = {
  'organizations/globex': { pathPrefix: '/shops/globex' },
  'organizations/initech': { pathPrefix: '/' },
  'services/ours': { organization: 'acme' },
  'services/theirs': { organization: 'globex' },
  'services/shared': {},
  'providers/login': {},
  'providers/theirs': { organization: 'globex' },
  'sessions/theirs': { organization: 'globex' },
  'lists/theirs': { organization: 'globex' },
  'apis/waits': { service: 'awaited' },
  'apis/waits-too': { organization: 'globex', function: 'awaited-too' },
  'apis/ours-waits': { organization: 'acme', service: 'awaited-by-us' },
};

const inForce: EntitiesInForce = {
  get: (collection, name) => IN_FORCE[`${collection}/${name}`],
  values: (collection) =>
    Object.entries(IN_FORCE).flatMap(([place, value]) =>
      place.startsWith(`${collection}/`) ? [[place.slice(collection.length + 1), value] as const] : [],
    ),
};

function account(roles: Readonly<Record<string, Role>>): Account {
  return { id: 'u_1', name: 'ann', kind: 'user', roles: new Map(Object.entries(roles)) };
}

const DEVELOPER = { acme: 'developer' } as const;
const BOTH = { acme: 'developer', globex: 'developer' } as const;
const SUPERUSER = { [EVERYWHERE]: 'owner' } as const;
const REACHES = 'routes/r names no host: then its paths have to be /acme, or below';
const NONE = 'there is none that acme may use';

type Change = readonly [place: string, before: EntityValue | undefined, after: EntityValue | undefined];
const HOSTED = { match: { hosts: ['acme.test'] } };
const route = (more: EntityValue): Change => [
  'routes/r',
  undefined,
  { organization: 'acme', ...HOSTED, ...more },
];

const CASES: readonly (readonly [
  title: string,
  roles: Readonly<Record<string, Role>>,
  changes: readonly Change[],
  refusal: string | undefined,
])[] = [
  ['makes what is theirs', DEVELOPER, [route({ service: 'ours' })], undefined],
  ['uses what is shared', DEVELOPER, [route({ service: 'shared' })], undefined],
  ['deletes what is theirs', DEVELOPER, [['routes/r', { organization: 'acme' }, undefined]], undefined],
  [
    'makes nothing that belongs to none',
    DEVELOPER,
    [['routes/r', undefined, {}]],
    'routes/r belongs to no organization: to change it takes the role developer everywhere (*)',
  ],
  [
    'makes nothing for an organization that they are not of',
    DEVELOPER,
    [['routes/r', undefined, { organization: 'globex' }]],
    'to change routes/r takes the role developer in the organization globex',
  ],
  [
    'changes no certificate',
    DEVELOPER,
    [['certificates/c', { organization: 'acme' }, { organization: 'acme', cert: 'x' }]],
    'to change certificates/c takes the role admin in the organization acme',
  ],
  [
    'cannot take over a name',
    DEVELOPER,
    [['services/theirs', { organization: 'globex' }, { organization: 'acme' }]],
    'the name services/theirs is taken',
  ],
  [
    'deletes nothing that they cannot see, and is not told that it is there',
    DEVELOPER,
    [['services/theirs', { organization: 'globex' }, undefined]],
    'there is no services/theirs',
  ],
  [
    'gives nothing away',
    DEVELOPER,
    [['services/ours', { organization: 'acme' }, { organization: 'globex' }]],
    'to change services/ours takes the role developer in the organization globex',
  ],
  [
    'shares nothing with everybody',
    DEVELOPER,
    [['services/ours', { organization: 'acme' }, {}]],
    'services/ours belongs to no organization: to change it takes the role developer everywhere (*)',
  ],
  [
    'moves what is theirs in both organizations',
    BOTH,
    [['services/ours', { organization: 'acme' }, { organization: 'globex' }]],
    undefined,
  ],
  [
    'makes no policy of every route, whatever it says that it belongs to',
    DEVELOPER,
    [['policies/cors', undefined, { organization: 'acme' }]],
    'policies/cors belongs to no organization: to change it takes the role admin everywhere (*)',
  ],
  [
    'makes no organization',
    { acme: 'owner' },
    [['organizations/initech', undefined, {}]],
    'organizations/initech belongs to no organization: to change it takes the role owner everywhere (*)',
  ],
  [
    'does not delete their own',
    { acme: 'owner' },
    [['organizations/acme', {}, undefined]],
    'organizations/acme belongs to no organization: to change it takes the role owner everywhere (*)',
  ],
  ['changes their own', { acme: 'owner' }, [['organizations/acme', {}, { title: 'Acme' }]], undefined],
  [
    'does not take another path prefix for it',
    { acme: 'owner' },
    [['organizations/acme', {}, { pathPrefix: '/' }]],
    'the path prefix of organizations/acme belongs to no organization: to change it takes the role owner everywhere (*)',
  ],
  [
    'does not give up one that it was given',
    { acme: 'owner' },
    [['organizations/acme', { pathPrefix: '/shops/acme' }, {}]],
    'the path prefix of organizations/acme belongs to no organization: to change it takes the role owner everywhere (*)',
  ],
  ...(
    [
      ['below the prefix', { paths: ['/acme', '/acme/a/*'] }, undefined],
      ['elsewhere on a host', { hosts: ['acme.test'], paths: ['/*'] }, undefined],
      ['elsewhere', { paths: ['/acme/a', '/other'] }, REACHES],
      ['that begins like the prefix', { paths: ['/acmeist'] }, REACHES],
      ['everywhere', {}, REACHES],
      ['everywhere with no hosts in its list', { hosts: [], paths: [] }, REACHES],
    ] as const
  ).map(
    ([title, match, refusal]) => [`makes a route ${title}`, DEVELOPER, [route({ match })], refusal] as const,
  ),
  [
    'makes a route elsewhere with a role everywhere',
    { [EVERYWHERE]: 'developer' },
    [route({ match: { paths: ['/other'] } })],
    undefined,
  ],
  [
    'changes one elsewhere that is there, but not where it is',
    DEVELOPER,
    [
      [
        'routes/r',
        { organization: 'acme', match: { paths: ['/other'] } },
        { organization: 'acme', match: { paths: ['/other'] }, enabled: false },
      ],
    ],
    undefined,
  ],
  [
    'gives one elsewhere to no other place',
    DEVELOPER,
    [
      [
        'routes/r',
        { organization: 'acme', match: { paths: ['/other'] } },
        { organization: 'acme', match: { paths: ['/another'] } },
      ],
    ],
    REACHES,
  ],
  [
    'makes a route below the prefix that its organization was given',
    { globex: 'developer' },
    [['routes/r', undefined, { organization: 'globex', match: { paths: ['/shops/globex/a'] } }]],
    undefined,
  ],
  [
    'makes a route anywhere for an organization without a prefix',
    { initech: 'developer' },
    [['routes/r', undefined, { organization: 'initech', match: { paths: ['/a'] } }]],
    undefined,
  ],
  [
    'is refused all of several where one is refused',
    DEVELOPER,
    [route({ service: 'ours' }), ['services/x', undefined, {}]],
    'services/x belongs to no organization: to change it takes the role developer everywhere (*)',
  ],
  [
    'names a thing that is made with it',
    DEVELOPER,
    [route({ service: 'new' }), ['services/new', undefined, { organization: 'acme' }]],
    undefined,
  ],
  [
    'names nothing of others: a service',
    DEVELOPER,
    [route({ service: 'theirs' })],
    `routes/r names services/theirs, and ${NONE}`,
  ],
  [
    'is told the same of what is not there',
    DEVELOPER,
    [route({ service: 'absent' })],
    `routes/r names services/absent, and ${NONE}`,
  ],
  [
    'names nothing of others, also not with rights in both: it would break where one of them is lost',
    BOTH,
    [route({ service: 'theirs' })],
    `routes/r names services/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: in a split',
    DEVELOPER,
    [
      route({
        split: [
          { service: 'ours', weight: 1 },
          { service: 'theirs', weight: 1 },
        ],
      }),
    ],
    `routes/r names services/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: in a mirror',
    DEVELOPER,
    [route({ service: 'ours', mirror: { service: 'theirs' } })],
    `routes/r names services/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: pages of a login',
    DEVELOPER,
    [route({ login: 'theirs' })],
    `routes/r names sessions/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: a session',
    DEVELOPER,
    [route({ policies: [{ auth: { any: [{ session: { name: 'theirs' } }] } }] })],
    `routes/r names sessions/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: a provider in a policy',
    DEVELOPER,
    [route({ policies: [{ jwt: { providers: ['login', 'theirs'] } }] })],
    `routes/r names providers/theirs, and ${NONE}`,
  ],
  [
    'names nothing of others: a list in a policy',
    DEVELOPER,
    [route({ policies: [{ 'ip-filter': { deny: [{ list: 'theirs' }] } }] })],
    `routes/r names lists/theirs, and ${NONE}`,
  ],
  [
    'points an API to what is not there yet',
    DEVELOPER,
    [['apis/a', undefined, { organization: 'acme', function: 'later' }]],
    undefined,
  ],
  [
    'points no API to what is another’s',
    DEVELOPER,
    [['apis/a', undefined, { organization: 'acme', service: 'theirs' }]],
    `apis/a names services/theirs, and ${NONE}`,
  ],
  [
    'makes no service that an API of all waits for',
    DEVELOPER,
    [['services/awaited', undefined, { organization: 'acme' }]],
    'the name services/awaited is taken',
  ],
  [
    'makes no function that an API of others waits for',
    DEVELOPER,
    [['functions/awaited-too', undefined, { organization: 'acme' }]],
    'the name functions/awaited-too is taken',
  ],
  [
    'makes the service that an API of theirs waits for',
    DEVELOPER,
    [['services/awaited-by-us', undefined, { organization: 'acme' }]],
    undefined,
  ],
];

describe('Whoever changes something', () => {
  for (const [title, roles, changes, refusal] of CASES)
    it(title, () => {
      const all = changes.map(([place, before, after]): EntityChange => {
        const [collection, name] = place.split('/') as [Collection, string];
        return { collection, name, before, after };
      });
      assert.equal(refusalOfChanges(account(roles), all, inForce), refusal);
      assert.equal(refusalOfChanges(account(SUPERUSER), all, inForce), undefined);
    });
});
