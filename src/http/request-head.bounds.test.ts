import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { amidst } from '../../test/support/amidst.ts';
import { assertTakesAtMost } from '../../test/support/cpu-time.ts';
import { FieldNames } from './field-names.ts';
import { parseRequestHead, type RequestHead } from './request-head.ts';

const HOST = 'Host: a.example\r\n';
const LINE_LIMIT = 40;
const HEAD_LIMIT = 120;
const LIMITS = { requestLine: LINE_LIMIT, head: HEAD_LIMIT, fields: 4 };
const names = new FieldNames();
function parse(text: string, limits = LIMITS): RequestHead | undefined {
  const { data, from, to } = amidst(text);
  return parseRequestHead(data, from, to, 'http', limits, names);
}

/** A request line of so many octets, its CR LF not counted. */
const lineOf = (octets: number) => `GET /${'a'.repeat(octets - 'GET / HTTP/1.1'.length)} HTTP/1.1\r\n`;
/** A whole head of so many octets. */
const headOf = (octets: number) => {
  const start = `GET / HTTP/1.1\r\n${HOST}A: `;
  return `${start}${'a'.repeat(octets - start.length - 4)}\r\n\r\n`;
};

suite('a head has bounds', () => {
  const TOO_LONG = { code: 'uri_too_long', detail: 'The request line is too long.' };
  const TOO_LARGE = { code: 'head_too_large', detail: 'The head of the request is too large.' };

  test('the request line: the longest passes, one octet more is 414', () => {
    assert.equal(parse(`${lineOf(LINE_LIMIT)}${HOST}\r\n`)?.refusal, undefined);
    assert.deepEqual(parse(`${lineOf(LINE_LIMIT + 1)}${HOST}\r\n`)?.refusal, TOO_LONG);
  });

  test('an empty line before it does not count', () => {
    assert.equal(parse(`\r\n${lineOf(LINE_LIMIT)}${HOST}\r\n`)?.refusal, undefined);
    assert.deepEqual(parse(`\r\n${lineOf(LINE_LIMIT + 1)}`)?.refusal, TOO_LONG);
  });

  test('a request line without end is refused before it ends', () => {
    assert.equal(parse('a'.repeat(LINE_LIMIT + 1)), undefined);
    assert.deepEqual(parse('a'.repeat(LINE_LIMIT + 2))?.refusal, TOO_LONG);
  });

  test('the head: the largest passes, one octet more is 431', () => {
    assert.equal(parse(headOf(HEAD_LIMIT))?.refusal, undefined);
    assert.equal(parse(headOf(HEAD_LIMIT))?.length, HEAD_LIMIT);
    assert.deepEqual(parse(headOf(HEAD_LIMIT + 1))?.refusal, TOO_LARGE);
    assert.equal(parse(`\r\n${headOf(HEAD_LIMIT)}`)?.refusal, undefined);
  });

  test('a head without end is refused before it ends', () => {
    const start = `GET / HTTP/1.1\r\n${HOST}A: `;
    assert.equal(parse(start + 'a'.repeat(HEAD_LIMIT - start.length)), undefined);
    assert.deepEqual(parse(start + 'a'.repeat(HEAD_LIMIT - start.length + 1))?.refusal, TOO_LARGE);
  });

  test('the octets behind the head do not count', () => {
    assert.equal(parse(`${headOf(HEAD_LIMIT)}${'x'.repeat(1000)}`)?.refusal, undefined);
  });

  test('fields: as many as are allowed pass, one more is 431', () => {
    const withFields = (count: number) => `GET / HTTP/1.1\r\n${HOST}${'A: 1\r\n'.repeat(count - 1)}\r\n`;
    assert.equal(parse(withFields(4))?.refusal, undefined);
    assert.deepEqual(parse(withFields(5))?.refusal, {
      code: 'head_too_large',
      detail: 'The request has too many fields.',
    });
  });

  test('fields that are dropped count too', () => {
    const text = `GET / HTTP/1.1\r\n${HOST}${'Keep-Alive: 1\r\n'.repeat(4)}\r\n`;
    assert.equal(parse(text)?.refusal?.code, 'head_too_large');
  });
});

