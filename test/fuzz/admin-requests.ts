import fc from 'fast-check';
import { isRecord } from '../../src/lib/is-record.ts';

/** A request to the admin port, as node:http sends it. */
export interface AdminFuzz {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

type Schema = Readonly<Record<string, unknown>>;
type Draw = fc.GeneratorValue;

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly schema: Schema;
}

interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
}

export interface AdminDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Deeper, what may be left out is. */
const MAX_DEPTH = 6;

const NAMES = ['a', 'b', 'orders', 'alice', 'web', 'gold', 'idp'] as const;
const HOSTILE = [
  '',
  '.',
  '..',
  '../../etc/passwd',
  '__proto__',
  'constructor',
  'toString',
  '*',
  'a/b',
  'a b',
  'é',
  '123',
  '\u0000',
  '\u{1f600}',
  '\ud800',
  "' OR 1=1 --",
  '"><script>',
  '[redacted]',
  'null',
  '1e999',
  'env:FUZZ_SECRET',
  'env:NOT_SET',
  'file:/nowhere/at/all',
  '{{x}}',
  '%',
  'x'.repeat(300),
  'y'.repeat(20_000),
];
const NUMBERS = [0, -0, -1, 1, 0.5, 65_536, 2 ** 31, 2 ** 53, 1e308, -1e308, 5e-324];

/**
 * Requests made from an OpenAPI document: some right, most somehow wrong. `seeds` are entities that are right, by collection and name;
 * nothing that is made names another machine than this one.
 */
export function adminRequests(
  document: AdminDocument,
  seeds: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): fc.Arbitrary<AdminFuzz> {
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  return fc.gen().map((draw) => {
    const { path, method, operation } = oneOf(draw, operations);
    const name = nameFor(draw, seeds[path.split('/')[2] ?? '']);
    return {
      method: chance(draw, 4) ? oneOf(draw, METHODS) : method,
      path: pathFor(draw, path, name) + queryFor(draw, operation.parameters ?? []),
      headers: headersFor(draw, operation),
      body: bodyFor(draw, document, operation, seeds, path, name),
    };
  });
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'PROPFIND',
  'QUERY',
  'PURGE',
];

function nameFor(draw: Draw, known: Readonly<Record<string, unknown>> = {}): string {
  const names = Object.keys(known);
  if (names.length > 0 && !chance(draw, 4)) return oneOf(draw, names);
  return chance(draw, 2) ? oneOf(draw, NAMES) : oneOf(draw, HOSTILE);
}

function pathFor(draw: Draw, path: string, name: string): string {
  if (chance(draw, 50))
    return oneOf(draw, ['/', '//', '/v1', '/v1/', '/v1//a', '/docs/../v1/routes', '/v1/%zz', '/%00']);
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
    if (parameter === 'number') return chance(draw, 4) ? '999999999999999999999' : String(draw(fc.nat, 30));
    // As it is, it may be no path: then the escapes are the point.
    if (chance(draw, 30)) return oneOf(draw, ['%', '%ff', '%c0%af', '%2e%2e', '%00', 'a%2Fb']);
    return encodeURIComponent(name.toWellFormed());
  });
}

