import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { jsonMember } from './json-member.ts';

const memberOf = (text: string, name = 'output') => jsonMember(Buffer.from(text), name)?.toString();

suite('A member of a JSON text', () => {
  for (const [text, value] of [
    ['{"output":1}', '1'],
    [' { "a" : [ {"output":2} , "}" ] , "output" : { "b" : "\\"}" } } ', '{ "b" : "\\"}" }'],
    ['{"a":"\\\\","output":"x"}', '"x"'],
    ['{"\\u006futput":null}', 'null'],
    ['{"output":[]}', '[]'],
    ['{"output":-1.50e3\n}', '-1.50e3'],
    ['{"other":{"output":1}}', undefined],
    ['{}', undefined],
    ['[{"output":1}]', undefined],
    ['"output"', undefined],
    ['null', undefined],
  ] as const)
    test(`${text} is ${value}`, () => assert.equal(memberOf(text), value));

  test('is the value that a parser finds, whatever stands around it', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.jsonValue(),
        fc.constantFrom(undefined, 1, '\t'),
        (around, output, indent) => {
          const text = JSON.stringify({ ...around, output }, undefined, indent);
          const { output: parsed } = JSON.parse(text) as { output: unknown };
          assert.deepEqual(JSON.parse(memberOf(text) ?? ''), parsed);
        },
      ),
    );
  });
});
