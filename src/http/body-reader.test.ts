import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { BodyReader } from './body-reader.ts';
import { FieldNames } from './field-names.ts';

const CHUNKED = -1;
const UNTIL_CLOSE = -2;
const names = new FieldNames();

interface Read {
  readonly body: string;
  readonly bytes: number;
  readonly done: boolean;
  readonly problem: string;
  readonly trailers: readonly string[] | undefined;
  /** Octets that belong to the body, its framing included; of no meaning where there is a problem. */
  readonly taken: number;
}

/**
 * Gives the octets to a reader in pieces of these sizes, the last one for all that is left. Each piece stands in a buffer of its
 * own, somewhere within, which is overwritten as soon as the call is over.
 */
function read(length: number, text: string, sizes: readonly number[] = []): Read {
  const reader = new BodyReader(length, names);
  let body = '';
  const sink = {
    onBody(data: Buffer, from: number, to: number) {
      assert.ok(to > from, 'no piece is empty');
      body += data.toString('latin1', from, to);
    },
  };
  let taken = 0;
  for (let i = 0; taken < text.length && !reader.done && reader.problem === ''; i++) {
    const piece = text.slice(taken, taken + (sizes[i] ?? sizes.at(-1) ?? text.length));
    const margin = 3;
    const data = Buffer.from(`---${piece}---`, 'latin1');
    const next = reader.read(data, margin, margin + piece.length, sink);
    data.fill('!');
    assert.ok(next >= margin && next <= margin + piece.length);
    if (!reader.done && reader.problem === '') assert.equal(next, margin + piece.length, 'all is read');
    taken += next - margin;
  }
  return {
    body,
    bytes: reader.bytes,
    done: reader.done,
    problem: reader.problem,
    trailers: reader.trailers?.list,
    taken: reader.problem === '' ? taken : -1,
  };
}

/** Reading octet by octet, and in any two pieces, gives what reading all at once gives. */
function assertSplitsAgree(length: number, text: string): Read {
  const whole = read(length, text);
  assert.deepEqual(read(length, text, [1]), whole, 'octet by octet');
  for (let cut = 1; cut < Math.min(text.length, 200); cut++)
    assert.deepEqual(read(length, text, [cut, text.length]), whole, `cut at ${cut}`);
  return whole;
}

const COMPLETE = { done: true, problem: '', trailers: undefined };

suite('a body of known length', () => {
  for (const [length, text, body] of [
    [5, 'hello', 'hello'],
    [5, 'helloGET / HTTP/1.1', 'hello'],
    [1, '\0', '\0'],
  ] as const) {
    test(`${length} of ${JSON.stringify(text)}`, () => {
      assert.deepEqual(assertSplitsAgree(length, text), { ...COMPLETE, body, bytes: length, taken: length });
    });
  }

  test('of nothing is done before anything is read', () => {
    assert.deepEqual(read(0, 'GET'), { ...COMPLETE, body: '', bytes: 0, taken: 0 });
    assert.equal(new BodyReader(0, names).done, true);
  });

  test('that is cut off is not done', () => {
    const cut = assertSplitsAgree(6, 'hello');
    assert.deepEqual([cut.done, cut.problem, cut.bytes], [false, '', 5]);
    const reader = new BodyReader(6, names);
    assert.equal(reader.close(), false);
  });
});

suite('a body until the connection closes', () => {
  test('is all that comes', () => {
    const text = 'hello\r\n\r\n0\r\n\r\n';
    const all = assertSplitsAgree(UNTIL_CLOSE, text);
    assert.deepEqual([all.body, all.bytes, all.done, all.taken], [text, text.length, false, text.length]);
  });

  test('is done with the connection, even when nothing came', () => {
    const reader = new BodyReader(UNTIL_CLOSE, names);
    assert.equal(reader.done, false);
    assert.equal(reader.close(), true);
    assert.equal(reader.done, true);
  });
});

