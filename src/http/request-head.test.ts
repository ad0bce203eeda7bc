import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { amidst } from '../../test/support/amidst.ts';
import { FieldNames } from './field-names.ts';
import { type HeadLimits, type HeadRefusal, parseRequestHead, type RequestHead } from './request-head.ts';

const LIMITS: HeadLimits = { requestLine: 100, head: 300, fields: 5 };
const names = new FieldNames();

function parse(text: string, scheme: 'http' | 'https' = 'http', limits = LIMITS): RequestHead | undefined {
  const { data, from, to } = amidst(text);
  return parseRequestHead(data, from, to, scheme, limits, names);
}

/** What the head is, without what is as in every head. */
function partsOf(head: RequestHead | undefined): Record<string, unknown> {
  assert.ok(head !== undefined, 'the head is complete');
  const { fields, length: _, refusal, ...rest } = head;
  assert.equal(refusal, undefined);
  return { ...rest, fields: fields.list };
}

const PLAIN = {
  method: 'GET',
  target: '/',
  version: 11,
  authority: 'a.example',
  host: 'a.example',
  path: '/',
  search: '',
  fields: [],
  bodyLength: 0,
  keepAlive: true,
  expectContinue: false,
  upgrade: '',
  trailers: false,
};

const HOST = 'Host: a.example';
const lines = (...parts: string[]) => `${parts.join('\r\n')}\r\n\r\n`;
const withFields = (...fields: string[]) => lines('GET / HTTP/1.1', HOST, ...fields);
const withLine = (line: string) => lines(line, HOST);

suite('a request line is read', () => {
  const table: [line: string, parts: Readonly<Record<string, unknown>>][] = [
    ['GET / HTTP/1.1', {}],
    ['get / HTTP/1.1', { method: 'get' }],
    ["!#$%&'*+.^_`|~09azAZ- / HTTP/1.1", { method: "!#$%&'*+.^_`|~09azAZ-" }],
    [`${'M'.repeat(64)} / HTTP/1.1`, { method: 'M'.repeat(64) }],
    ['GET /a/b?c=d?e HTTP/1.1', { target: '/a/b?c=d?e', path: '/a/b', search: '?c=d?e' }],
    ['GET /? HTTP/1.1', { target: '/?', search: '?' }],
    ['GET /a/../%61//b?/../x HTTP/1.1', { target: '/a/../%61//b?/../x', path: '/a/b', search: '?/../x' }],
    ['GET /a%2fb HTTP/1.1', { target: '/a%2fb', path: '/a%2Fb' }],
    ['GET /"<>[]^`{|} HTTP/1.1', { target: '/"<>[]^`{|}', path: '/"<>[]^`{|}' }],
    ['OPTIONS * HTTP/1.1', { method: 'OPTIONS', target: '*', path: '*' }],
    ['GET / HTTP/1.2', { version: 11 }],
    ['GET / HTTP/1.9', { version: 11 }],
    ['GET / HTTP/1.0', { version: 10, keepAlive: false }],
    [
      'GET http://B.example:80/x?y HTTP/1.1',
      {
        target: 'http://B.example:80/x?y',
        authority: 'b.example:80',
        host: 'b.example',
        path: '/x',
        search: '?y',
      },
    ],
    [
      'GET HTTP://b.example HTTP/1.1',
      { target: 'HTTP://b.example', authority: 'b.example', host: 'b.example' },
    ],
    [
      'GET http://b.example?y HTTP/1.1',
      { target: 'http://b.example?y', authority: 'b.example', host: 'b.example', search: '?y' },
    ],
    [
      'OPTIONS http://b.example HTTP/1.1',
      {
        method: 'OPTIONS',
        target: 'http://b.example',
        authority: 'b.example',
        host: 'b.example',
        path: '*',
      },
    ],
    [
      'OPTIONS http://b.example/ HTTP/1.1',
      { method: 'OPTIONS', target: 'http://b.example/', authority: 'b.example', host: 'b.example' },
    ],
  ];
  for (const [line, parts] of table) {
    test(line, () => assert.deepEqual(partsOf(parse(withLine(line))), { ...PLAIN, ...parts }));
  }

  test('also behind one empty line', () => {
    const head = parse(`\r\n${withLine('GET / HTTP/1.1')}`);
    assert.deepEqual(partsOf(head), PLAIN);
    assert.equal(head?.length, 2 + withLine('GET / HTTP/1.1').length);
  });

  test('an absolute target over TLS has the scheme https', () => {
    const target = 'https://b.example/';
    assert.deepEqual(partsOf(parse(withLine(`GET ${target} HTTP/1.1`), 'https')), {
      ...PLAIN,
      target,
      authority: 'b.example',
      host: 'b.example',
    });
  });
});

