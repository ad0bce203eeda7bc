import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pathsOfRegex } from './regex-paths.ts';

/** `wider` as `+`, `narrower` as `-`, `bare` as `/` behind the path. */
function shown(regex: string): string[] | undefined {
  return pathsOfRegex(regex)?.map(
    ({ path, wider, narrower, bare }) =>
      path + (wider ? ' +' : '') + (narrower ? ' -' : '') + (bare ? ' /' : ''),
  );
}

describe('A regular expression becomes', () => {
  const table: readonly (readonly [regex: string, paths: readonly string[] | undefined])[] = [
    ['^/status$', ['/status']],
    ['/status', ['/status/* -']],
    ['/status/', ['/status/* /']],
    ['/.*', ['/*']],
    ['/files/.*', ['/files/* /']],
    ['/files/.+', ['/files/* + /']],
    ['^/files/(.+)$', ['/files/* + /']],
    ['^/files/(.*)$', ['/files/* /']],
    ['^/api/projects/(?P<id>[^/]+)/?(.*)$', ['/api/projects/{id}/*']],
    ['/users/(?<id>[^/]+)$', ['/users/{id}']],
    [String.raw`/users/(?<id>\d+)$`, ['/users/{id} +']],
    [String.raw`/users/\d+/orders/[a-z0-9-]+$`, ['/users/{p1}/orders/{p2} +']],
    ['/users/[0-9]{1,8}$', ['/users/{p1} +']],
    ['/(v1|v2)/orders$', ['/v1/orders', '/v2/orders']],
    ['/(?:v4/)?projects$', ['/projects', '/v4/projects']],
    [String.raw`/a\.json$`, ['/a.json']],
    ['/a/?$', ['/a', '/a/']],
    // What a path cannot say.
    [String.raw`/img-\d+\.png$`, undefined],
    ['/a/[^/]+x$', undefined],
    ['/a.b$', undefined],
    ['/a/(?!b).*', undefined],
    ['(?i)/a', undefined],
    ['/a/.*/b$', undefined],
    ['/a|/b', undefined],
    ['/(a+)+$', undefined],
    ['/a/[^/]*$', undefined],
    ['no/slash', undefined],
    ['/a/(', undefined],
    ['/a/)', undefined],
    ['/%2f$', undefined],
    [`/${'(a|b)'.repeat(10)}$`, undefined],
    [`/${'('.repeat(3000)}`, undefined],
    ['/a'.repeat(5000), undefined],
  ];
  for (const [regex, paths] of table) {
    it(`${regex.slice(0, 60)}: ${paths?.join(', ') ?? 'nothing'}`, () =>
      assert.deepEqual(shown(regex), paths));
  }
});
