import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fields } from '../../http/fields.ts';
import type { Exchange } from '../../policy/contract.ts';
import { compileHashKey } from './hash-key.ts';
import { murmur3 } from './murmur3.ts';
import type { HashSettings } from './schema.ts';

interface Request {
  readonly fields?: Readonly<Record<string, string>>;
  readonly params?: Readonly<Record<string, string>>;
  readonly address?: string;
}

/** As much of an exchange as a key is read from. */
function exchangeOf({ fields = {}, params = {}, address = '192.0.2.1' }: Request): Exchange {
  const exchange = {
    request: { fields: Fields.from(fields) },
    client: { address },
    param: (name: string) => params[name],
  };
  return exchange as unknown as Exchange;
}

suite('the key of a request', () => {
  const table: readonly [title: string, settings: HashSettings, request: Request, key: string | undefined][] =
    [
      ['is a field’s value', { header: 'X-Tenant' }, { fields: { 'x-tenant': 'acme' } }, 'acme'],
      ['is none without the field', { header: 'X-Tenant' }, {}, undefined],
      ['is none with an empty field', { header: 'X-Tenant' }, { fields: { 'x-tenant': '' } }, undefined],
      ['is a cookie’s value', { cookie: 'sid' }, { fields: { cookie: 'a=b; sid=42; c=d' } }, '42'],
      ['is none without the cookie', { cookie: 'sid' }, { fields: { cookie: 'a=b; SID=42' } }, undefined],
      ['is none with an empty cookie', { cookie: 'sid' }, { fields: { cookie: 'sid=; c=d' } }, undefined],
      ['is none without any cookie', { cookie: 'sid' }, {}, undefined],
      ['is what the path captured', { param: 'id' }, { params: { id: 'a%2Fb' } }, 'a%2Fb'],
      ['is none where the route captures nothing of that name', { param: 'id' }, {}, undefined],
      ['is the client’s address', { address: true }, { address: '2001:db8::7' }, '2001:db8::7'],
    ];
  for (const [title, settings, request, key] of table) {
    test(title, () => {
      const expected = key === undefined ? undefined : murmur3(key, 0);
      assert.equal(compileHashKey(settings)(exchangeOf(request)), expected);
    });
  }
});