function queryFor(draw: Draw, parameters: readonly Parameter[]): string {
  const pairs = parameters
    .filter((parameter) => parameter.in === 'query' && (parameter.required === true || chance(draw, 4)))
    .map(({ name, schema }) => {
      const value = chance(draw, 3) ? oneOf(draw, HOSTILE) : valueOf(draw, undefined, schema, name, 0);
      return `${name}=${encodeURIComponent(String(value).toWellFormed())}`;
    });
  if (chance(draw, 30))
    pairs.push(oneOf(draw, ['dry-run', 'x=1', 'limit=1&limit=2', '%', '=&=', 'cursor=eA']));
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  'if-match': ['*', '"1"', 'W/"1"', '1', '"', '"a", "b"', '"1.ready"', ',', '""'],
  'if-none-match': ['*', '"1"', 'W/"1"', 'x', '"file-0"'],
  'if-modified-since': ['Thu, 01 Jan 2026 00:00:00 GMT', 'never', '0'],
  'if-unmodified-since': ['Thu, 01 Jan 1970 00:00:00 GMT', 'x'],
  accept: ['application/yaml', 'application/json', '*/*', 'text/html;q=x', 'y'.repeat(2000)],
  'content-encoding': ['gzip', 'identity', 'x'],
  origin: ['https://evil.example', 'null'],
  'sec-fetch-site': ['cross-site', 'none'],
  host: ['evil.example', 'localhost', '127.0.0.1', '[::1]:1', ''],
  authorization: ['Bearer x', 'Basic Og==', 'x'],
  cookie: ['a=b', '='],
  'x-forwarded-for': ['1.2.3.4'],
  'x-http-method-override': ['DELETE'],
  expect: ['100-continue'],
};

function headersFor(draw: Draw, { requestBody }: Operation): Record<string, string> {
  const headers: Record<string, string> = {};
  if (requestBody !== undefined)
    headers['content-type'] = chance(draw, 20)
      ? oneOf(draw, [
          'text/plain',
          'application/x-www-form-urlencoded',
          'application/json; charset=utf-16',
          '',
          'x/y/z',
        ])
      : oneOf(draw, Object.keys(requestBody.content));
  for (const [name, values] of Object.entries(FIELDS))
    if (chance(draw, 25)) headers[name] = oneOf(draw, values);
  return headers;
}

function bodyFor(
  draw: Draw,
  document: AdminDocument,
  { requestBody }: Operation,
  seeds: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  path: string,
  name: string,
): string | undefined {
  if (requestBody === undefined) return chance(draw, 20) ? '{}' : undefined;
  const schema = Object.values(requestBody.content)[0]?.schema ?? {};
  const known = path === '/v1/apply' ? seeds : seeds[path.split('/')[2] ?? ''];
  const seed = path === '/v1/apply' ? known : (known?.[name] ?? Object.values(known ?? {})[0]);
  const kind = draw(fc.nat, 9);
  if (kind === 0) return oneOf(draw, BROKEN);
  if (kind === 1) return JSON.stringify(draw(fc.jsonValue));
  if (kind <= 4 || !isRecord(seed)) return JSON.stringify(valueOf(draw, document, schema, '', 0)) ?? '';
  const right = path.endsWith('}') || path === '/v1/apply' ? seed : { name, ...seed };
  return JSON.stringify(kind <= 7 ? right : mutated(draw, right));
}

const BROKEN = [
  '',
  '{',
  '[',
  '"',
  '{"a":1,"a":2}',
  '{"__proto__":{}}',
  '{"constructor":{"prototype":{}}}',
  'null',
  '0',
  '{"a":1}x',
  '{"a":1e999}',
  '\ufeff{}',
  `${'['.repeat(5000)}${']'.repeat(5000)}`,
  `${'{"a":'.repeat(100)}1${'}'.repeat(100)}`,
  'a: &a [*a, *a]',
  '{"url":"\\ud800"}',
  `"${'z'.repeat(70_000)}"`,
];

/** With one thing changed, taken out or put in, somewhere. */
function mutated(draw: Draw, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && !chance(draw, 4)) {
    const at = draw(fc.nat, value.length - 1);
    return value.map((entry: unknown, index) => (index === at ? mutated(draw, entry) : entry));
  }
  if (!isRecord(value) || chance(draw, 6)) return hostileValue(draw);
  const names = Object.keys(value);
  if (names.length === 0 || chance(draw, 5)) return { ...value, [oneOf(draw, HOSTILE)]: hostileValue(draw) };
  const name = oneOf(draw, names);
  const { [name]: changed, ...others } = value;
  return chance(draw, 4) ? others : { ...value, [name]: mutated(draw, changed) };
}

