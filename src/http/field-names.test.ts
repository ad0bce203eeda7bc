import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { amidst } from '../../test/support/amidst.ts';
import { FIELD, type FieldKind, FieldNames } from './field-names.ts';

suite('a field name', () => {
  const table: [name: string, kind: FieldKind][] = [
    ['Host', FIELD.host],
    ['CONTENT-LENGTH', FIELD.contentLength],
    ['transfer-encoding', FIELD.transferEncoding],
    ['Connection', FIELD.connection],
    ['Upgrade', FIELD.upgrade],
    ['Expect', FIELD.expect],
    ['TE', FIELD.te],
    ['Keep-Alive', FIELD.dropped],
    ['Proxy-Connection', FIELD.dropped],
    ['HTTP2-Settings', FIELD.dropped],
    ['X-Host', FIELD.other],
    ['Content-Type', FIELD.other],
    ['X-Content-Length', FIELD.other],
    ['Content-Length-Hint', FIELD.other],
    ['Transfer-Encodings', FIELD.other],
    ['Transfer_Encoding', FIELD.lookalike],
    ['TransferEncoding', FIELD.lookalike],
    ['transfer-encoding-', FIELD.lookalike],
    ['Transfer.Encoding', FIELD.lookalike],
    ['-Transfer-Encoding', FIELD.lookalike],
    ['T-ransferEncoding', FIELD.lookalike],
    ['Content_Length', FIELD.lookalike],
    ['Content--Length', FIELD.lookalike],
    ["Content'Length", FIELD.lookalike],
    ["!#$%&'*+.^_`|~09AZaz-", FIELD.other],
  ];
  for (const [name, kind] of table) {
    test(`${name} is looked up once, and found again`, () => {
      const names = new FieldNames();
      const found = names.find(name);
      assert.deepEqual(found, { lower: name.toLowerCase(), kind });
      assert.equal(names.find(name), found);
    });
  }

  for (const name of [
    '',
    ' ',
    'A B',
    'Host ',
    '\tHost',
    'A:',
    'A\0',
    'A\r',
    'é',
    '(a)',
    'a,b',
    'a/b',
    '[a]',
    '"a"',
    'a{',
  ]) {
    test(`${JSON.stringify(name)} is none`, () => assert.equal(new FieldNames().find(name), undefined));
  }

  for (const name of ['__proto__', 'constructor', 'toString']) {
    test(`${name} is a name like any other`, () => {
      assert.deepEqual(new FieldNames().find(name), { lower: name.toLowerCase(), kind: FIELD.other });
    });
  }
});

suite('the names kept are bounded', () => {
  test('beyond their number a name is still understood, and not kept', () => {
    const names = new FieldNames();
    const first = names.find('x-0');
    for (let i = 1; i < 2048; i++) names.find(`x-${i}`);
    assert.equal(names.find('x-0'), first);
    const beyond = names.find('Transfer_Encoding');
    assert.deepEqual(beyond, { lower: 'transfer_encoding', kind: FIELD.lookalike });
    assert.notEqual(names.find('Transfer_Encoding'), beyond);
    assert.deepEqual(names.find('Content-Length'), { lower: 'content-length', kind: FIELD.contentLength });
  });

  test('a long name is understood, and not kept', () => {
    const names = new FieldNames();
    const kept = 'a'.repeat(64);
    assert.equal(names.find(kept), names.find(kept));
    const long = 'a'.repeat(65);
    assert.deepEqual(names.find(long), { lower: long, kind: FIELD.other });
    assert.notEqual(names.find(long), names.find(long));
  });

  test('names that are none are not kept', () => {
    const names = new FieldNames();
    for (let i = 0; i < 3000; i++) names.find(`not a name ${i}`);
    assert.equal(names.find('a'), names.find('a'));
  });
});

suite('the authority of a Host field', () => {
  const names = new FieldNames();
  const authorityOf = (text: string) => {
    const { data, from, to } = amidst(text);
    return names.authority(data, from, to);
  };

  test('is the same one when it comes again, at once or later', () => {
    const a = authorityOf('a.example:80');
    assert.deepEqual(a, { authority: 'a.example:80', host: 'a.example' });
    assert.equal(authorityOf('a.example:80'), a);
    assert.deepEqual(authorityOf('A.example:80'), a);
    assert.deepEqual(authorityOf('a.example:8'), { authority: 'a.example:8', host: 'a.example' });
    assert.equal(authorityOf('a.example:80'), a);
  });

  for (const text of ['', 'a b', 'a.example:0', 'a'.repeat(513)]) {
    test(`${JSON.stringify(text.slice(0, 20))} is none, also behind one that is`, () => {
      assert.equal(new FieldNames().authority(Buffer.from(text), 0, text.length), undefined);
      authorityOf('a.example');
      assert.equal(authorityOf(text), undefined);
    });
  }

  test('is understood, too, when no more are kept', () => {
    for (let i = 0; i < 3000; i++) assert.equal(authorityOf(`h${i}`)?.host, `h${i}`);
    assert.equal(authorityOf('h2999')?.host, 'h2999');
    assert.equal(authorityOf('h0')?.host, 'h0');
  });
});
