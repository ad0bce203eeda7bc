import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { targetAddress, withPort } from './address.ts';

suite('the address of a target', () => {
  for (const [url, host, port, name, authority, secure] of [
    ['http://orders.internal', 'orders.internal', 80, 'orders.internal:80', 'orders.internal', false],
    ['http://orders.internal:80/', 'orders.internal', 80, 'orders.internal:80', 'orders.internal', false],
    ['http://orders.internal:81', 'orders.internal', 81, 'orders.internal:81', 'orders.internal:81', false],
    ['https://orders.internal', 'orders.internal', 443, 'orders.internal:443', 'orders.internal', true],
    ['https://192.0.2.1:80', '192.0.2.1', 80, '192.0.2.1:80', '192.0.2.1:80', true],
    ['http://[2001:db8::1]:81', '2001:db8::1', 81, '[2001:db8::1]:81', '[2001:db8::1]:81', false],
  ] as const) {
    test(`is read from ${url}`, () => {
      assert.deepEqual(targetAddress(url), { host, port, name, authority, secure });
    });
  }

  for (const [url, port, expected] of [
    ['http://a:1', 2, 'http://a:2'],
    ['http://a', 2, 'http://a:2'],
    ['https://a:1', 443, 'https://a'],
    ['https://[::1]:1', 2, 'https://[::1]:2'],
    ['http://a:1', undefined, 'http://a:1'],
  ] as const) {
    test(`is ${expected} for ${url} with the port ${port}`, () => {
      assert.equal(withPort(url, port), expected);
    });
  }
});