suite('a head of 30 kB costs as much as its length', () => {
  const generous = { requestLine: 40_000, head: 64_000, fields: 100 };
  const NAMES = [
    'Connection',
    'Content-Length',
    'Cookie',
    'Expect',
    'Host',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
  ];
  const FILLS = [
    ['blanks', ' '.repeat(30_000)],
    ['commas', ','.repeat(30_000)],
    ['short options', 'x, '.repeat(10_000)],
  ] as const;
  for (const name of [...NAMES, 'X']) {
    for (const [title, fill] of FILLS) {
      test(`with ${title} in ${name}`, () => {
        const text = `GET / HTTP/1.1\r\n${name === 'Host' ? '' : HOST}${name}: a${fill}b\r\n\r\n`;
        // Blanks within Connection took 2 s.
        assertTakesAtMost(200, () => assert.notEqual(parse(text, generous), undefined));
      });
    }
  }

  test('with a Connection field that names many fields which begin alike', () => {
    const alike = Array.from({ length: 95 }, (_, i) => `${'a'.repeat(150)}${i}`);
    const named = Array.from({ length: 60 }, (_, i) => `${'a'.repeat(150)}${i}x`);
    const text = `GET / HTTP/1.1\r\n${HOST}Connection: ${named.join()}\r\n${alike.join(': b\r\n')}: b\r\n\r\n`;
    // One look through all fields for each name took 10 ms.
    assertTakesAtMost(500, () => {
      for (let i = 0; i < 100; i++) assert.equal(parse(text, generous)?.fields.size, 95);
    });
  });
});

/** Everything that a recipient of the head sees. */
const seen = (head: RequestHead) => ({ ...head, fields: head.fields.list });

/** Parsing any beginning of the text gives nothing yet, or what parsing the whole gives. */
function assertSplitsAgree(text: string): void {
  const whole = parse(text);
  for (let cut = 0; cut < text.length; cut++) {
    const part = parse(text.slice(0, cut));
    if (part === undefined) continue;
    assert.ok(whole !== undefined, `refused or read at ${cut}, and incomplete as a whole`);
    assert.deepEqual(seen(part), seen(whole), `at ${cut} of ${JSON.stringify(text)}`);
    if (part.refusal === undefined) assert.ok(cut >= part.length, `read at ${cut} before its end`);
  }
}

suite('how the octets are split does not matter', () => {
  for (const text of [
    `GET / HTTP/1.1\r\n${HOST}\r\n`,
    `\r\nPOST /a?b HTTP/1.1\r\n${HOST}Content-Length: 5\r\nA: b\r\n\r\nhello`,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n`,
    `GET / HTTP/1.1\r\n${HOST}\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
    `GET / HTTP/1.1\r\n${HOST}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    `GET / HTTP/1.1\r\nA: 1\r\n folded\r\n${HOST}\r\n`,
    `GET / HTTP/1.1\r\n\r\n`,
    '\r\n\r\nGET / HTTP/1.1\r\n',
    lineOf(LINE_LIMIT + 1),
    `\r\n${lineOf(LINE_LIMIT + 1)}`,
    headOf(HEAD_LIMIT + 1),
    headOf(HEAD_LIMIT),
    `\n${headOf(HEAD_LIMIT)}`,
  ]) {
    test(JSON.stringify(text.slice(0, 80)), () => assertSplitsAgree(text));
  }

  const piece = fc.constantFrom(
    ...['GET', ' ', '/', '*', 'a', '?', '%2f', 'HTTP/1.1', 'HTTP/1.0', '\r\n', '\r\n', '\r\n', '\r', '\n'],
    ...[
      ':',
      '\t',
      '\0',
      '\xe9',
      HOST,
      'Host: b\r\n',
      'A: 1\r\n',
      'Content-Length: 3\r\n',
      'Connection: a\r\n',
    ],
    ...['Transfer-Encoding: chunked\r\n', 'Upgrade: x\r\n', 'Connection: upgrade\r\n', 'Expect: y\r\n'],
    ...['GET / HTTP/1.1\r\n', 'http://c/', 'a'.repeat(30), 'Transfer_Encoding: chunked\r\n'],
  );

  test('for anything that is made of the parts of heads', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, sound) => {
        assertSplitsAgree(`${sound ? `GET / HTTP/1.1\r\n${HOST}` : ''}${pieces.join('')}\r\n\r\n`);
      }),
      { numRuns: 400 },
    );
  });
});

suite('whatever is accepted', () => {
  const octets = fc
    .array(fc.oneof(fc.integer({ min: 0, max: 255 }), fc.constantFrom(13, 10, 32, 58, 9)), { maxLength: 60 })
    .map((codes) => String.fromCharCode(...codes));
  const generous = { requestLine: 1000, head: 4000, fields: 100 };

  test('has only fields that can be sent on, and a target of visible ASCII', () => {
    fc.assert(
      fc.property(octets, octets, octets, (target, name, value) => {
        const head = parse(`GET /${target} HTTP/1.1\r\n${HOST}${name}: ${value}\r\n\r\n`, generous);
        if (head === undefined || head.refusal !== undefined) return;
        assert.match(head.path + head.search, /^\/[\x21-\x7e]*$/);
        for (let i = 0; i < head.fields.list.length; i += 3) {
          const [lower, asWritten, text] = head.fields.list.slice(i, i + 3) as [string, string, string];
          assert.equal(lower, asWritten.toLowerCase());
          assert.match(asWritten, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
          assert.match(text, /^(?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
