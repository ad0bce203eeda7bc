import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { secretPaths } from './secret-paths.ts';

describe('Places of a configuration that may hold a secret', () => {
  for (const [title, policies, places] of [
    [
      'are options of a policy that are called so',
      [{ own: { apiKey: 'x', keys: ['y'] } }],
      ['0.own.apiKey', '0.own.keys.0'],
    ],
    [
      'but not what a limit counts by, which is a kind or a name',
      [{ 'rate-limit': { key: ['consumer', 'route'], limits: [{ rate: '1/s', key: { cookie: 'id' } }] } }],
      [],
    ],
  ] as const) {
    it(title, () =>
      assert.deepEqual(
        secretPaths({ policies }).map((path) => path.slice(1).join('.')),
        places,
      ),
    );
  }
});
