import assert from 'node:assert/strict';
import { it } from 'node:test';
import { placeText } from './admin-client.ts';

it('a place is told by what whoever reads it has: no line of the store', () => {
  const at = { line: 4, column: 1, message: 'is wrong' };
  for (const [found, text] of [
    [{ ...at, path: 'services.j2', file: 'store:services/j2' }, '  services.j2: is wrong'],
    [
      { ...at, path: 'policies[3]', file: 'store:policies/a' },
      '  policies[3] in store:policies/a:4: is wrong',
    ],
    [{ ...at, path: 'routes.a', file: '/etc/gateway.yaml' }, '  routes.a in /etc/gateway.yaml:4: is wrong'],
    [{ parameter: 'cursor', message: 'is old' }, '  cursor: is old'],
  ] as const)
    assert.equal(placeText(found), text);
});
