import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { normalisePath } from '../http/path.ts';
import { compileRouter } from './compile.ts';
import { requestOf, routesOf } from './random-routes.support.ts';
import { compileRewrite, parseTemplate } from './rewrite.ts';

/** What a route with this path makes of a request's path. */
function rewritten(path: string, template: string, requestPath: string): string | undefined {
  const router = compileRouter(
    routesOf({ r: { match: { paths: [path] } } }).map((route) => ({ ...route, value: undefined })),
  );
  const captures: string[] = [];
  const entry = router.match(requestOf(`GET http://h${requestPath}`), captures);
  return entry && compileRewrite(template, entry.captureNames)(captures);
}

describe('a path is rewritten', () => {
  const table: [path: string, template: string, from: string, to: string][] = [
    ['/api/*', '/*', '/api', '/'],
    ['/api/*', '/*', '/api/', '/'],
    ['/api/*', '/*', '/api/x/y', '/x/y'],
    ['/api/*', '/v2/*', '/api', '/v2'],
    ['/api/*', '/v2/*', '/api/', '/v2/'],
    ['/api/*', '/v2/*', '/api/x', '/v2/x'],
    ['/*', '/v2/*', '/', '/v2/'],
    ['/api/*', '/fixed', '/api/x', '/fixed'],
    ['/users/{id}', '/people/{id}/profile', '/users/a%2Fb', '/people/a%2Fb/profile'],
    ['/{a}/{b}/*', '/{b}/{a}/{b}/*', '/1/2/3/4', '/2/1/2/3/4'],
    ['/{name}', '/files/img-{name}.png', '/cat', '/files/img-cat.png'],
    ['/{name}', '/{name}', '/x', '/x'],
  ];
  for (const [path, template, from, to] of table) {
    it(`${path} to ${template}: ${from} becomes ${to}`, () =>
      assert.equal(rewritten(path, template, from), to));
  }
});

describe('a template is refused', () => {
  const dots =
    'dots, a ; or a capture right beside a capture could make a dot segment; put other text between';
  const table: [template: string, message: string][] = [
    ['x', 'a path begins with /'],
    ['/a*', '* may only stand at the end, as /*'],
    ['/*/a', '* may only stand at the end, as /*'],
    ['/{a', 'braces are for captures, such as {name}; /{a is none'],
    ['/{a-b}', 'braces are for captures, such as {name}; /{a-b} is none'],
    ['/a//b', 'paths are sent in normalised form: write /a/b'],
    ['/{a}/../b', 'paths are sent in normalised form: write /b'],
    ['/{a}{b}', dots],
    ['/.{a}', dots],
    ['/{a}..', dots],
    ['/{a}.{b}', dots],
    ['/x%2F..{a}', dots],
    ['/{a}.;x', dots],
    ['/{a};v=1', dots],
  ];
  for (const [template, message] of table) {
    it(`${template}: ${message}`, () => assert.deepEqual(parseTemplate(template), { ok: false, message }));
  }

  it('when the path lacks a capture', () => {
    assert.throws(() => compileRewrite('/{b}', ['a']), { message: '/{b}: the path does not capture {b}' });
    assert.throws(() => compileRewrite('/*', ['a']), { message: '/*: the path does not capture /*' });
  });
});

it('whatever is captured, the rewritten path is normalised', () => {
  const piece = fc.constantFrom('/', '.', '.', '..', '%2F', '%5C', '%3B', ';', '-', 'x', '{a}', '{b}', '{a}');
  const template = fc
    .tuple(fc.array(piece, { minLength: 1, maxLength: 6 }), fc.boolean())
    .map(([pieces, rest]) => `/${pieces.join('')}${rest ? '/*' : ''}`);
  const segment = fc
    .array(fc.constantFrom('.', '..', '%2F', '%5C', ';', '%3B', 'x'), { minLength: 1, maxLength: 4 })
    .map((pieces) => pieces.join(''));
  let tried = 0;
  fc.assert(
    fc.property(template, segment, segment, segment, (text, a, b, rest) => {
      const path = `/${a}/${b}/${rest}`;
      if (!parseTemplate(text).ok || normalisePath(path) !== path) return;
      tried++;
      const result = rewritten('/{a}/{b}/*', text, path) ?? '';
      assert.equal(normalisePath(result), result, `${text} on ${path}`);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(tried > 200, `only ${tried} were tried`);
});
