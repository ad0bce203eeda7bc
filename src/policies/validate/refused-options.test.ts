import assert from 'node:assert/strict';
import { test } from 'node:test';
import { validatePolicyUse } from '../compile.ts';
import { json } from './validate.support.ts';

for (const [options, path, message] of [
  [
    json({ type: 'strin' }),
    ['body', 'content', 'application/json', 'schema', 'type'],
    /is not JSON Schema \(draft 2020-12\): must/,
  ],
  [json({ $async: true }), ['body', 'content', 'application/json', 'schema', '$async'], /is not supported/],
  [
    json({ $schema: 'http://json-schema.org/draft-07/schema#' }),
    ['body', 'content', 'application/json', 'schema', '$schema'],
    /is another dialect/,
  ],
  [json({ type: 'object', propertys: {} }), [], /unknown keyword: "propertys"/],
  [json({ $ref: '#/definitions/Nothing' }), [], /can't resolve reference #\/definitions\/Nothing/],
  [
    { ...json({ $ref: '#/definitions/A' }), definitions: { A: { $ref: '#/definitions/A' } } },
    [],
    /the reference #\/definitions\/A leads back to itself for the same value/,
  ],
  [
    json({ properties: { a: { anyOf: [{ type: 'string' }, { not: { $ref: '#/properties/a' } }] } } }),
    [],
    /the reference #\/properties\/a leads back to itself for the same value/,
  ],
  [json({ $dynamicRef: '#a' }), [], /unknown keyword: "\$dynamicRef"/],
  [json({ type: 'string', pattern: '(?=a)b' }), [], /the pattern "\(\?=a\)b" has a look-ahead/],
  [json({ type: 'string', format: 'emial' }), [], /unknown format "emial"/],
  [{ body: { content: {} } }, ['body', 'content'], /must not be empty/],
  [{ body: { content: { 'no type': {} } } }, ['body', 'content', 'no type'], /is not a media type/],
  [
    { headers: { schema: { properties: { 'X-N': {} } } } },
    ['headers', 'schema', 'properties', 'X-N'],
    /written in small letters: x-n/,
  ],
  [
    { body: { content: { 'a/b; v=1': {}, 'a/b;V=1;charset=utf-8': {} } } },
    [],
    /the content type a\/b;V=1;charset=utf-8 stands twice/,
  ],
  [{ body: { contents: {} } }, ['body', 'content'], /expected record/],
  [{ body: { content: { 'a/b': {} }, ratios: 1 } }, ['body', 'ratios'], /did you mean ratio/],
  [{ errors: 0 }, ['errors'], /Too small/],
  [{ qery: {} }, ['qery'], /did you mean query/],
] as const) {
  test(`validate: ${JSON.stringify(options)} is refused at ${path.join('.') || 'the policy'}`, async () => {
    const problems = await validatePolicyUse({ name: 'validate', options });
    assert.deepEqual(problems[0]?.path, path);
    assert.match(problems[0]?.message ?? '', message);
  });
}
