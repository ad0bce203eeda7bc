import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { amidst } from '../../test/support/amidst.ts';
import { FieldNames } from './field-names.ts';
import { parseResponseHead, type ResponseHead } from './response-head.ts';

const LIMITS = { head: 200, fields: 4 };
const names = new FieldNames();
function parse(text: string): ResponseHead | undefined {
  const { data, from, to } = amidst(text);
  return parseResponseHead(data, from, to, LIMITS, names);
}
const lines = (...parts: string[]) => `${parts.join('\r\n')}\r\n\r\n`;
const withFields = (...fields: string[]) => lines('HTTP/1.1 200 OK', ...fields);

const PLAIN = {
  status: 200,
  version: 11,
  fields: [],
  contentLength: -1,
  chunked: false,
  keepAlive: true,
  upgrade: '',
};

function assertParts(text: string, parts: Readonly<Record<string, unknown>>): void {
  const head = parse(text);
  assert.ok(head !== undefined, 'the head is complete');
  const { fields, length, problem, ...rest } = head;
  assert.deepEqual({ ...rest, fields: fields.list }, { ...PLAIN, ...parts });
  assert.deepEqual([problem, length], ['', text.length]);
}

suite('an upstream’s head is read', () => {
  const table: [text: string, parts: Readonly<Record<string, unknown>>][] = [
    [withFields(), {}],
    [lines('HTTP/1.1 404 '), { status: 404 }],
    [lines('HTTP/1.1 204'), { status: 204 }],
    [lines('HTTP/1.1 299 any \t words: \xe9'), { status: 299 }],
    [lines('HTTP/1.1 100 Continue'), { status: 100 }],
    [lines('HTTP/1.1 599 x'), { status: 599 }],
    [lines('HTTP/1.0 200 OK'), { version: 10, keepAlive: false }],
    [lines('HTTP/1.0 200 OK', 'Connection: keep-alive'), { version: 10 }],
    [withFields('X-B: 1', 'x-a:2 \t'), { fields: ['x-b', 'X-B', '1', 'x-a', 'x-a', '2'] }],
    [withFields('A:', 'B: \t '), { fields: ['a', 'A', '', 'b', 'B', ''] }],
    [
      withFields('Set-Cookie: a', 'Set-Cookie: b'),
      { fields: ['set-cookie', 'Set-Cookie', 'a', 'set-cookie', 'Set-Cookie', 'b'] },
    ],
    // RFC 9112 section 5.1: a proxy takes out white space before the colon of an answer.
    [withFields('A : 1', 'b\t \t:2', 'C: 3'), { fields: ['a', 'A', '1', 'b', 'b', '2', 'c', 'C', '3'] }],
    [withFields('Content-Length : 5'), { contentLength: 5 }],
    [withFields('Transfer-Encoding\t: chunked'), { chunked: true }],
    [withFields('A: 1', 'Connection : a'), {}],
    [withFields('Content-Length: 5'), { contentLength: 5 }],
    [withFields('Content-Length: 0'), { contentLength: 0 }],
    [withFields('Transfer-Encoding: Chunked'), { chunked: true }],
    [withFields('Connection: close'), { keepAlive: false }],
    [
      withFields('A: 1', 'C: 1', 'Connection: a, close, c', 'B: 2'),
      { keepAlive: false, fields: ['b', 'B', '2'] },
    ],
    [withFields('Keep-Alive: 5', 'Proxy-Connection: x', 'TE: x'), {}],
    [
      lines('HTTP/1.1 101 x', 'Connection: upgrade', 'Upgrade: websocket'),
      { status: 101, upgrade: 'websocket' },
    ],
    [withFields('Upgrade: h2c'), {}],
    [withFields('Host: a', 'Expect: b'), { fields: ['host', 'Host', 'a', 'expect', 'Expect', 'b'] }],
    [lines('HTTP/1.1 204 x', 'Content-Length: 3'), { status: 204, contentLength: 3 }],
    [lines('HTTP/1.1 304 x', 'Transfer-Encoding: chunked'), { status: 304, chunked: true }],
  ];
  for (const [text, parts] of table) test(JSON.stringify(text), () => assertParts(text, parts));
});