suite('a chunked body', () => {
  const table: [title: string, text: string, body: string, trailers?: readonly string[]][] = [
    ['of nothing', '0\r\n\r\n', ''],
    ['of one chunk', '5\r\nhello\r\n0\r\n\r\n', 'hello'],
    ['of several', '2\r\nhe\r\n3\r\nllo\r\n00\r\n\r\n', 'hello'],
    [
      'with hex digits of either case',
      'a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n',
      '01234567890123456789a',
    ],
    ['with leading zeros', '0000000000005\r\nhello\r\n0000000000000\r\n\r\n', 'hello'],
    ['with line ends in its data', '4\r\n\r\n\r\n\r\n0\r\n\r\n', '\r\n\r\n'],
    ['with an extension', '1;a\r\nx\r\n0;b\r\n\r\n', 'x'],
    ['with extensions with values', '1;a=1;b="c;d \\" e\t";f\r\nx\r\n0\r\n\r\n', 'x'],
    ['with white space where it may be', '1; a = 1;\tb\r\nx\r\n0\r\n\r\n', 'x'],
    ['with white space around extensions', '1 ;a\r\nx\r\n0\t;\tb = c ; d\r\n\r\n', 'x'],
    ['with obs-text in a quoted value', '1;a="\xe9\\\xe9"\r\nx\r\n0\r\n\r\n', 'x'],
    ['with trailers', '1\r\nx\r\n0\r\nA: 1\r\nb:2\r\n\r\n', 'x', ['a', 'A', '1', 'b', 'b', '2']],
    ['with trailers that no trailer may have', '0\r\nCookie: a\r\n\r\n', ''],
  ];
  for (const [title, text, body, trailers] of table) {
    test(title, () => {
      const expected = { ...COMPLETE, body, bytes: body.length, trailers, taken: text.length };
      assert.deepEqual(assertSplitsAgree(CHUNKED, text), expected);
      assert.deepEqual(
        assertSplitsAgree(CHUNKED, `${text}0\r\n\r\nGET`),
        expected,
        'the rest is not touched',
      );
    });
  }

  test('that is cut off anywhere is not done', () => {
    const text = '3;x\r\nabc\r\n0\r\nA: 1\r\n\r\n';
    for (let end = 0; end < text.length; end++) {
      const reader = new BodyReader(CHUNKED, names);
      reader.read(Buffer.from(text, 'latin1'), 0, end, { onBody() {} });
      assert.deepEqual([reader.done, reader.problem, reader.close()], [false, '', false]);
    }
  });
});

suite('a chunked body is refused', () => {
  const SIZE = 'a chunk size is malformed';
  const LINE_END = 'a chunk size line does not end in CR LF';
  const DATA_END = 'chunk data does not end in CR LF';
  const table: [text: string, problem: string][] = [
    ['\r\n', SIZE],
    ['g\r\n', SIZE],
    ['-1\r\n', SIZE],
    ['+1\r\n', SIZE],
    ['0x1\r\n', SIZE],
    [' 1\r\n', SIZE],
    ['1 \r\n', SIZE],
    ['1\t\r\n', SIZE],
    ['1,1\r\n', SIZE],
    ['1_0\r\n', SIZE],
    ['1\r\r\n', SIZE],
    ['\x001\r\n', SIZE],
    ['1\0\r\n', SIZE],
    ['@\r\n', SIZE],
    ['`\r\n', SIZE],
    ['\x10\r\n', SIZE],
    ['10000000000000\r\n', SIZE],
    ['00000000000001\r\n', SIZE],
    ['1;\r\n', SIZE],
    ['1;;a\r\n', SIZE],
    ['1;a;\r\n', SIZE],
    ['1;=1\r\n', SIZE],
    ['1;a=\r\n', SIZE],
    ['1;a="\r\n', SIZE],
    ['1;a="b"c\r\n', SIZE],
    ['1;a="\\"\r\n', SIZE],
    ['1;a=b c\r\n', SIZE],
    ['1;a\0\r\n', SIZE],
    ['1;a="\x7f"\r\n', SIZE],
    ['1;a\rb\r\n', SIZE],
    ['\n', LINE_END],
    ['1\n', LINE_END],
    ['1;a\n', LINE_END],
    ['1;a="\n"\r\n', LINE_END],
    ['1\r\nx\n', DATA_END],
    ['1\r\nxy\r\n', DATA_END],
    ['1\r\nx\r\r\n', DATA_END],
    ['1\r\nx0\r\n\r\n', DATA_END],
    ['0\r\n\n', 'a trailer line does not end in CR LF'],
    ['0\r\nA\r\n\r\n', 'a trailer name is no token followed by a colon'],
    ['0\r\nA: \0\r\n\r\n', 'a trailer value has a control character'],
    ['0\r\nContent-Length: 1\r\n\r\n', 'the trailer section has a framing field'],
  ];
  for (const [text, problem] of table) {
    test(`${JSON.stringify(text)}: ${problem}`, () => {
      assert.equal(assertSplitsAgree(CHUNKED, text).problem, problem);
      assert.equal(assertSplitsAgree(CHUNKED, `2\r\nab\r\n${text}`).problem, problem, 'also after a chunk');
    });
  }

  test('and nothing behind the fault is read', () => {
    const broken = read(CHUNKED, '1\r\nx\r\nz\r\n5\r\nhello\r\n0\r\n\r\n');
    assert.deepEqual([broken.body, broken.bytes, broken.done], ['x', 1, false]);
  });
});

