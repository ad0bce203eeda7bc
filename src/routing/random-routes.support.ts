import fc from 'fast-check';
import { Fields } from '../http/fields.ts';
import { routeSchema } from './schema.ts';
import type { NamedRoute, RoutedRequest } from './types.ts';

// Routes and requests for the tests of this folder. The alphabets are small, so that random routes collide.

/** Routes by name, as the configuration has them, with a service filled in. */
export function routesOf(routes: Readonly<Record<string, Readonly<Record<string, unknown>>>>): NamedRoute[] {
  return Object.entries(routes).map(([name, config]) => ({
    name,
    config: routeSchema.parse({ service: 'backend', ...config }),
  }));
}

/** A request such as `GET https://a.test/a?q=1` with headers. */
export function requestOf(line: string, headers: Readonly<Record<string, string>> = {}): RoutedRequest {
  const parts = /^(\S+) (https?):\/\/([^/:]*)(?::\d+)?(\/[^?]*)(\?.*)?$/.exec(line);
  if (!parts) throw new Error(`not a request: ${line}`);
  const [, method = '', scheme, host = '', path = '', search = ''] = parts;
  return { method, scheme: scheme as 'http' | 'https', host, path, search, fields: Fields.from(headers) };
}

const segment = fc.constantFrom('a', 'b', '{}');
const path = fc
  .tuple(fc.array(segment, { maxLength: 3 }), fc.constantFrom('', '', '/', '/*', '/*'))
  .map(([segments, ending]) => {
    const body = segments.map((text, index) => `/${text === '{}' ? `{s${index}}` : text}`).join('');
    return body + ending || '/';
  });
const value = fc.oneof(
  fc.constantFrom('1', '2', '12'),
  fc.constantFrom<{ prefix: string } | { present: boolean }>(
    { prefix: '1' },
    { present: true },
    { present: false },
  ),
);
const conditions = (names: string[]) => fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 2 });
// Absent in half of the cases.
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 });

const HOSTS = ['a.test', 'b.a.test', '*.a.test', '*.b.a.test', '*.test'];

const config = fc.record({
  match: fc.record({
    hosts: rarely(fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 2 })),
    paths: fc.option(fc.uniqueArray(path, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 6 }),
    methods: rarely(
      fc.uniqueArray(fc.constantFrom('GET', 'HEAD', 'POST', 'OPTIONS'), { minLength: 1, maxLength: 2 }),
    ),
    headers: rarely(conditions(['h', 'i'])),
    query: rarely(conditions(['p', 'q'])),
    protocols: rarely(fc.uniqueArray(fc.constantFrom('http', 'https'), { minLength: 1, maxLength: 2 })),
  }),
  priority: fc.constantFrom(0, 0, 0, 0, 1, -1),
});

/** Up to `maxLength` routes: r0, r1, ... */
export function randomRoutes(maxLength: number): fc.Arbitrary<NamedRoute[]> {
  return fc
    .array(config, { minLength: 1, maxLength })
    .map((configs) => routesOf(Object.fromEntries(configs.map((each, index) => [`r${index}`, each]))));
}

const requestPath = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'a%2Fb'), { maxLength: 4 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join('/')}${slash && segments.length > 0 ? '/' : ''}`);
const sent = fc.constantFrom('1', '2', '12', '');

export const randomRequest: fc.Arbitrary<RoutedRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'),
    scheme: fc.constantFrom('http', 'https'),
    host: fc.constantFrom('a.test', 'b.a.test', 'c.b.a.test', 'c.test', 'test', '.a.test', ''),
    path: requestPath,
    search: fc
      .array(
        fc.tuple(
          fc.constantFrom('p', 'q', 'pq', '%70', ''),
          fc.constantFrom('=1', '=2', '=12', '=%31', '=', '', '=1=2'),
        ),
        { maxLength: 3 },
      )
      .map((pairs) => (pairs.length === 0 ? '' : `?${pairs.map((pair) => pair.join('')).join('&')}`)),
    headers: fc.dictionary(fc.constantFrom('h', 'i'), sent),
    preflight: fc.option(
      fc.record(
        {
          Origin: fc.constant('https://app.test'),
          'Access-Control-Request-Method': fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'OPTIONS'),
        },
        { requiredKeys: [] },
      ),
      { nil: {} },
    ),
  })
  .map(
    ({ headers, preflight, ...rest }): RoutedRequest => ({
      ...rest,
      fields: Fields.from({ ...headers, ...preflight }),
    }),
  );
