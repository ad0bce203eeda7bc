import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { keyDigest } from '../../identity/consumers/api-keys.ts';
import { imported, refusal } from './import.support.ts';
import { guessKind } from './import-document.ts';
import { parseDottedPath } from './settle.ts';

describe('The kind of a document', () => {
  const table: readonly (readonly [document: Readonly<Record<string, unknown>>, kind: string | undefined])[] =
    [
      [{ _format_version: '3.0' }, 'kong'],
      [{ openapi: '3.0.0' }, 'openapi'],
      [{ 'a(/)?': { endpoint: 'x' } }, 'renku'],
      [{}, undefined],
      [{ routes: {} }, undefined],
    ];
  for (const [document, kind] of table)
    it(`of ${JSON.stringify(document)} is ${kind ?? 'not guessed'}`, () =>
      assert.equal(guessKind(document), kind));
});

it('The example in the documentation is what comes out', async () => {
  const page = readFileSync(new URL('../../../docs/import.md', import.meta.url), 'utf8');
  const [document = '', configuration = ''] = Array.from(
    page.matchAll(/```yaml\n([\s\S]*?)```/g),
    ([, text]) => text ?? '',
  );
  const { result } = await imported(document, { file: 'kong.yaml' });
  assert.equal(result.yaml, configuration.replace(/^# example: .*\n/, ''));
});

describe('A hostile document is refused:', () => {
  const table: readonly (readonly [title: string, text: string, expected: RegExp])[] = [
    ['one that is no data', '{', /^1:\d+ /],
    ['one that is no map', '- a\n', /^1:1 the document is not a map/],
    [
      'one with a repeated key',
      '_format_version: "3.0"\nservices: []\nservices: []\n',
      /^3:1 the key "services" is there twice/,
    ],
    [
      'one of many aliases',
      `a: &a [x, x, x, x, x, x, x, x, x, x]\n${'bcdefgh'
        .split('')
        .map(
          (name, index) =>
            `${name}: &${name} [${Array.from({ length: 10 }, () => `*${'abcdefg'[index]}`).join(', ')}]\n`,
        )
        .join('')}`,
      /alias/,
    ],
    [
      'one that holds itself',
      '_format_version: "3.0"\nservices: &s [{ name: a, routes: *s }]\n',
      /^\d+:\d+ /,
    ],
    ['one that is nested deep, in JSON', `{"openapi":${'['.repeat(5000)}${']'.repeat(5000)}}`, /^1:\d+ /],
    ['one that is nested deep, in YAML', `openapi: ${'['.repeat(20_000)}`, /^1:\d+ /],
    ['one that says nothing of what it is', 'a: 1\n', /say openapi, kong, renku$/],
    ['one that is larger than 16 MiB', `a: ${'x'.repeat(17 * 1024 * 1024)}`, /larger than 16 MiB$/],
  ];
  for (const [title, text, expected] of table) {
    it(title, async () => {
      const [first = ''] = await refusal(text);
      assert.match(first, expected);
    });
  }
});

it('Names that the configuration does not take, or that are taken, are changed', async () => {
  const route = (path: string) => ({ name: 'ä b/../c', paths: [path] });
  const made = await imported(
    JSON.stringify({
      _format_version: '3.0',
      services: [{ name: '7', url: 'http://a', routes: [route('/a'), route('/b')] }],
    }),
  );
  assert.deepEqual(Object.keys(made.written['services'] ?? {}), ['n7']);
  assert.deepEqual(Object.keys(made.written['routes'] ?? {}), ['b-..-c', 'b-..-c-2']);
});

it('What a document calls things writes no line of its own into a comment or the configuration', async () => {
  const made = await imported(
    JSON.stringify({
      _format_version: '3.0',
      consumers: [{ username: 'a\nroutes: {}\n# x', keyauth_credentials: [{ key: 'k'.repeat(20) }] }],
    }),
  );
  assert.deepEqual(made.written, {
    consumers: { 'a\nroutes: {}\n# x': { apiKeys: [{ hash: `sha256:${keyDigest('k'.repeat(20))}` }] } },
  });
});

it('The way to a problem is read back', () => {
  assert.deepEqual(parseDottedPath('routes["a.b \\"c"].match.paths[0]'), [
    'routes',
    'a.b "c',
    'match',
    'paths',
    0,
  ]);
});

it('Whatever a document of Kong holds, what comes of it loads, and no key of a consumer is in it', async () => {
  const word = fc.constantFrom(
    'a',
    'b',
    'x-y',
    '',
    '*',
    '/a',
    '~/a/(',
    '{',
    '$',
    '-1',
    '10.0.0.0/8',
    '::',
    'a b',
    'ä',
    '${x}',
  );
  const value = fc.oneof(
    word,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(word, { maxLength: 2 }),
    fc.dictionary(word, word, { maxKeys: 2 }),
  );
  const some = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), value, { maxKeys: 5 });
  const plugin = fc.record(
    {
      name: fc.constantFrom(
        'cors',
        'acl',
        'key-auth',
        'jwt',
        'rate-limiting',
        'ip-restriction',
        'request-transformer',
        'request-termination',
        'correlation-id',
        'bot-detection',
        'unknown',
      ),
      config: some([
        'origins',
        'allow',
        'deny',
        'minute',
        'second',
        'headers',
        'add',
        'remove',
        'status_code',
        'body',
        'key_names',
        'limit_by',
        'header_name',
        'max_age',
        'credentials',
        'anonymous',
      ]),
    },
    { requiredKeys: ['name'] },
  );
  const route = fc
    .tuple(
      some([
        'name',
        'paths',
        'hosts',
        'methods',
        'headers',
        'protocols',
        'strip_path',
        'regex_priority',
        'preserve_host',
        'snis',
      ]),
      fc.array(plugin, { maxLength: 2 }),
    )
    .map(([fields, plugins]) => ({ ...fields, plugins }));
  const service = fc
    .tuple(
      some(['name', 'host', 'port', 'path', 'protocol', 'retries', 'connect_timeout', 'read_timeout']),
      fc.array(route, { maxLength: 3 }),
    )
    .map(([fields, routes]) => ({ url: 'http://a.internal', ...fields, routes }));
  const KEY = 'a-key-that-nobody-may-see';
  const consumer = some(['username', 'custom_id', 'acls', 'basicauth_credentials', 'jwt_secrets']).map(
    (fields) => ({ ...fields, keyauth_credentials: [{ key: KEY }] }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(service, { maxLength: 2 }),
      fc.array(plugin, { maxLength: 2 }),
      fc.array(consumer, { maxLength: 2 }),
      async (services, plugins, consumers) => {
        const { result } = await imported(
          JSON.stringify({ _format_version: '3.0', services, plugins, consumers }),
        );
        assert.ok(!JSON.stringify([result.yaml, result.findings]).includes(KEY));
      },
    ),
    { numRuns: 60 },
  );
});
