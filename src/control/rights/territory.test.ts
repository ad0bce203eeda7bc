import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { compileRouter } from '../../routing/compile.ts';
import { randomRequest, randomRoutes, requestOf, routesOf } from '../../routing/random-routes.support.ts';
import type { RoutedRequest } from '../../routing/types.ts';
import { findTrespasses, type OwnedRoute } from './territory.ts';

type Claimed = readonly [organization: string, match: Readonly<Record<string, unknown>>];

function owned(claims: readonly Claimed[]): OwnedRoute[] {
  const configs = Object.fromEntries(claims.map(([, match], index) => [`r${index}`, { match }]));
  return routesOf(configs).map((route, index) => ({
    ...route,
    organization: claims[index]?.[0] || undefined,
  }));
}

describe('Hosts and paths of two organizations', () => {
  const META: readonly [title: string, claims: readonly Claimed[], example: string | undefined][] = [
    [
      'may lie beside each other',
      [
        ['acme', { paths: ['/a/*'] }],
        ['globex', { paths: ['/b/*'] }],
      ],
      undefined,
    ],
    [
      'may not be the same',
      [
        ['acme', { paths: ['/a'] }],
        ['globex', { paths: ['/a'] }],
      ],
      'GET https://example.com/a',
    ],
    [
      'may be the same on different hosts',
      [
        ['acme', { hosts: ['a.test'], paths: ['/a'] }],
        ['globex', { hosts: ['b.test'], paths: ['/a'] }],
      ],
      undefined,
    ],
    [
      'may be the same within one organization',
      [
        ['acme', { paths: ['/a'] }],
        ['acme', { paths: ['/a'] }],
      ],
      undefined,
    ],
    [
      'may not be one within the other: a prefix and a path',
      [
        ['acme', { paths: ['/a/*'] }],
        ['globex', { paths: ['/a/b/c'] }],
      ],
      'GET https://example.com/a/b/c',
    ],
    [
      'may not be one within the other: two prefixes',
      [
        ['acme', { paths: ['/a/b/*'] }],
        ['globex', { paths: ['/a/*'] }],
      ],
      'GET https://example.com/a/b/any',
    ],
    [
      'may not be one within the other: a prefix and where it begins',
      [
        ['acme', { paths: ['/a/*'] }],
        ['globex', { paths: ['/a'] }],
      ],
      'GET https://example.com/a',
    ],
    [
      'may not meet by a capture',
      [
        ['acme', { paths: ['/{x}/b'] }],
        ['globex', { paths: ['/a/{y}'] }],
      ],
      'GET https://example.com/a/b',
    ],
    [
      'may not meet by a capture and a prefix',
      [
        ['acme', { paths: ['/{x}/b'] }],
        ['globex', { paths: ['/a/*'] }],
      ],
      'GET https://example.com/a/b',
    ],
    [
      'do not meet where a capture would take nothing',
      [
        ['acme', { paths: ['/a/{x}'] }],
        ['globex', { paths: ['/a/'] }],
      ],
      undefined,
    ],
    [
      'may not meet on a wildcard host',
      [
        ['acme', { hosts: ['*.a.test'], paths: ['/a'] }],
        ['globex', { hosts: ['b.a.test'], paths: ['/a'] }],
      ],
      'GET https://b.a.test/a',
    ],
    [
      'may not meet on wildcard hosts within each other',
      [
        ['acme', { hosts: ['*.test'], paths: ['/a'] }],
        ['globex', { hosts: ['*.a.test'], paths: ['/a'] }],
      ],
      'GET https://any.a.test/a',
    ],
    [
      'may not meet where one has no host',
      [
        ['acme', { paths: ['/a/*'] }],
        ['globex', { hosts: ['b.test'], paths: ['/a/b'] }],
      ],
      'GET https://b.test/a/b',
    ],
    [
      'may not meet where one has no path',
      [
        ['acme', { hosts: ['b.test'] }],
        ['globex', { hosts: ['b.test'], paths: ['/a'] }],
      ],
      'GET https://b.test/a',
    ],
    [
      'are not divided by methods',
      [
        ['acme', { paths: ['/a'], methods: ['GET'] }],
        ['globex', { paths: ['/a'], methods: ['POST'] }],
      ],
      'GET https://example.com/a',
    ],
    [
      'are not divided by header fields',
      [
        ['acme', { paths: ['/a'], headers: { x: '1' } }],
        ['globex', { paths: ['/a'] }],
      ],
      "GET https://example.com/a -H 'x: 1'",
    ],
    [
      'may not meet what belongs to none',
      [
        ['', { paths: ['/a/*'] }],
        ['acme', { paths: ['/a/b'] }],
      ],
      'GET https://example.com/a/b',
    ],
    [
      'may lie before what belongs to none and takes every path',
      [
        ['', { paths: ['/*'] }],
        ['', {}],
        ['acme', { paths: ['/a/b'] }],
      ],
      undefined,
    ],
    [
      'may lie before what belongs to none and takes every path of a host',
      [
        ['', { hosts: ['a.test'], paths: ['/*'] }],
        ['acme', { hosts: ['a.test'], paths: ['/a/*'] }],
        ['globex', { hosts: ['a.test'], paths: ['/b/*'] }],
      ],
      undefined,
    ],
    [
      'may not take every path of such a host, too',
      [
        ['', { hosts: ['a.test'] }],
        ['acme', { hosts: ['*.test'], paths: ['/*'] }],
      ],
      'GET https://a.test/any',
    ],
    [
      'may not take nearly every path of such a host',
      [
        ['', { hosts: ['a.test'], paths: ['/*'] }],
        ['acme', { hosts: ['a.test'], paths: ['/{x}/*'] }],
      ],
      'GET https://a.test/any/any',
    ],
    [
      'may not be below /.well-known/ of a host of which others have a part',
      [
        ['acme', { hosts: ['a.test'], paths: ['/.well-known/security.txt'] }],
        ['globex', { hosts: ['*.test'], paths: ['/b'] }],
      ],
      'GET https://a.test/.well-known/security.txt',
    ],
    [
      'may not be below /.well-known/ of a host that belongs to none',
      [
        ['acme', { hosts: ['a.test'], paths: ['/.well-known/acme-challenge/*'] }],
        ['', { hosts: ['a.test'], paths: ['/*'] }],
      ],
      'GET https://a.test/.well-known/acme-challenge/any',
    ],
    [
      'may not reach below /.well-known/ by captures',
      [
        ['acme', { hosts: ['a.test'], paths: ['/{x}/{y}/{z}'] }],
        ['globex', { hosts: ['a.test'], paths: ['/b'] }],
      ],
      'GET https://a.test/.well-known/acme-challenge/any',
    ],
    [
      'may be below /.well-known/ of a host of their own',
      [
        ['acme', { hosts: ['a.test'], paths: ['/.well-known/*', '/a'] }],
        ['globex', { hosts: ['b.test'], paths: ['/b'] }],
      ],
      undefined,
    ],
    [
      'of none concern nobody',
      [
        ['', { paths: ['/a/*'] }],
        ['', { paths: ['/a/b'] }],
      ],
      undefined,
    ],
  ];
  for (const [title, claims, example] of META)
    it(title, () => {
      const found = findTrespasses(owned(claims));
      assert.equal(found[0]?.example, example);
      // Whichever stands first in the configuration.
      assert.equal(findTrespasses(owned(claims.toReversed())).length > 0, example !== undefined);
    });

  describe('without hosts', () => {
    const prefixes = [
      { organization: 'acme', prefix: '/acme' },
      { organization: 'globex', prefix: '/shops/globex' },
      { organization: 'initech', prefix: '/' },
    ];
    const table: readonly (readonly [
      title: string,
      claims: readonly Claimed[],
      example: string | undefined,
    ])[] = [
      ['may lie below the own prefix', [['acme', { paths: ['/acme', '/acme/a/*'] }]], undefined],
      ['may lie below none', [['acme', { paths: ['/other/*'] }]], undefined],
      ['may lie beside one', [['acme', { paths: ['/shops/other/*'] }]], undefined],
      [
        'may not lie below that of another',
        [['acme', { paths: ['/shops/globex/cart'] }]],
        'GET https://example.com/shops/globex/cart',
      ],
      ['may not be that of another', [['initech', { paths: ['/acme'] }]], 'GET https://example.com/acme'],
      [
        'may not take it among others',
        [['acme', { paths: ['/shops/*'] }]],
        'GET https://example.com/shops/globex',
      ],
      ['may not take everything', [['acme', {}]], 'GET https://example.com/shops/globex'],
      [
        'are on a named host what they are',
        [['acme', { hosts: ['a.test'], paths: ['/shops/globex/*'] }]],
        undefined,
      ],
      ['that belong to none are where they are', [['', { paths: ['/acme/legacy'] }]], undefined],
    ];
    for (const [title, claims, example] of table)
      it(title, () => {
        const found = findTrespasses(
          [...owned(claims), ...owned([['acme', { hosts: ['x.test'], paths: ['/x'] }]])],
          prefixes,
        );
        assert.deepEqual(
          found.map((each) => [each.kind, each.example]),
          example === undefined ? [] : [['prefix', example]],
        );
      });
  });

  it('are told for every route that meets one, once', () => {
    const found = findTrespasses(
      owned([
        ['acme', { paths: ['/a', '/b'] }],
        ['globex', { paths: ['/a', '/b'] }],
      ]),
    );
    assert.deepEqual(
      found.map(({ route, other }) => [route.name, ...other]),
      [
        ['r0', 'routes', 'r1'],
        ['r1', 'routes', 'r0'],
      ],
    );
  });

  it('are found among 5,000 within half a second of a processor', () => {
    const claims = Array.from({ length: 5000 }, (_, index): Claimed => {
      const organization = `o${index % 100}`;
      const paths = [`/${organization}/api-${index}/*`, `/${organization}/{x}/api-${index}`];
      return [organization, index % 3 === 0 ? { paths, hosts: [`h${index}.test`, '*.all.test'] } : { paths }];
    });
    const routes = owned(claims);
    const before = process.cpuUsage();
    assert.deepEqual(findTrespasses(routes), []);
    const { user } = process.cpuUsage(before);
    assert.ok(user < 500_000, `${user / 1000} ms`);
  });
});

