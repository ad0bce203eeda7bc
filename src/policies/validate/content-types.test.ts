import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { assertTakesAtMost } from '../../../test/support/cpu-time.ts';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { saysOtherCharset } from './media-type.ts';
import { answerTo, compiled, linesOf, verdict } from './validate.support.ts';

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
    [{ 'Content-Type': 'application/json; charset="UTF-8"' }, '{}', []],
    [
      { 'Content-Type': 'application/json; charset=utf-8; charset=utf-7' },
      '{}',
      ['415 unsupported_media_type'],
    ],
    [
      { 'Content-Type': 'application/json; x="; charset=utf-8"; charset=utf-7' },
      '{}',
      ['415 unsupported_media_type'],
    ],
    [{ 'Content-Type': 'application/json; charset =utf-7' }, '{}', ['415 unsupported_media_type']],
    [{ 'Content-Type': "application/json; charset*=utf-7''x" }, '{}', ['415 unsupported_media_type']],
    [{}, '{}', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'br' }, 'x', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, 'x', []],
    [{}, '', ['body : is missing']],
  ] as const) {
    test(`${JSON.stringify(headers)} with ${JSON.stringify(body)} gets ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await verdict(options, { method: 'POST', headers, body }), expected);
    });
  }

  test('blanks behind the word charset cost as much as their number', () => {
    const type = `application/json;charset${' '.repeat(29_000)}x`;
    // It took 1 to 4 s where they were shared out before and behind an asterisk in every way.
    assertTakesAtMost(200, () => assert.equal(saysOtherCharset(type), false));
  });

  test('two fields of Content-Type are refused', async () => {
    const headers = [
      ['Content-Type', 'application/json'],
      ['Content-Type', 'text/plain'],
    ] as const;
    assert.deepEqual(await verdict(options, { headers, body: '{}' }), ['415 unsupported_media_type']);
  });

  test('those that differ in parameters only have a schema each', async () => {
    const versions = {
      body: {
        content: {
          'application/json; version=1': { schema: { type: 'object' } },
          'application/json;version="2"': { schema: { type: 'array' } },
          'application/json; version=2; draft=yes': { schema: { type: 'string' } },
        },
      },
    };
    for (const [type, body, expected] of [
      ['application/json;version=1', '{}', []],
      ['application/json; charset=utf-8; Version="1"', '[]', ['body : must be object']],
      ['application/json; version=2', '[]', []],
      ['application/json; version=2', '{}', ['body : must be array']],
      ['application/json; version=2; draft=no', '[]', []],
      ['application/json; draft=yes; version=2', '""', []],
      ['application/json; draft=yes; version=2', '[]', ['body : must be string']],
      ['application/json; version=3', '{}', ['415 unsupported_media_type']],
      ['application/json', '{}', ['415 unsupported_media_type']],
    ] as const)
      assert.deepEqual(await verdict(versions, { headers: { 'Content-Type': type }, body }), expected, type);
  });

  test('one that is described with a parameter is taken without it', async () => {
    const described = { body: { content: { 'application/json; charset=utf-8; v=1': {} } } };
    assert.deepEqual(
      await verdict(described, { headers: { 'Content-Type': 'application/json' }, body: '{}' }),
      [],
    );
  });

  for (const [title, length, body, expected] of [
    ['a body', 2, '{}', ['body : is not described']],
    ['a body of unknown length', -1, '{}', ['body : is not described']],
    ['a body of unknown length that is empty', -1, '', []],
    ['no body', 0, '', []],
  ] as const) {
    test(`where none is described, ${title} is ${expected.length > 0 ? 'refused' : 'let through'}`, async () => {
      const policies = await compiled({ body: false });
      const exchange = exchangeFor({ method: 'POST', bodyLength: length });
      const answer =
        (await policies.onRequest[0]?.hooks.onRequest(exchange)) ??
        policies.onRequestBody[0]?.hooks.onRequestBody(exchange, Buffer.from(body), Buffer.from(body)) ??
        undefined;
      assert.deepEqual(linesOf(answer), expected);
    });
  }

  const form = {
    json: { keys: 3, string: '8b' },
    body: { content: { 'application/x-www-form-urlencoded': { schema: { type: 'object' } } } },
  };
  for (const [body, expected] of [
    ['a=1&b=2&c=3', []],
    ['a=1&b=2&c=3&', []],
    ['a=1&a=1&a=1&a=1', ['body : has more than 3 parameters']],
    ['&&&&', ['body : has more than 3 parameters']],
    ['a=123456', []],
    ['a=1&bb=123456', ['body : has a parameter of more than 8 octets, its name included']],
  ] as const)
    test(`the form ${body} gets ${JSON.stringify(expected)} within limits`, async () => {
      const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
      assert.deepEqual(await verdict(form, { method: 'POST', headers, body }), expected);
    });

  test('the answer says what is taken', async () => {
    const answer = await answerTo(options, { headers: { 'Content-Type': 'application/xml' }, body: '<a/>' });
    assert.deepEqual(answer?.headers, { Accept: 'application/json, text/*' });
  });
});
