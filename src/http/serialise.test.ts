import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fields } from './fields.ts';
import { chunkLine, DateField, fieldLines, lastChunk, statusLine } from './serialise.ts';

suite('a status line', () => {
  for (const [status, line] of [
    [100, 'HTTP/1.1 100 Continue\r\n'],
    [200, 'HTTP/1.1 200 OK\r\n'],
    [404, 'HTTP/1.1 404 Not Found\r\n'],
    [418, "HTTP/1.1 418 I'm a Teapot\r\n"],
    [299, 'HTTP/1.1 299 Unknown\r\n'],
    [599, 'HTTP/1.1 599 Unknown\r\n'],
  ] as const) {
    test(`of ${status}`, () => assert.equal(statusLine(status), line));
  }
});

suite('field lines', () => {
  test('stand in order, with the names as written', () => {
    const fields = new Fields();
    fields.append('X-B', '1');
    fields.append('a', '');
    fields.append('x-b', '\xe9');
    assert.equal(fieldLines(fields), 'X-B: 1\r\na: \r\nx-b: \xe9\r\n');
  });

  test('of nothing are nothing', () => assert.equal(fieldLines(new Fields()), ''));
});

suite('chunks', () => {
  for (const [bytes, line] of [
    [1, '1\r\n'],
    [16, '10\r\n'],
    [65_535, 'ffff\r\n'],
    [2 ** 40, '10000000000\r\n'],
  ] as const) {
    test(`the line of ${bytes} octets`, () => assert.equal(chunkLine(bytes), line));
  }

  test('end in an empty one', () => assert.equal(lastChunk(undefined), '0\r\n\r\n'));
  test('end in an empty one with trailers', () => {
    assert.equal(lastChunk(Fields.from({ A: '1', B: '2' })), '0\r\nA: 1\r\nB: 2\r\n\r\n');
  });
});

suite('the date', () => {
  for (const [nowMs, text] of [
    [0, 'Thu, 01 Jan 1970 00:00:00 GMT'],
    [784_111_777_000, 'Sun, 06 Nov 1994 08:49:37 GMT'],
    [1_709_164_800_999, 'Thu, 29 Feb 2024 00:00:00 GMT'],
  ] as const) {
    test(`is written as RFC 9110 section 5.6.7 wants: ${text}`, () => {
      assert.equal(new DateField().at(nowMs), text);
    });
  }

  test('is made once a second, and follows the clock back too', () => {
    const date = new DateField();
    const at = (nowMs: number) => date.at(nowMs).slice(17, 25);
    assert.deepEqual(
      [at(0), at(999), at(1000), at(1999), at(61_000), at(500)],
      ['00:00:00', '00:00:00', '00:00:01', '00:00:01', '00:01:01', '00:00:00'],
    );
  });
});