suite('fields are read', () => {
  const table: [title: string, fields: string[], parts: Readonly<Record<string, unknown>>][] = [
    [
      'in order, with the name as written',
      ['X-B: 1', 'x-a: 2'],
      { fields: ['x-b', 'X-B', '1', 'x-a', 'x-a', '2'] },
    ],
    ['several of one name', ['A: 1', 'a: 2'], { fields: ['a', 'A', '1', 'a', 'a', '2'] }],
    ['without white space around the value', ['A: \t 1 2\t '], { fields: ['a', 'A', '1 2'] }],
    ['without white space behind the colon', ['A:1'], { fields: ['a', 'A', '1'] }],
    ['with a colon in the value', ['A: b:c'], { fields: ['a', 'A', 'b:c'] }],
    ['with an empty value', ['A:'], { fields: ['a', 'A', ''] }],
    ['with a value of nothing but white space', ['A: \t '], { fields: ['a', 'A', ''] }],
    ['with octets beyond ASCII', ['A: \xe9\x80'], { fields: ['a', 'A', '\xe9\x80'] }],
    ['a length', ['Content-Length: 12'], { bodyLength: 12 }],
    ['a length of nothing', ['Content-Length: 0'], { bodyLength: 0 }],
    ['a chunked body', ['transfer-encoding: CHUNKED'], { bodyLength: -1 }],
    ['Connection: close', ['Connection: close'], { keepAlive: false }],
    [
      'Connection: close beside keep-alive',
      ['Connection: keep-alive', 'Connection: close'],
      { keepAlive: false },
    ],
    [
      'fields that Connection names are gone',
      ['A: 1', 'Connection: A, B', 'B: 2', 'C: 3'],
      { fields: ['c', 'C', '3'] },
    ],
    [
      'hop-by-hop fields are gone',
      ['Keep-Alive: 5', 'Proxy-Connection: x', 'HTTP2-Settings: AAA', 'TE: gzip'],
      {},
    ],
    ['TE: trailers', ['TE: gzip , Trailers'], { trailers: true }],
    ['TE: trailersx', ['TE: trailersx'], {}],
    ['an expectation', ['Expect: 100-Continue'], { expectContinue: true }],
    ['an upgrade', ['Connection: Upgrade', 'Upgrade: websocket'], { upgrade: 'websocket' }],
    ['several upgrades', ['Connection: upgrade', 'Upgrade: a/1', 'Upgrade: b'], { upgrade: 'a/1, b' }],
    ['no upgrade that Connection does not name', ['Upgrade: websocket'], {}],
    ['no upgrade without a protocol', ['Connection: upgrade'], {}],
    ['no upgrade to HTTP/2', ['Connection: upgrade', 'Upgrade: foo, H2C'], {}],
    ['no upgrade to HTTP/2 over TLS', ['Connection: upgrade', 'Upgrade: h2'], {}],
    [
      'no upgrade of a request with a body',
      ['Connection: upgrade', 'Upgrade: websocket', 'Content-Length: 1'],
      { bodyLength: 1 },
    ],
  ];
  for (const [title, fields, parts] of table) {
    test(title, () => assert.deepEqual(partsOf(parse(withFields(...fields))), { ...PLAIN, ...parts }));
  }

  test('of an HTTP/1.0 client', () => {
    const parts = { ...PLAIN, version: 10, keepAlive: false, authority: '', host: '' };
    const read = (...fields: string[]) => partsOf(parse(lines('GET / HTTP/1.0', ...fields)));
    assert.deepEqual(read(), parts, 'it need not name a host');
    assert.deepEqual(read('Connection: keep-alive'), { ...parts, keepAlive: true });
    assert.deepEqual(
      read('Expect: 100-continue'),
      parts,
      'RFC 9110 section 10.1.1: its expectation is ignored',
    );
    assert.deepEqual(read('Connection: upgrade', 'Upgrade: websocket'), parts);
    assert.deepEqual(read('Content-Length: 3'), { ...parts, bodyLength: 3 });
  });

  test('the octets behind the head are not touched', () => {
    const text = withFields('A: 1');
    const head = parse(`${text}\r\n\n\0`);
    assert.equal(head?.length, text.length);
    assert.deepEqual(partsOf(head), { ...PLAIN, fields: ['a', 'A', '1'] });
  });
});

