import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Fields } from '../../http/fields.ts';
import { OutputReader } from './output.ts';

suite('An output that is a whole answer', () => {
  for (const [title, output, body] of [
    [
      'keeps every digit of the numbers of its body',
      '{"body": {"id":12345678901234567890.10} }',
      '{"id":12345678901234567890.10}',
    ],
    ['has JSON of any kind as its body', '{"status":201,"body":[1 , 2]}', '[1 , 2]'],
    ['has text as it is meant', '{"body":"a\\n"}', 'a\n'],
    ['may have no body', '{"body":null}', undefined],
  ] as const)
    test(title, () => {
      const made = new OutputReader('http').ofBody(
        { status: 200, fields: new Fields() },
        Buffer.from(`{"output":${output}}`),
      );
      assert.equal(made.body?.toString(), body);
    });
});
