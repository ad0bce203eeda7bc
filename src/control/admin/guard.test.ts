import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isAllowedHost, isAllowedOrigin } from './guard.ts';

const HOSTS: readonly [host: string | undefined, allowed: boolean][] = [
  ['127.0.0.1:9900', true],
  ['127.0.0.1', true],
  ['10.1.2.3:80', true],
  ['[::1]:9900', true],
  ['[::1]', true],
  ['localhost:9900', true],
  ['LOCALHOST', true],
  ['gateway.localhost:9900', true],
  ['admin.example.com:9900', true],
  ['evil.example:9900', false],
  ['127.0.0.1.evil.example', false],
  ['localhost.evil.example', false],
  ['evil.example#127.0.0.1', false],
  ['user@127.0.0.1', false],
  ['127.0.0.1:9900, evil.example', false],
  ['', false],
  [undefined, false],
];

describe('a Host that the admin port answers to', () => {
  for (const [host, allowed] of HOSTS) {
    it(`${JSON.stringify(host)} is ${allowed ? 'one' : 'none'}`, () =>
      assert.equal(isAllowedHost(host, ['admin.example.com']), allowed));
  }
});

const ORIGINS: readonly [
  title: string,
  origin: string | undefined,
  site: string | undefined,
  allowed: boolean,
][] = [
  ['a command line', undefined, undefined, true],
  ['the own console', 'http://127.0.0.1:9900', 'same-origin', true],
  ['the own console in a browser without Sec-Fetch-Site', 'http://127.0.0.1:9900', undefined, true],
  ['the own console behind TLS', 'https://127.0.0.1:9900', 'same-origin', true],
  ['the address bar', undefined, 'none', true],
  ['another port of the same machine', 'http://127.0.0.1:8080', 'same-site', false],
  ['another site', 'https://evil.example', 'cross-site', false],
  ['another site in a browser without Sec-Fetch-Site', 'https://evil.example', undefined, false],
  ['a page without an origin', 'null', undefined, false],
  ['a form of another site that hides its origin', undefined, 'cross-site', false],
];

describe('a page that may change something', () => {
  for (const [title, origin, site, allowed] of ORIGINS) {
    it(`${allowed ? 'is' : 'is not'} ${title}`, () =>
      assert.equal(isAllowedOrigin(origin, site, '127.0.0.1:9900'), allowed));
  }
});
