import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { cookieEnd, cookieStart } from './cookie-field.ts';

function valueOf(field: string, name: string): string | undefined {
  const start = cookieStart(field, name);
  return start < 0 ? undefined : field.slice(start, cookieEnd(field, start));
}

suite('the value of a cookie', () => {
  const table: readonly [field: string, value: string | undefined][] = [
    ['sid=1', '1'],
    ['a=b; sid=1; c=d', '1'],
    ['a=b;sid=1;c=d', '1'],
    ['a=b; \t sid=1', '1'],
    [' sid=1', '1'],
    ['sid=1; sid=2', '1'],
    ['sid=', ''],
    ['sid=;a=b', ''],
    ['sid=a=b', 'a=b'],
    ['sid="1"', '"1"'],
    ['', undefined],
    ['sid', undefined],
    ['sid; a=b', undefined],
    ['SID=1', undefined],
    ['xsid=1', undefined],
    ['sidx=1', undefined],
    ['sid =1', undefined],
    ['a=sid=1', undefined],
    ['a=b sid=1', undefined],
    ['a=b, sid=1', undefined],
    [';;;;', undefined],
    ['\xa0sid=1', undefined],
  ];
  for (const [field, value] of table) {
    test(`named sid in ${JSON.stringify(field)} is ${JSON.stringify(value)}`, () =>
      assert.equal(valueOf(field, 'sid'), value));
  }

  test('is found where it was put, whatever stands around it', () => {
    const text = fc.string().map((any) => any.replaceAll(/[;\s]|sid/g, ''));
    fc.assert(
      fc.property(fc.array(text), text, fc.array(text), (before, value, after) => {
        assert.equal(valueOf([...before, `sid=${value}`, ...after].join('; '), 'sid'), value);
      }),
    );
  });

  test('is looked for in any text without failing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('s', 'i', 'd', '=', ';', ' ') }), (field) => {
        const value = valueOf(field, 'sid');
        assert.ok(value === undefined || !value.includes(';'));
      }),
    );
  });
});