suite('the framing of a chunked body has bounds', () => {
  const TOO_LONG = 'a chunk size line is too long';
  const lineOf = (octets: number) => `1;${'a'.repeat(octets - 4)}\r\n`;

  test('a line of 1024 octets passes, one octet more does not', () => {
    assert.equal(assertSplitsAgree(CHUNKED, lineOf(1024)).problem, '');
    assert.equal(assertSplitsAgree(CHUNKED, lineOf(1025)).problem, TOO_LONG);
  });

  test('a line without end is refused', () => {
    assert.equal(assertSplitsAgree(CHUNKED, `1;${'a'.repeat(1022)}`).problem, '');
    assert.equal(assertSplitsAgree(CHUNKED, `1;${'a'.repeat(1023)}`).problem, TOO_LONG);
  });

  test('all extensions together have 16 KiB', () => {
    const extended = (octets: number) => `1;${'a'.repeat(octets - 1)}\r\nx\r\n`;
    const most = extended(1021).repeat(16) + extended(16 * 1024 - 1021 * 16);
    assert.equal(assertSplitsAgree(CHUNKED, most).problem, '');
    assert.equal(assertSplitsAgree(CHUNKED, `${most}1\r\nx\r\n`).problem, '');
    assert.equal(
      assertSplitsAgree(CHUNKED, `${most}1;a\r\nx\r\n`).problem,
      'there are too many chunk extensions',
    );
  });

  test('trailers have 16 KiB', () => {
    const line = (octets: number) => `A: ${'a'.repeat(octets - 5)}\r\n`;
    const section = (octets: number) => `0\r\n${line(8000)}${line(octets - 8002)}\r\n`;
    assert.equal(assertSplitsAgree(CHUNKED, section(16 * 1024)).done, true);
    const large = 'the trailer section is too large';
    assert.equal(assertSplitsAgree(CHUNKED, section(16 * 1024 + 1)).problem, large);
    assert.equal(assertSplitsAgree(CHUNKED, `0\r\n${'a'.repeat(16 * 1024 + 1)}`).problem, large);
    assert.equal(assertSplitsAgree(CHUNKED, `0\r\n${'A: 1\r\n'.repeat(65)}\r\n`).problem, large);
  });
});

suite('a reader that is stopped', () => {
  test('gives nothing more, not even of the octets that it was reading', () => {
    const pieces: string[] = [];
    const reader = new BodyReader(CHUNKED, names);
    const data = Buffer.from('1\r\na\r\n1\r\nb\r\n0\r\n\r\n');
    const next = reader.read(data, 0, data.length, {
      onBody(octets, from, to) {
        pieces.push(octets.toString('latin1', from, to));
        reader.stop();
      },
    });
    assert.deepEqual([pieces, next, reader.done], [['a'], 4, false]);
    assert.equal(reader.problem, 'nobody reads on');
  });

  test('keeps the problem that it had', () => {
    const reader = new BodyReader(CHUNKED, names);
    reader.read(Buffer.from('z\r\n'), 0, 3, { onBody() {} });
    reader.stop();
    assert.equal(reader.problem, 'a chunk size is malformed');
  });
});

suite('whatever the chunks and however they are cut', () => {
  const chunk = fc.tuple(
    fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 40 }),
    fc.constantFrom('', ';a', ';a=1', ';a="b;\\"c"', '; a'),
  );
  const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 30 });

  test('the body is what they hold', () => {
    fc.assert(
      fc.property(fc.array(chunk, { maxLength: 8 }), sizes, (chunks, cuts) => {
        const framed = chunks.map(
          ([text, extension]) => `${text.length.toString(16)}${extension}\r\n${text}\r\n`,
        );
        const text = `${framed.join('')}0\r\n\r\n`;
        const body = chunks.map(([part]) => part).join('');
        assert.deepEqual(read(CHUNKED, `${text}next`, cuts), {
          ...COMPLETE,
          body,
          bytes: body.length,
          taken: text.length,
        });
      }),
    );
  });

  test('what is broken is broken in the same way', () => {
    const part = fc.constantFrom(
      '1',
      '0',
      'a',
      ';',
      '=',
      '"',
      '\\',
      ' ',
      '\r\n',
      '\r\n',
      '\r',
      '\n',
      ':',
      'Host',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), sizes, (parts, cuts) => {
        const text = parts.join('');
        assert.deepEqual(read(CHUNKED, text, cuts), read(CHUNKED, text));
      }),
      { numRuns: 2000 },
    );
  });
});
