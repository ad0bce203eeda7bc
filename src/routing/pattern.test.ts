import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parsePattern } from './pattern.ts';

describe('a path of a route', () => {
  const table: [text: string, prefix: boolean, shape: string, captureNames: string[]][] = [
    ['/', false, '1', []],
    ['/*', true, '', ['*']],
    ['/a', false, '1', []],
    ['/a/', false, '11', []],
    ['/a/b.txt', false, '11', []],
    ['/api/*', true, '1', ['*']],
    ['/users/{id}', false, '10', ['id']],
    ['/users/{id}/', false, '101', ['id']],
    ['/{tenant}/files/{_x2}/*', true, '010', ['tenant', '_x2', '*']],
    ['/a%2Fb', false, '1', []],
  ];
  for (const [text, prefix, shape, captureNames] of table) {
    it(`${text} is ${prefix ? 'a prefix' : 'exact'} with the captures [${captureNames.join()}]`, () => {
      const parsed = parsePattern(text);
      assert.ok(parsed.ok);
      const { pattern } = parsed;
      assert.deepEqual([pattern.prefix, pattern.shape, pattern.captureNames], [prefix, shape, captureNames]);
    });
  }
});

describe('a path of a route is refused', () => {
  const written = (path: string) => `requests are matched in normalised form: write ${path}`;
  const table: [text: string, message: string][] = [
    ['a', 'a path begins with /'],
    ['/a*', '* may only stand at the end, as /*; use {name} for one segment'],
    ['/*/b', '* may only stand at the end, as /*; use {name} for one segment'],
    ['/a/**', '* may only stand at the end, as /*; use {name} for one segment'],
    ['/a{b}', 'a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in a{b}'],
    ['/{a}{b}', 'a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in {a}{b}'],
    ['/{a', 'a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in {a'],
    ['/}', 'a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in }'],
    ['/{}', '{} is not a capture: its name has letters, digits and _, and does not begin with a digit'],
    ['/{1a}', '{1a} is not a capture: its name has letters, digits and _, and does not begin with a digit'],
    ['/{a-b}', '{a-b} is not a capture: its name has letters, digits and _, and does not begin with a digit'],
    ['/{a}/x/{a}', '{a} is captured twice'],
    ['/a/../b', written('/b')],
    ['/a/%62', written('/a/b')],
    ['/a%2fb/*', written('/a%2Fb/*')],
    ['//a', written('/a')],
    ['/a//*', written('/a/*')],
    ['//*', written('/*')],
    ['/a b', written('/a%20b')],
    ['/café/*', written('/caf%C3%A9/*')],
    ['/100%', 'no request can have this path: such escapes and dot segments are refused with 400'],
    ['/..%2Fa', 'no request can have this path: such escapes and dot segments are refused with 400'],
  ];
  for (const [text, message] of table) {
    it(`${text}: ${message}`, () => assert.deepEqual(parsePattern(text), { ok: false, message }));
  }
});
