import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { answerTo, verdict } from './validate.support.ts';

suite('validate: content types and encodings', () => {
  const options = {
    body: { required: true, encodings: ['gzip'], content: { 'application/json': {}, 'text/*': {} } },
  };
  for (const [headers, body, expected] of [
    [{ 'Content-Type': 'application/json' }, '{}', []],
    [{ 'Content-Type': 'Application/JSON ; x=y' }, '{}', []],
    [{ 'Content-Type': 'text/plain' }, '{', []],
    [{ 'Content-Type': 'application/xml' }, '<a/>', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'application/json; charset=utf-16' }, '{}', ['415 unsupported_media_type']],
    [{}, '{}', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'br' }, 'x', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, 'x', []],
    [{}, '', ['body : is missing']],
  ] as const) {
    test(`${JSON.stringify(headers)} with ${JSON.stringify(body)} gets ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await verdict(options, { method: 'POST', headers, body }), expected);
    });
  }

  test('two fields of Content-Type are refused', async () => {
    const headers = [
      ['Content-Type', 'application/json'],
      ['Content-Type', 'text/plain'],
    ] as const;
    assert.deepEqual(await verdict(options, { headers, body: '{}' }), ['415 unsupported_media_type']);
  });

  test('the answer says what is taken', async () => {
    const answer = await answerTo(options, { headers: { 'Content-Type': 'application/xml' }, body: '<a/>' });
    assert.deepEqual(answer?.headers, { Accept: 'application/json, text/*' });
  });
});