describe('for whatever routes and owners', () => {
  const owners = fc.array(fc.constantFrom('acme', 'globex'), { minLength: 12, maxLength: 12 });
  /** By host and path alone. */
  const bare = (route: OwnedRoute): OwnedRoute => ({
    ...route,
    config: { priority: 0, match: { hosts: route.config.match.hosts, paths: route.config.match.paths } },
  });
  const takes = (routes: readonly OwnedRoute[], request: RoutedRequest): boolean =>
    compileRouter(routes.map((route) => ({ ...bare(route), value: true }))).match(request, []) !== undefined;

  it('what is not told meets nowhere, and what is told meets at its example', () => {
    fc.assert(
      fc.property(
        randomRoutes(5),
        owners,
        fc.array(randomRequest, { minLength: 1, maxLength: 20 }),
        (routes, names, requests) => {
          const all = routes.map((route, index): OwnedRoute => ({ ...route, organization: names[index] }));
          const found = findTrespasses(all);
          for (const { route, kind, other, example } of found) {
            const request = requestOf(example.split(' -H ', 1)[0] as string);
            const met = all.filter(({ name }) => name === other[1]);
            assert.ok(takes([route], request), example);
            assert.equal(takes(met, request), kind === 'path', example);
            assert.notEqual(route.organization, met[0]?.organization);
          }
          const of = (name: string) => all.filter(({ organization }) => organization === name);
          if (found.length === 0)
            for (const request of requests)
              assert.ok(
                !(takes(of('acme'), request) && takes(of('globex'), request)),
                JSON.stringify(request),
              );
        },
      ),
      { numRuns: 1000 },
    );
  });
});