suite('a head is refused', () => {
  const LINE_END = 'The request line does not end in CR LF.';
  const METHOD = 'The request line does not begin with a method and one space.';
  const TARGET = 'The request target has a character that no target may have.';
  const VERSION = 'The request line does not end in an HTTP version.';
  const ABSOLUTE = 'The request target is neither a path nor an http address.';
  const FIELD_END = 'A field line does not end in CR LF.';
  const NAME = 'A field name is no token followed by a colon.';
  const VALUE = 'A field value has a control character.';
  const HOST_VALUE = 'Host is not one host with an optional port.';
  const LENGTH = 'Content-Length is not a number of octets.';
  const CODING = 'Transfer-Encoding is not the one coding chunked.';
  const LOOKALIKE = 'A field name looks like a framing field and is none.';
  const PATH = 'The path has an escape or a segment that is not allowed.';

  const bad: [text: string, detail: string][] = [
    ['GET / HTTP/1.1\n', LINE_END],
    ['\r\n\r\nGET / HTTP/1.1\r\n', METHOD],
    ['\nGET / HTTP/1.1\r\n', LINE_END],
    [withLine(''), METHOD],
    [withLine('GET'), METHOD],
    [withLine(' GET / HTTP/1.1'), METHOD],
    [withLine('GET\t/ HTTP/1.1'), METHOD],
    [withLine('G@T / HTTP/1.1'), METHOD],
    [withLine(`${'M'.repeat(65)} / HTTP/1.1`), METHOD],
    [withLine('\x16\x03\x01 / HTTP/1.1'), METHOD],
    [withLine('GET  / HTTP/1.1'), TARGET],
    [withLine('GET /'), TARGET],
    [withLine('GET / x HTTP/1.1'), VERSION],
    [withLine('GET /\t HTTP/1.1'), TARGET],
    [withLine('GET /a#b HTTP/1.1'), TARGET],
    [withLine('GET /a\\b HTTP/1.1'), TARGET],
    [withLine('GET /\xe9 HTTP/1.1'), TARGET],
    [withLine('GET /\0 HTTP/1.1'), TARGET],
    [withLine('GET /\rx HTTP/1.1'), TARGET],
    [withLine('GET / HTTP/1.1 '), VERSION],
    [withLine('GET / HTTP/1.1\r'), VERSION],
    [withLine('GET /  HTTP/1.1'), VERSION],
    [withLine('GET / http/1.1'), VERSION],
    [withLine('GET / HTTP/1'), VERSION],
    [withLine('GET / HTTP/11'), VERSION],
    [withLine('GET / HTTP/1.10'), VERSION],
    [withLine('GET / HTTP/1,1'), VERSION],
    [withLine('GET / HTTP/a.1'), VERSION],
    [withLine('GET * HTTP/1.1'), 'The target * goes with OPTIONS alone.'],
    [withLine('GET page HTTP/1.1'), ABSOLUTE],
    [withLine('GET a.example:80 HTTP/1.1'), ABSOLUTE],
    [withLine('GET ftp://a.example/ HTTP/1.1'), ABSOLUTE],
    [withLine('GET http:///page HTTP/1.1'), ABSOLUTE],
    [withLine('GET http://u@a.example/ HTTP/1.1'), ABSOLUTE],
    [withLine('GET http:/a.example/ HTTP/1.1'), ABSOLUTE],
    [withLine('OPTIONS ** HTTP/1.1'), ABSOLUTE],
    [withLine('GET /%zz HTTP/1.1'), PATH],
    [withLine('GET /..%2fadmin HTTP/1.1'), PATH],
    [withLine('GET http://a.example/%00 HTTP/1.1'), PATH],
    [withFields('A: 1\n'), FIELD_END],
    ['GET / HTTP/1.1\r\n\n', FIELD_END],
    ['GET / HTTP/1.1\r\nHost: a\n\r\n', FIELD_END],
    ['GET / HTTP/1.1\r\nHost: a\r\n\n', FIELD_END],
    [withFields(' A: 1'), 'A field line begins with white space.'],
    [withFields('A: 1', '\tfolded'), 'A field line begins with white space.'],
    [lines('GET / HTTP/1.1', ' Host: a.example'), 'A field line begins with white space.'],
    [withFields('A : 1'), NAME],
    [withFields('A\t: 1'), NAME],
    [withFields(': 1'), NAME],
    [withFields('A'), NAME],
    [withFields('A', 'B: 1'), NAME],
    [withFields('A B: 1'), NAME],
    [withFields('A\xe9: 1'), NAME],
    [withFields('A\0: 1'), NAME],
    [withFields('(A): 1'), NAME],
    [withFields('A: 1\r2'), VALUE],
    [withFields('A: 1\r'), VALUE],
    [withFields('A: 1\x002'), VALUE],
    [withFields('A: 1\x7f'), VALUE],
    [withFields('A: \x0b'), VALUE],
    [lines('GET / HTTP/1.1'), 'Host is missing.'],
    [lines('GET http://a.example/ HTTP/1.1'), 'Host is missing.'],
    [withFields(HOST), 'Host is given more than once.'],
    [lines('GET / HTTP/1.0', HOST, HOST), 'Host is given more than once.'],
    [lines('GET / HTTP/1.1', 'Host:'), HOST_VALUE],
    [lines('GET / HTTP/1.1', 'Host: a, b'), HOST_VALUE],
    [lines('GET / HTTP/1.1', 'Host: u@a'), HOST_VALUE],
    [lines('GET / HTTP/1.1', 'Host: a/b'), HOST_VALUE],
    [lines('GET http://b.example/ HTTP/1.1', 'Host: a/b'), HOST_VALUE],
    [withFields('Content-Length: 1', 'Content-Length: 1'), 'Content-Length is given more than once.'],
    [withFields('Content-Length: 1, 1'), LENGTH],
    [withFields('Content-Length: +1'), LENGTH],
    [withFields('Content-Length: -1'), LENGTH],
    [withFields('Content-Length: 0x1'), LENGTH],
    [withFields('Content-Length: 1 1'), LENGTH],
    [withFields('Content-Length:'), LENGTH],
    [withFields('Content-Length: 1000000000000000'), LENGTH],
    [withFields('Transfer-Encoding:'), CODING],
    [withFields('Transfer-Encoding: chunked, gzip, chunked'), CODING],
    [withFields('Transfer-Encoding: chunked, chunked'), CODING],
    [withFields('Transfer-Encoding: xchunked'), CODING],
    [withFields('Transfer-Encoding: identity'), CODING],
    [
      withFields('Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      'Transfer-Encoding is given more than once.',
    ],
    [
      withFields('Transfer-Encoding: gzip, chunked', 'Content-Length: 0'),
      'Content-Length and Transfer-Encoding are given together.',
    ],
    [
      lines('GET / HTTP/1.0', HOST, 'Transfer-Encoding: gzip, chunked'),
      'An HTTP/1.0 request has Transfer-Encoding.',
    ],
    [
      withFields('Content-Length: 1', 'Transfer-Encoding: chunked'),
      'Content-Length and Transfer-Encoding are given together.',
    ],
    [
      withFields('Transfer-Encoding: chunked', 'Content-Length: 0'),
      'Content-Length and Transfer-Encoding are given together.',
    ],
    [
      lines('GET / HTTP/1.0', HOST, 'Transfer-Encoding: chunked'),
      'An HTTP/1.0 request has Transfer-Encoding.',
    ],
    [withFields('Transfer_Encoding: chunked'), LOOKALIKE],
    [withFields('Content--Length: 1'), LOOKALIKE],
    [withFields('Connection: a b'), 'Connection is not a list of up to 64 options.'],
    [withFields('Connection: close', 'Connection: "x"'), 'Connection is not a list of up to 64 options.'],
    [withFields('Connection: close\xa0'), 'Connection is not a list of up to 64 options.'],
  ];
  for (const [text, detail] of bad) {
    test(`${JSON.stringify(text)}: ${detail}`, () => {
      assert.deepEqual(parse(text)?.refusal, { code: 'bad_request', detail });
    });
  }

  const NOT_SPOKEN = 'Only HTTP/1.0 and HTTP/1.1 are spoken here.';
  const CODED = 'Of the transfer codings only chunked is known here.';
  const EXPECTATION = 'The only expectation known here is 100-continue.';
  const SCHEME = 'The scheme of the request target is not that of the connection.';
  const others: [text: string, code: HeadRefusal['code'], detail: string, scheme?: 'https'][] = [
    [withLine('GET / HTTP/2.0'), 'version_not_supported', NOT_SPOKEN],
    [withLine('GET / HTTP/0.9'), 'version_not_supported', NOT_SPOKEN],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'version_not_supported', NOT_SPOKEN],
    [withLine('CONNECT a.example:443 HTTP/1.1'), 'method_not_allowed', 'CONNECT is not served here.'],
    [withFields('Transfer-Encoding: gzip, chunked'), 'coding_not_supported', CODED],
    [withFields('Transfer-Encoding: a ,\tchunkedx, Chunked'), 'coding_not_supported', CODED],
    [withFields('Expect: 200-ok'), 'expectation_failed', EXPECTATION],
    [withFields('Expect: 100-continue, x'), 'expectation_failed', EXPECTATION],
    [withFields('Expect:'), 'expectation_failed', EXPECTATION],
    [withLine('GET https://a.example/ HTTP/1.1'), 'misdirected_request', SCHEME],
    [withLine('GET http://a.example/ HTTP/1.1'), 'misdirected_request', SCHEME, 'https'],
  ];
  for (const [text, code, detail, scheme] of others) {
    test(`${JSON.stringify(text)} ${scheme ?? ''}: ${code}`, () => {
      assert.deepEqual(parse(text, scheme)?.refusal, { code, detail });
    });
  }

  test('with what was understood of it, for the log', () => {
    const head = parse(withLine('GET http://b.example/x HTTP/1.1').replace(HOST, 'A : 1'));
    assert.deepEqual(
      [head?.method, head?.target, head?.host, head?.path],
      ['GET', 'http://b.example/x', 'b.example', '/x'],
    );
  });
});
