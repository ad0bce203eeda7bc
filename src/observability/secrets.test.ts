import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isSecretField, redactQuery, redactUrl } from './secrets.ts';

describe('a field is secret', () => {
  for (const name of [
    'Authorization',
    'proxy-authorization',
    'COOKIE',
    'set-cookie',
    'X-API-Key',
    'apikey',
    'x-auth-token',
    'X-Acme-Access-Token',
    'x-csrf-token',
    'private-token',
    'x-client-secret',
    'x-session-id',
    'x-amz-security-token',
    'dpop',
    'x-goog-iap-jwt-assertion',
    'Authentication-Info',
  ]) {
    it(name, () => assert.equal(isSecretField(name), true));
  }
  for (const name of [
    'user-agent',
    'accept',
    'x-request-id',
    'x-tenant',
    'idempotency-key',
    'content-type',
    'x-tokenizer',
    'keep-alive',
  ]) {
    it(`not ${name}`, () => assert.equal(isSecretField(name), false));
  }
});

describe('a query without its secrets', () => {
  const cases: [query: string, expected: string][] = [
    ['', ''],
    ['?', '?'],
    ['?a=1&b=2', '?a=1&b=2'],
    ['?access_token=abc', '?access_token=***'],
    ['?a=1&access_token=abc&b=2', '?a=1&access_token=***&b=2'],
    ['?code=x&state=y', '?code=***&state=***'],
    ['?TOKEN=a', '?TOKEN=***'],
    ['?acc%65ss_token=a', '?acc%65ss_token=***'],
    ['?token[]=a&token%5B0%5D=b', '?token[]=***&token%5B0%5D=***'],
    ['?token=a=b=c', '?token=***'],
    ['?a=1;token=b;c=2', '?a=1;token=***;c=2'],
    ['?token', '?token'],
    ['?token=', '?token='],
    ['?tokens=1&mytoken=2', '?tokens=1&mytoken=2'],
    ['?a=?token=1', '?a=?token=***'],
    ['?%ZZ=1&key=2', '?%ZZ=1&key=***'],
    ['?a&&=&token=1&', '?a&&=&token=***&'],
    ['?X-Amz-Signature=abc', '?X-Amz-Signature=***'],
  ];
  for (const [query, expected] of cases) {
    it(`of ${JSON.stringify(query)} is ${JSON.stringify(expected)}`, () =>
      assert.equal(redactQuery(query), expected));
  }

  it('never holds the value, whatever stands around it', () => {
    const around = fc.stringMatching(/^(?:[a-z0-9%=.-]{0,8}&)*$/);
    fc.assert(
      fc.property(
        around,
        around,
        fc.constantFrom('token', 'password', 'client_secret', 'sig'),
        (before, after, name) => {
          const redacted = redactQuery(`?${before}${name}=S3CRET&${after}`);
          assert.equal(redacted.includes('S3CRET'), false);
        },
      ),
    );
  });
});

describe('a URL without its secrets', () => {
  const cases: [url: string, expected: string][] = [
    ['https://a.example/x?y=1', 'https://a.example/x?y=1'],
    ['https://user:pass@a.example/x', 'https://***@a.example/x'],
    ['https://u@p@a.example/', 'https://***@a.example/'],
    ['https://a.example/@me?token=1', 'https://a.example/@me?token=***'],
    ['https://a.example/cb#access_token=1&x=2', 'https://a.example/cb#access_token=***&x=2'],
    ['/path?code=1', '/path?code=***'],
    ['//u:p@h', '//***@h'],
    ['not a url', 'not a url'],
    ['', ''],
  ];
  for (const [url, expected] of cases) {
    it(`of ${JSON.stringify(url)} is ${JSON.stringify(expected)}`, () =>
      assert.equal(redactUrl(url), expected));
  }
});
