import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { targetsKey } from './targets-key.ts';

const SETTINGS = { host: 'preserve', tls: undefined, targets: [{ url: 'http://a', weight: 1 }] };

suite('the key of a list of targets', () => {
  test('is the same in another thread', () => {
    assert.equal(targetsKey('orders', structuredClone(SETTINGS)), targetsKey('orders', SETTINGS));
  });

  for (const [title, name, settings] of [
    ['name', 'users', SETTINGS],
    ['setting', 'orders', { ...SETTINGS, host: 'target' }],
    ['target', 'orders', { ...SETTINGS, targets: [{ url: 'http://b', weight: 1 }] }],
  ] as const) {
    test(`is another one for another ${title}`, () => {
      assert.notEqual(targetsKey(name, settings), targetsKey('orders', SETTINGS));
    });
  }

  test('shows the name and nothing of the settings', () => {
    const key = targetsKey('orders', { key: 'a private key' });
    assert.match(key, /^orders:[\w-]{43}$/);
  });
});
