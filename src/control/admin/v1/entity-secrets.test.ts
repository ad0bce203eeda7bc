import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Collection, EntityValue } from '../../store/entity.ts';
import { redactEntity, restoreSecrets } from './entity-secrets.ts';

const R = '[redacted]';

const VIEWS: readonly [title: string, collection: Collection, value: EntityValue, view: EntityValue][] = [
  ['a private key', 'certificates', { cert: 'C', key: 'K' }, { cert: 'C', key: R }],
  [
    'but not where it lies',
    'certificates',
    { cert: 'C', key: 'file:a.key' },
    { cert: 'C', key: 'file:a.key' },
  ],
  [
    'passwords, their hashes and keys of a consumer',
    'consumers',
    { basic: { username: 'a', password: 'p', hash: '$scrypt$x' }, apiKeys: [{ id: 'a', key: 'k' }] },
    { basic: { username: 'a', password: R, hash: R }, apiKeys: [{ id: 'a', key: R }] },
  ],
  [
    'what a route sends and asks for, but not by what it counts',
    'routes',
    {
      match: { headers: { authorization: 'Basic eA==' } },
      splitOverride: { cookie: 'variant' },
      policies: [
        { headers: { request: { set: { 'x-api-key': 'k', 'x-a': '1' } } } },
        { 'rate-limit': { limits: [{ rate: '1/s', key: { cookie: 'id' } }] } },
      ],
    },
    {
      match: { headers: { authorization: R } },
      splitOverride: { cookie: 'variant' },
      policies: [
        { headers: { request: { set: { 'x-api-key': R, 'x-a': '1' } } } },
        { 'rate-limit': { limits: [{ rate: '1/s', key: { cookie: 'id' } }] } },
      ],
    },
  ],
  ['of a policy', 'policies', { csrf: { secret: 's' } }, { csrf: { secret: R } }],
  [
    'the user info of a URL',
    'services',
    { url: 'http://me:pw@127.0.0.1:1' },
    { url: `http://${R}@127.0.0.1:1` },
  ],
  [
    'the private part of a JSON Web Key',
    'providers',
    { jwks: { keys: [{ kty: 'EC', x: 'x', d: 'd' }] } },
    { jwks: { keys: [{ kty: 'EC', x: 'x', d: R }] } },
  ],
];

describe('An entity is shown without', () => {
  for (const [title, collection, value, view] of VIEWS)
    it(title, () => {
      assert.deepEqual(redactEntity(collection, value), view);
      assert.deepEqual(restoreSecrets(collection, view, value), { ok: true, value });
    });
});

const KEYS = (...keys: [id: string | undefined, key: string][]) => ({
  apiKeys: keys.map(([id, key]) => (id === undefined ? { key } : { id, key })),
});
const ALICE = KEYS(['a', 'secret-a'], ['b', 'secret-b']);

const WRITES: readonly [
  title: string,
  written: EntityValue,
  current: EntityValue | undefined,
  result: EntityValue | string,
][] = [
  ['stands for the secret at its place', KEYS(['a', R], ['b', R]), ALICE, ALICE],
  ['goes with its entry when others go', KEYS(['b', R]), ALICE, KEYS(['b', 'secret-b'])],
  [
    'goes with its entry when others come',
    KEYS(['c', 'new'], ['a', R]),
    ALICE,
    KEYS(['c', 'new'], ['a', 'secret-a']),
  ],
  [
    'goes with its entry when they change places',
    KEYS(['b', R], ['a', R]),
    ALICE,
    KEYS(['b', 'secret-b'], ['a', 'secret-a']),
  ],
  [
    'stays when something else of its entry changes',
    { apiKeys: [{ id: 'a', key: R, expires: '2030-01-01T00:00:00Z' }] },
    ALICE,
    { apiKeys: [{ id: 'a', key: 'secret-a', expires: '2030-01-01T00:00:00Z' }] },
  ],
  ['does not go to an entry of another name', KEYS(['c', R], ['b', R]), ALICE, 'apiKeys.0.key'],
  [
    'does not go to an entry that may be any',
    KEYS([undefined, R]),
    KEYS([undefined, 'x'], [undefined, 'y']),
    'apiKeys.0.key',
  ],
  ['stands for nothing where nothing was', KEYS(['a', R]), undefined, 'apiKeys.0.key'],
  ['stands for nothing at another place', { basic: { password: R } }, ALICE, 'basic.password'],
  ['is no text that somebody may write where no secret was', { groups: [R] }, { groups: ['a'] }, 'groups.0'],
];

describe('[redacted] in what is written', () => {
  for (const [title, written, current, result] of WRITES)
    it(title, () => {
      const restored = restoreSecrets('consumers', written, current);
      assert.deepEqual(
        restored.ok ? restored.value : restored.paths.map((path) => path.join('.')).join(),
        result,
      );
    });
});
