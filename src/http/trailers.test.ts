import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertTakesAtMost } from '../../test/support/cpu-time.ts';
import { FieldNames } from './field-names.ts';
import { parseTrailers } from './trailers.ts';

const MAX_BYTES = 1000;
const parse = (text: string) => parseTrailers(text, MAX_BYTES, new FieldNames());

suite('a trailer section is read', () => {
  const table: [title: string, text: string, list: string[]][] = [
    ['nothing', '\r\n', []],
    ['fields in order, with the name as written', 'B: 1\r\nA: 2\r\n\r\n', ['b', 'B', '1', 'a', 'A', '2']],
    ['without white space around the value', 'A:\t 1 2 \t\r\n\r\n', ['a', 'A', '1 2']],
    ['an empty value', 'A:\r\n\r\n', ['a', 'A', '']],
    ['octets beyond ASCII', 'A: \xa0\xe9\xa0\r\n\r\n', ['a', 'A', '\xa0\xe9\xa0']],
  ];
  for (const [title, text, list] of table) {
    test(title, () => {
      const read = parse(`${text}the next message`);
      assert.deepEqual([read?.fields.list, read?.length, read?.problem], [list, text.length, '']);
    });
  }

  for (const name of [
    ...['Authorization', 'Cache-Control', 'Content-Encoding', 'Content-Range', 'Content-Type', 'Cookie'],
    ...['Max-Forwards', 'Proxy-Authenticate', 'Proxy-Authorization', 'Range', 'Set-Cookie', 'Trailer'],
    ...['WWW-Authenticate', 'Connection', 'Keep-Alive', 'Proxy-Connection', 'TE', 'Upgrade', 'Expect'],
    ...['If-Match', 'If-None-Match', 'Vary', 'Location', 'Date', 'X-HTTP-Method-Override'],
    ...['X-Forwarded-For', 'X_Forwarded_For', 'x_http_method-override', 'X_Real_IP'],
  ]) {
    test(`without ${name}, which means something only before the body`, () => {
      const read = parse(`A: 1\r\n${name.toLowerCase()}: x\r\n${name}: y\r\nB: 2\r\n\r\n`);
      assert.deepEqual([read?.fields.list, read?.problem], [['a', 'A', '1', 'b', 'B', '2'], '']);
    });
  }

  test('not before it is complete', () => {
    const text = 'A: 1\r\nB: 2\r\n\r\n';
    for (let cut = 0; cut < text.length; cut++) assert.equal(parse(text.slice(0, cut)), undefined);
  });
});

suite('a trailer section is refused', () => {
  const LINE_END = 'a trailer line does not end in CR LF';
  const NAME = 'a trailer name is no token followed by a colon';
  const VALUE = 'a trailer value has a control character';
  const FRAMING = 'the trailer section has a framing field';
  const LARGE = 'the trailer section is too large';
  const table: [text: string, problem: string][] = [
    ['\n', LINE_END],
    ['A: 1\n\r\n', LINE_END],
    ['A: 1\r\n\n', LINE_END],
    ['A\r\n\r\n', NAME],
    ['A\r\nB: 1\r\n\r\n', NAME],
    ['A : 1\r\n\r\n', NAME],
    [': 1\r\n\r\n', NAME],
    ['A: 1\r\n folded\r\n\r\n', NAME],
    ['A: 1\r\n\tfolded: 1\r\n\r\n', NAME],
    ['A: 1\r2\r\n\r\n', VALUE],
    ['A: \0\r\n\r\n', VALUE],
    ['A: 1\r\r\n\r\n', VALUE],
    ['Content-Length: 1\r\n\r\n', FRAMING],
    ['transfer-encoding: chunked\r\n\r\n', FRAMING],
    ['Host: a\r\n\r\n', FRAMING],
    ['Transfer_Encoding: x\r\n\r\n', FRAMING],
    [`${'A: 1\r\n'.repeat(65)}\r\n`, LARGE],
    [`A: ${'a'.repeat(MAX_BYTES - 6)}\r\n\r\n`, LARGE],
    [`A: ${'a'.repeat(MAX_BYTES - 2)}`, LARGE],
  ];
  for (const [text, problem] of table) {
    test(`${JSON.stringify(text.slice(0, 40))}: ${problem}`, () =>
      assert.equal(parse(text)?.problem, problem));
  }
});

suite('a trailer section has bounds', () => {
  test('64 fields pass', () => assert.equal(parse(`${'A: 1\r\n'.repeat(64)}\r\n`)?.fields.size, 64));
  test('so many octets pass', () => {
    const read = parse(`A: ${'a'.repeat(MAX_BYTES - 7)}\r\n\r\n`);
    assert.deepEqual([read?.problem, read?.length], ['', MAX_BYTES]);
  });
  test('blanks within a value cost as much as their number', () => {
    const text = `A: a${' '.repeat(16_000)}b\r\n\r\n`;
    // An expression for the blanks at the end took 1 s.
    assertTakesAtMost(200, () => assert.equal(parseTrailers(text, 20_000, new FieldNames())?.problem, ''));
  });
  test('what is not complete is refused as soon as it is too much', () => {
    assert.equal(parse('a'.repeat(MAX_BYTES)), undefined);
    assert.notEqual(parse('a'.repeat(MAX_BYTES + 1)), undefined);
  });
});
