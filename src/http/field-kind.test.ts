import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { amidst } from '../../test/support/amidst.ts';
import { fieldKind } from './field-kind.ts';
import { FieldNames } from './field-names.ts';

const KNOWN = [
  'host',
  'content-length',
  'contentlength',
  'transfer-encoding',
  'transferencoding',
  'connection',
  'upgrade',
  'expect',
  'te',
  'keep-alive',
  'proxy-connection',
  'http2-settings',
];

function kindOf(name: string): number {
  const { data, from, to } = amidst(name);
  return fieldKind(data, from, to, /[^A-Za-z0-9-]/.test(name));
}

suite('the kind of a field, read from octets, is that of its name', () => {
  const names = new FieldNames();
  const agree = (name: string) => assert.equal(kindOf(name), names.find(name)?.kind, name);
  const octet = fc.constantFrom(..."!#$%&'*+.^_`|~-0129AKZakz");

  test('for the names that are known, in any case', () => {
    for (const name of KNOWN) for (const each of [name, name.toUpperCase()]) agree(each);
  });

  test('for every name that differs from a known one in one octet', () => {
    for (const name of KNOWN) {
      for (let at = 0; at <= name.length; at++) {
        for (const put of "!#$%&'*+.^_`|~-0129AKZakz") {
          agree(name.slice(0, at) + put + name.slice(at + 1));
          agree(name.slice(0, at) + put + name.slice(at));
        }
        if (name.length > 1) agree(name.slice(0, at) + name.slice(at + 1));
      }
    }
  });

  test('for any token', () => {
    const piece = fc.oneof(octet, fc.constantFrom(...KNOWN, 'content', 'Length', 'Transfer', 'encoding'));
    const token = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
    fc.assert(fc.property(token, agree), { numRuns: 2000 });
  });
});