suite('an upstream’s head is not believed', () => {
  const STATUS = 'the status line is malformed';
  const LINE_END = 'a field line does not end in CR LF';
  const NAME = 'a field name is no token followed by a colon';
  const LENGTH = 'Content-Length is not a number of octets';
  const CODING = 'Transfer-Encoding is not the one coding chunked';
  const NO_BODY = 'Transfer-Encoding on an answer without a body';
  const table: [text: string, problem: string][] = [
    ['HTTP/1.1 200 OK\n\r\n', STATUS],
    ['\r\nHTTP/1.1 200 OK\r\n\r\n', STATUS],
    [lines('HTTP/2 200 OK'), STATUS],
    [lines('HTTP/1.2 200 OK'), STATUS],
    [lines('HTTP/2.0 200 OK'), STATUS],
    [lines('http/1.1 200 OK'), STATUS],
    [lines(' HTTP/1.1 200 OK'), STATUS],
    [lines('HTTP/1.1  200 OK'), STATUS],
    [lines('HTTP/1.1\t200 OK'), STATUS],
    [lines('HTTP/1.1 20 OK'), STATUS],
    [lines('HTTP/1.1 2000 OK'), STATUS],
    [lines('HTTP/1.1 200\tOK'), STATUS],
    [lines('HTTP/1.1 099 x'), STATUS],
    [lines('HTTP/1.1 600 x'), STATUS],
    [lines('HTTP/1.1 +20 x'), STATUS],
    [lines('HTTP/1.1 20x x'), STATUS],
    [lines('HTTP/1.1 200 O\rK'), STATUS],
    [lines('HTTP/1.1 200 O\0K'), STATUS],
    [lines('ICY 200 OK'), STATUS],
    [lines('<html>'), STATUS],
    ['HTTP/1.1 200 OK\r\nA: 1\n\r\n', LINE_END],
    ['HTTP/1.1 200 OK\r\n\n', LINE_END],
    [withFields(' A: 1'), 'a field line begins with white space'],
    [withFields('A: 1', '\tfolded'), 'a field line begins with white space'],
    [withFields('A B : 1'), NAME],
    [withFields('A : 1', 'B '), NAME],
    [withFields('A\x0b: 1'), NAME],
    [withFields(' : 1'), 'a field line begins with white space'],
    [withFields('Content_Length : 1'), 'the field content_length looks like a framing field and is none'],
    [withFields('Content-Length : 1', 'Content-Length: 1'), 'Content-Length is given more than once'],
    [withFields('Set-Cookie : a\rb'), 'the field set-cookie has a control character'],
    [withFields('A'), NAME],
    [withFields('A', 'B: 1'), NAME],
    [withFields(': 1'), NAME],
    [withFields('Ä: 1'), NAME],
    [withFields('Set-Cookie: a\rb'), 'the field set-cookie has a control character'],
    [withFields('A: \0'), 'the field a has a control character'],
    [withFields('Content-Length: 1', 'Content-Length: 1'), 'Content-Length is given more than once'],
    [withFields('Content-Length: 1, 1'), LENGTH],
    [withFields('Content-Length: -1'), LENGTH],
    [withFields('Content-Length:'), LENGTH],
    [withFields('Transfer-Encoding: gzip, chunked'), CODING],
    [withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'), CODING],
    [withFields('Transfer-Encoding:'), CODING],
    [withFields('Connection: a b'), 'Connection is not a list of up to 64 options'],
    [
      withFields('Transfer_Encoding: chunked'),
      'the field transfer_encoding looks like a framing field and is none',
    ],
    [
      withFields('Content-Length: 1', 'Transfer-Encoding: chunked'),
      'Content-Length and Transfer-Encoding are given together',
    ],
    [lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'), 'an HTTP/1.0 answer has Transfer-Encoding'],
    [lines('HTTP/1.1 204 x', 'Transfer-Encoding: chunked'), NO_BODY],
    [lines('HTTP/1.1 103 x', 'Transfer-Encoding: chunked'), NO_BODY],
    [lines('HTTP/1.1 101 x', 'Transfer-Encoding: chunked'), NO_BODY],
    [withFields('A: 1', 'A: 1', 'A: 1', 'A: 1', 'A: 1'), 'there are too many fields'],
    [withFields(`A: ${'a'.repeat(200)}`), 'the head is too large'],
    [`HTTP/1.1 200 ${'a'.repeat(200)}`, 'the head is too large'],
    [lines(`HTTP/1.1 200 ${'a'.repeat(200)}`), 'the head is too large'],
  ];
  for (const [text, problem] of table) {
    test(`${JSON.stringify(text.slice(0, 80))}: ${problem}`, () =>
      assert.equal(parse(text)?.problem, problem));
  }
});

suite('the head of an answer has bounds', () => {
  const headOf = (octets: number) => withFields(`A: ${'a'.repeat(octets - withFields('A: ').length)}`);

  test('the largest passes, one octet more does not', () => {
    assert.equal(parse(headOf(200))?.problem, '');
    assert.equal(parse(headOf(201))?.problem, 'the head is too large');
  });

  test('what has no end is refused when it is too much', () => {
    assert.equal(parse('a'.repeat(200)), undefined);
    assert.equal(parse('a'.repeat(201))?.problem, 'the head is too large');
    const start = 'HTTP/1.1 200 OK\r\nA: ';
    assert.equal(parse(start + 'a'.repeat(200 - start.length)), undefined);
    assert.equal(parse(start + 'a'.repeat(201 - start.length))?.problem, 'the head is too large');
  });

  test('as many fields as are allowed pass', () => {
    assert.equal(parse(withFields('A: 1', 'B: 1', 'C: 1', 'D: 1'))?.problem, '');
  });
});

suite('the body that follows', () => {
  const table: [text: string, method: string, length: number][] = [
    [withFields('Content-Length: 5'), 'GET', 5],
    [withFields('Content-Length: 0'), 'GET', 0],
    [withFields('Content-Length: 5'), 'HEAD', 0],
    [withFields('Transfer-Encoding: chunked'), 'GET', -1],
    [withFields('Transfer-Encoding: chunked'), 'HEAD', 0],
    [withFields(), 'GET', -2],
    [withFields(), 'HEAD', 0],
    [lines('HTTP/1.1 204 x', 'Content-Length: 5'), 'GET', 0],
    [lines('HTTP/1.1 304 x', 'Content-Length: 5'), 'GET', 0],
    [lines('HTTP/1.1 304 x', 'Transfer-Encoding: chunked'), 'GET', 0],
    [lines('HTTP/1.1 103 x'), 'GET', 0],
    [lines('HTTP/1.1 205 x'), 'GET', -2],
    [lines('HTTP/1.1 404 x', 'Content-Length: 2'), 'POST', 2],
  ];
  for (const [text, method, length] of table) {
    test(`${method}, ${JSON.stringify(text)}: ${length}`, () =>
      assert.equal(parse(text)?.bodyLength(method), length));
  }
});

suite('how the octets are split does not matter', () => {
  const piece = fc.constantFrom(
    ...[
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 ',
      '200',
      ' ',
      '\r\n',
      '\r\n',
      '\r',
      '\n',
      ':',
      '\t',
      '\0',
      'A: 1\r\n',
      'B : 1\r\n',
    ],
    ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: a\r\n', 'a'.repeat(60)],
  );

  test('for anything that is made of the parts of heads', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, sound) => {
        const text = `${sound ? 'HTTP/1.1 200 OK\r\n' : ''}${pieces.join('')}\r\n\r\nbody`;
        const whole = parse(text);
        for (let cut = 0; cut < text.length; cut++) {
          const part = parse(text.slice(0, cut));
          if (part === undefined) continue;
          assert.deepEqual(part, whole, `at ${cut} of ${JSON.stringify(text)}`);
          if (part.problem === '') assert.ok(cut >= part.length);
        }
      }),
      { numRuns: 400 },
    );
  });
});
