import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeOctets,
  decodePercent,
  encodePlain,
  encodeRest,
  IN_PATH,
  IN_QUERY,
  IN_SEGMENT,
} from './percent.ts';

for (const [text, allowed, plain, rest] of [
  ['abc-1.~_', IN_SEGMENT, 'abc-1.~_', 'abc-1.~_'],
  ['a b', IN_SEGMENT, 'a%20b', 'a%20b'],
  ['a/b;c?d#e', IN_SEGMENT, 'a%2Fb%3Bc%3Fd%23e', 'a%2Fb%3Bc%3Fd%23e'],
  ['a/b;c?d', IN_PATH, 'a/b;c%3Fd', 'a/b;c%3Fd'],
  ['a=1&b+c', IN_QUERY, 'a%3D1%26b%2Bc', 'a%3D1%26b%2Bc'],
  ['%2F', IN_SEGMENT, '%252F', '%2F'],
  ['100%', IN_SEGMENT, '100%25', '100%25'],
  ['%zz%4', IN_SEGMENT, '%25zz%254', '%25zz%254'],
  ['\r\n\0', IN_SEGMENT, '%0D%0A%00', '%0D%0A%00'],
  ['\xe9', IN_SEGMENT, '%E9', '%E9'],
  ['ж', IN_SEGMENT, '%D0%B6', '%D0%B6'],
  ['😀!', IN_SEGMENT, '%F0%9F%98%80!', '%F0%9F%98%80!'],
] as const) {
  test(`${JSON.stringify(text)} is encoded as ${plain}, and as ${rest} where escapes may be`, () => {
    assert.equal(encodePlain(text, allowed), plain);
    assert.equal(encodeRest(text, allowed), rest);
  });
}

for (const [text, asForm, asPath] of [
  ['a+b', 'a b', 'a+b'],
  ['%41%c3%a9', 'Aé', 'Aé'],
  ['%', '%', '%'],
  ['%4', '%4', '%4'],
  ['%zz', '%zz', '%zz'],
  ['%ff', '\ufffd', '\ufffd'],
  ['\xc3\xa9', 'é', 'é'],
] as const) {
  test(`${JSON.stringify(text)} is decoded as ${JSON.stringify(asForm)} in a query`, () => {
    assert.equal(decodePercent(text, true), asForm);
    assert.equal(decodePercent(text, false), asPath);
  });
}

test('octets of a field value are read as UTF-8', () => {
  assert.equal(decodeOctets('caf\xc3\xa9'), 'café');
  assert.equal(decodeOctets('plain'), 'plain');
});

test('what is encoded holds only allowed characters and escapes, and decodes to the same text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const encoded = encodePlain(Buffer.from(text).toString('latin1'), IN_SEGMENT);
      assert.match(encoded, /^(?:[A-Za-z0-9\-._~!$&'()*+,=:@]|%[0-9A-F]{2})*$/);
      assert.equal(decodePercent(encoded, false), text);
      assert.equal(encodeRest(encoded, IN_SEGMENT), encoded, 'encoding the rest of it changes nothing');
    }),
  );
});