function hostileValue(draw: Draw): unknown {
  return oneOf(draw, [
    ...HOSTILE,
    ...NUMBERS,
    null,
    true,
    [],
    {},
    [[[[[[[[]]]]]]]],
    [null],
    { a: { b: { c: 'env:FUZZ_SECRET' } } },
    Array.from({ length: 2000 }, (_, index) => index),
  ]);
}

/** Something that a schema has, mostly. */
function valueOf(draw: Draw, document: unknown, schema: Schema, name: string, depth: number): unknown {
  const { $ref } = schema;
  if (typeof $ref === 'string') return valueOf(draw, document, resolved(document, $ref), name, depth);
  if (depth > 0 && chance(draw, 60)) return hostileValue(draw);
  const branches = schema['anyOf'] ?? schema['oneOf'] ?? schema['allOf'];
  if (Array.isArray(branches)) return valueOf(draw, document, oneOf(draw, branches as Schema[]), name, depth);
  if (Array.isArray(schema['enum'])) return oneOf(draw, schema['enum']);
  if ('const' in schema) return schema['const'];
  switch (schema['type']) {
    case 'object':
      return objectOf(draw, document, schema, depth);
    case 'array': {
      const items = isRecord(schema['items']) ? schema['items'] : {};
      const length = depth >= MAX_DEPTH ? 0 : draw(fc.nat, 3);
      return Array.from({ length }, () => valueOf(draw, document, items, name, depth + 1));
    }
    case 'integer':
    case 'number':
      return chance(draw, 5) ? oneOf(draw, NUMBERS) : draw(fc.nat, 1000);
    case 'boolean':
      return draw(fc.boolean);
    default:
      return textOf(draw, name);
  }
}

function objectOf(draw: Draw, document: unknown, schema: Schema, depth: number): Record<string, unknown> {
  const { properties, additionalProperties, required, maxProperties } = schema;
  const known = isRecord(properties) ? Object.entries(properties) : [];
  const needed = Array.isArray(required) ? (required as string[]) : [];
  const made: Record<string, unknown> = {};
  // Policies: one alone of many.
  const some =
    typeof maxProperties === 'number' && known.length > 0
      ? [oneOf(draw, known)]
      : known.filter(([name]) => needed.includes(name) || (depth < MAX_DEPTH && chance(draw, 4)));
  for (const [name, entry] of some)
    made[name] = valueOf(draw, document, isRecord(entry) ? entry : {}, name, depth + 1);
  if (isRecord(additionalProperties) && depth < MAX_DEPTH)
    for (let count = draw(fc.nat, 2); count > 0; count--)
      made[oneOf(draw, NAMES)] = valueOf(draw, document, additionalProperties, '', depth + 1);
  return made;
}

const TEXTS = [
  'a',
  'orders',
  'alice',
  'gold',
  '/orders/*',
  '/a/{id}',
  'GET',
  'api.example.com',
  '10s',
  '1mb',
  '100/min',
  'x-a',
  'http://127.0.0.1:1',
  '10.0.0.0/8',
  'Europe/Zurich',
];

function textOf(draw: Draw, name: string): string {
  // What names a server is of this machine: a service, or where its targets are asked for.
  if (/url|issuer|endpoint|nodes|server|address/i.test(name)) return 'http://127.0.0.1:1';
  if (chance(draw, 8)) return oneOf(draw, HOSTILE);
  return chance(draw, 8) ? draw(fc.string) : oneOf(draw, TEXTS);
}

function resolved(document: unknown, pointer: string): Schema {
  const found = pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), document);
  return isRecord(found) ? found : {};
}

function chance(draw: Draw, of: number): boolean {
  return draw(fc.nat, of - 1) === 0;
}

function oneOf<Item>(draw: Draw, items: readonly Item[]): Item {
  return items[draw(fc.nat, items.length - 1)] as Item;
}
