import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Collection, EntityValue } from '../../store/entity.ts';
import type { AdminCaller } from '../access.ts';
import { hostReachRefusal } from './host-reach.ts';

const caller = (rules: boolean) =>
  ({ name: 'dana', may: () => rules, refuse: () => undefined }) as unknown as AdminCaller;

const header = (value: string): EntityValue => ({
  policies: [{ headers: { response: { set: { 'x-a': value } } } }],
});
const AT_HEADER = 'routes.a /policies/0/headers/response/set/x-a';

const CASES: readonly [
  title: string,
  collection: Collection,
  before: EntityValue | undefined,
  after: EntityValue | undefined,
  place: string | undefined,
][] = [
  ['a variable of the environment', 'routes', undefined, header('env:DATABASE_URL'), AT_HEADER],
  ['a file', 'routes', header('x'), header('file:/etc/shadow'), AT_HEADER],
  ['another variable', 'routes', header('env:A'), header('env:B'), AT_HEADER],
  ['a variable at another place', 'routes', { title: 'env:A' }, header('env:A'), AT_HEADER],
  [
    'a module of policies',
    'routes',
    undefined,
    { policies: [{ './own.ts': {} }] },
    'routes.a /policies/0/.~1own.ts',
  ],
  ['a module as a policy of every route', 'policies', undefined, { '/own.ts': {} }, 'policies.a /~1own.ts'],
  ['a module as a provider', 'providers', undefined, { kind: './own.ts' }, 'providers.a /kind'],
  ['a document', 'apis', undefined, { openapi: 'a.yaml' }, 'apis.a /openapi'],
  ['a list in a file', 'lists', undefined, { file: 'a.txt' }, 'lists.a /file'],
  [
    'targets in a file',
    'services',
    undefined,
    { discovery: { file: { path: 'a' } } },
    'services.a /discovery/file',
  ],
  [
    'a variable that stays, with what it is sent to',
    'routes',
    header('env:A'),
    { ...header('env:A'), priority: 1 },
    AT_HEADER,
  ],
  ['a file behind a line end', 'routes', undefined, header('file:\n/../etc/hostname'), AT_HEADER],
  ['a file behind another line end', 'routes', undefined, header('file:\u2028a'), AT_HEADER],
  [
    'the token of its pod, for another server',
    'services',
    undefined,
    { discovery: { kubernetes: { apiServer: 'https://evil.example' } } },
    'services.a /discovery/kubernetes/apiServer',
  ],
  [
    'nothing: a module that stays',
    'apis',
    { openapi: 'a.yaml' },
    { openapi: 'a.yaml', title: 'a' },
    undefined,
  ],
  [
    'nothing: paths of requests',
    'routes',
    undefined,
    { match: { paths: ['/a'] }, rewrite: { path: '/b' } },
    undefined,
  ],
  ['nothing: an end', 'routes', header('env:A'), undefined, undefined],
];

describe('Who does not rule the gateway may not have a change reach for', () => {
  for (const [title, collection, before, after, place] of CASES)
    it(title, () => {
      const changes = [{ collection, name: 'a', before, after }];
      assert.equal(
        hostReachRefusal(changes, caller(false)),
        place && `dana has no right to name files and variables of the machine: ${place}`,
      );
      assert.equal(hostReachRefusal(changes, caller(true)), undefined);
    });
});
