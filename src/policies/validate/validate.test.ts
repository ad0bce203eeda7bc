import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { exchangeFor, type RequestDescription } from '../../../test/support/exchange.ts';
import type { Answer } from '../../policy/contract.ts';
import { compilePolicies, validatePolicyUse } from '../compile.ts';

const counted: string[] = [];
const told: string[] = [];
const compile = (options: unknown) =>
  compilePolicies([{ name: 'validate', options }], {
    route: 'r',
    warn: (message) => told.push(message),
    policyEvent: (_, event) => counted.push(event),
  });

interface Asked extends Omit<RequestDescription, 'bodyLength'> {
  readonly body?: string | Buffer;
}

/** What the policy answers to a request; undefined when it passes. */
async function answerTo(options: unknown, { body, ...request }: Asked): Promise<Answer | undefined> {
  const policies = await compile(options);
  const octets = Buffer.from(body ?? '');
  const exchange = exchangeFor({ ...request, bodyLength: octets.length });
  const head = (await policies.onRequest[0]?.hooks.onRequest(exchange)) ?? undefined;
  if (head !== undefined || octets.length === 0) return head;
  return policies.onRequestBody[0]?.hooks.onRequestBody(exchange, octets) ?? undefined;
}

/** Lines `place path: reason`, or the status and code of another answer than that; empty when it passes. */
async function verdict(options: unknown, asked: Asked): Promise<readonly string[]> {
  const answer = await answerTo(options, asked);
  if (answer === undefined) return [];
  if (answer.code !== 'invalid_request') return [`${answer.status} ${answer.code}`];
  assert.equal(answer.status, 400);
  const errors = answer.problem?.['errors'] as readonly { in: string; path: string; reason: string }[];
  return errors.map((error) => `${error.in} ${error.path}: ${error.reason}`);
}

const PET = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1 },
    age: { type: 'integer', minimum: 0 },
    email: { type: 'string', format: 'email' },
    tags: { type: 'array', items: { type: 'string', pattern: '^[a-z]+$' } },
  },
  additionalProperties: false,
};

suite('validate: a body of JSON', () => {
  const options = { body: { content: { 'application/json': { schema: PET } } } };
  for (const [title, body, expected] of [
    ['that fits passes', '{"name":"Rex","age":3,"tags":["a"],"email":"a@example.com"}', []],
    [
      'has all its errors listed',
      '{"age":-1,"tags":["a","B"],"a/b":1}',
      [
        "body : must have required property 'name'",
        'body /a~1b: is not known here',
        'body /age: must be >= 0',
        'body /tags/1: must match pattern "^[a-z]+$"',
      ],
    ],
    ['has its format checked', '{"name":"Rex","email":"x"}', ['body /email: must match format "email"']],
    ['of another type than the schema’s is refused', '[]', ['body : must be object']],
    ['that is not JSON is refused', '{"name":"Rex"', ['body /name: is not JSON, at octet 13']],
    ['with a key twice is refused', '{"name":"Rex","name":""}', ['body /name: stands twice in its object']],
    [
      'with __proto__ is refused',
      '{"name":"Rex","__proto__":{}}',
      ['body /__proto__: is a key that is not allowed'],
    ],
    ['that is not UTF-8 is refused', Buffer.from('{"name":"\xff"}', 'latin1'), ['body : is not UTF-8']],
  ] as const) {
    test(title, async () => {
      const headers = { 'Content-Type': 'application/json; charset=utf-8' };
      assert.deepEqual(await verdict(options, { method: 'POST', headers, body }), expected);
    });
  }

  test('and a form are held against the schema of a range that takes them', async () => {
    for (const range of ['application/*', '*/*']) {
      const described = { body: { content: { [range]: { schema: PET } } } };
      for (const [type, body] of [
        ['application/json', '{"name":"Rex","age":-1}'],
        ['application/x-www-form-urlencoded', 'name=Rex&age=-1'],
      ] as const)
        assert.deepEqual(await verdict(described, { headers: { 'Content-Type': type }, body }), [
          'body /age: must be >= 0',
        ]);
    }
  });

  test('has numbers held against their bounds, also those beyond a double', async () => {
    const described = { body: { content: { 'application/json': { schema: { maximum: 9 } } } } };
    const headers = { 'Content-Type': 'application/json' };
    assert.deepEqual(await verdict(described, { headers, body: '10' }), ['body : must be <= 9']);
    assert.deepEqual(await verdict(described, { headers, body: '1e999' }), [
      'body : is a number that is too large',
    ]);
  });

  test('has multiples told as they are written, whatever a division makes of them', async () => {
    const asked = (multipleOf: number, body: string) =>
      verdict(
        { body: { content: { 'application/json': { schema: { multipleOf } } } } },
        { headers: { 'Content-Type': 'application/json' }, body },
      );
    for (const text of ['19.99', '0.07', '-4.35', '12345678.91', '0', '3'])
      assert.deepEqual(await asked(0.01, text), [], text);
    for (const text of ['19.991', '0.015', '12345678.915'])
      assert.deepEqual(await asked(0.01, text), ['body : must be multiple of 0.01'], text);
    assert.deepEqual(await asked(2, '9007199254740990'), []);
    assert.deepEqual(await asked(2, '4503599627370497'), ['body : must be multiple of 2']);
  });

  test('has no more errors listed than asked for', async () => {
    const body = JSON.stringify({ name: 'Rex', tags: Array.from({ length: 50 }, () => 'B') });
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await verdict({ ...options, errors: 3 }, { headers, body })).length, 3);
  });

  test('that is large has its first error listed only', async () => {
    const body = JSON.stringify({ name: 'Rex', tags: Array.from({ length: 5000 }, () => 'B') });
    const headers = { 'Content-Type': 'application/json' };
    assert.equal((await verdict(options, { headers, body })).length, 1);
  });

  test('has nothing of it in the errors but names, which are cut', async () => {
    const secret = 'x'.repeat(5000);
    const headers = { 'Content-Type': 'application/json' };
    const errors = await verdict(options, { headers, body: `{"name":1,"${secret}":"${secret}"}` });
    assert.ok(errors.length === 2 && errors.every((error) => error.length < 300));
  });

  for (const [limits, body, reason] of [
    [{ depth: 2 }, '[[[]]]', 'is nested deeper than 2 levels'],
    [{ keys: 1 }, '{"a":1,"b":2}', 'has more than 1 keys in all'],
    [{ items: 1 }, '[1,2]', 'has more than 1 values in a list'],
    [{ string: '2b' }, '["abc"]', 'has a string of more than 2 octets'],
  ] as const) {
    test(`beyond ${JSON.stringify(limits)} is refused also without a schema`, async () => {
      const free = { body: { content: { '*/*': {} } }, json: limits };
      const [error] = await verdict(free, { headers: { 'Content-Type': 'a/b+json' }, body });
      assert.ok(error?.endsWith(reason), error);
    });
  }

  test('is held against a pattern that would stall a backtracking engine', async () => {
    const schema = { type: 'string', pattern: '^(a+)+$' };
    const body = JSON.stringify(`${'a'.repeat(50_000)}!`);
    const headers = { 'Content-Type': 'application/json' };
    const evil = { body: { content: { 'application/json': { schema } } } };
    assert.deepEqual(await verdict(evil, { headers, body }), ['body : must match pattern "^(a+)+$"']);
  });

  test('has its items compared, and its formats checked, in a time that it does not choose', async () => {
    const headers = { 'Content-Type': 'application/json' };
    const asked = (schema: object, value: unknown) =>
      verdict(
        { body: { content: { 'application/json': { schema } } }, json: { items: 100_000, keys: 100_000 } },
        { headers, body: JSON.stringify(value) },
      );
    const items = Array.from({ length: 30_000 }, (_, i) => ({ a: i, b: 1 }));
    const unique = { type: 'array', uniqueItems: true };
    const started = performance.now();
    assert.deepEqual(await asked(unique, items), []);
    assert.deepEqual(await asked(unique, [...items, { b: 1, a: 7 }]), [
      'body : must NOT have the same item twice',
    ]);
    assert.deepEqual(await asked({ type: 'string', format: 'url' }, `http://${':'.repeat(100_000)}`), [
      'body : must match format "url"',
    ]);
    assert.ok(performance.now() - started < 2000);
  });

  test('ends where a schema that leads to itself in several branches would take for ever', async () => {
    const branch = (name: string) => ({
      type: 'object',
      required: [name],
      properties: { child: { $ref: '#/definitions/Node' } },
    });
    const recursive = {
      definitions: { Node: { anyOf: [branch('a'), branch('b'), branch('c')] } },
      body: { content: { 'application/json': { schema: { $ref: '#/definitions/Node' } } } },
    };
    const headers = { 'Content-Type': 'application/json' };
    const nested = (inner: string) => '{"c":1,"child":'.repeat(30) + inner + '}'.repeat(30);
    const all = (inner: string) => '{"a":1,"b":1,"c":1,"child":'.repeat(30) + inner + '}'.repeat(30);
    assert.deepEqual(await verdict(recursive, { headers, body: nested('{"c":1}') }), []);
    assert.ok((await verdict(recursive, { headers, body: nested('{}') })).length > 0);
    assert.deepEqual(await verdict(recursive, { headers, body: all('{}') }), [
      'body : takes too long to check',
    ]);
  });

  test('may be recursive, by definitions and by schemas within the schema', async () => {
    const node = (ref: string) => ({
      type: 'object',
      properties: { next: { $ref: ref } },
      additionalProperties: false,
    });
    const headers = { 'Content-Type': 'application/json' };
    for (const written of [
      {
        definitions: { Node: node('#/definitions/Node') },
        body: { content: { 'application/json': { schema: { $ref: '#/definitions/Node' } } } },
      },
      {
        body: {
          content: {
            'application/json': { schema: { $ref: '#/$defs/Node', $defs: { Node: node('#/$defs/Node') } } },
          },
        },
      },
    ]) {
      assert.deepEqual(await verdict(written, { headers, body: '{"next":{"next":{}}}' }), []);
      assert.deepEqual(await verdict(written, { headers, body: '{"next":{"nxt":{}}}' }), [
        'body /next/nxt: is not known here',
      ]);
    }
  });
});

suite('validate: content types and encodings', () => {
  const options = {
    body: { required: true, encodings: ['gzip'], content: { 'application/json': {}, 'text/*': {} } },
  };
  for (const [headers, body, expected] of [
    [{ 'Content-Type': 'application/json' }, '{}', []],
    [{ 'Content-Type': 'Application/JSON ; x=y' }, '{}', []],
    [{ 'Content-Type': 'text/plain' }, '{', []],
    [{ 'Content-Type': 'application/xml' }, '<a/>', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'application/json; charset=utf-16' }, '{}', ['415 unsupported_media_type']],
    [{}, '{}', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'br' }, 'x', ['415 unsupported_media_type']],
    [{ 'Content-Type': 'text/plain', 'Content-Encoding': 'gzip' }, 'x', []],
    [{}, '', ['body : is missing']],
  ] as const) {
    test(`${JSON.stringify(headers)} with ${JSON.stringify(body)} gets ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await verdict(options, { method: 'POST', headers, body }), expected);
    });
  }

  test('two fields of Content-Type are refused', async () => {
    const headers = [
      ['Content-Type', 'application/json'],
      ['Content-Type', 'text/plain'],
    ] as const;
    assert.deepEqual(await verdict(options, { headers, body: '{}' }), ['415 unsupported_media_type']);
  });

  test('the answer says what is taken', async () => {
    const answer = await answerTo(options, { headers: { 'Content-Type': 'application/xml' }, body: '<a/>' });
    assert.deepEqual(answer?.headers, { Accept: 'application/json, text/*' });
  });
});

suite('validate: parameters', () => {
  const query = (properties: object, styles: object = {}, rest: object = {}) => ({
    query: { schema: { type: 'object', properties, ...rest }, styles },
  });
  const integers = { type: 'array', items: { type: 'integer' } };
  const point = {
    type: 'object',
    properties: { x: { type: 'integer' }, y: { type: 'integer' } },
    required: ['x'],
    additionalProperties: false,
  };
  for (const [options, url, expected] of [
    [query({ limit: { type: 'integer', maximum: 9 } }), '/?limit=5', []],
    [query({ limit: { type: 'integer', maximum: 9 } }), '/?limit=10', ['query /limit: must be <= 9']],
    [query({ limit: { type: 'integer' } }), '/?limit=1.5', ['query /limit: must be integer']],
    [query({ limit: { type: 'integer' } }), '/?limit=', ['query /limit: must be integer']],
    [query({ limit: { type: 'integer' } }), '/?limit=0x10', ['query /limit: must be integer']],
    [query({ limit: { type: 'integer' } }), '/?limit=1&limit=2', ['query /limit: must be integer']],
    [query({ on: { type: 'boolean' } }), '/?on=true', []],
    [query({ on: { type: 'boolean' } }), '/?on=1', ['query /on: must be boolean']],
    [query({ name: { type: 'string', maxLength: 3 } }), '/?name=%C3%A9%C3%A9+', []],
    [query({ name: { enum: [1, 'a'] } }), '/?name=1', []],
    [query({ name: { anyOf: [{ type: 'integer' }, { const: 'all' }] } }), '/?name=all', []],
    [query({ ids: integers }), '/?ids=1&ids=2', []],
    [query({ ids: integers }), '/?ids=1', []],
    [query({ ids: integers }), '/?ids=1&ids=a', ['query /ids/1: must be integer']],
    [query({ ids: integers }, { ids: 'comma' }), '/?ids=1,2', []],
    [query({ ids: integers }, { ids: 'comma' }), '/?ids=1,a', ['query /ids/1: must be integer']],
    [
      query({ ids: integers }, { ids: 'comma' }),
      '/?ids=a&ids=1',
      ['query /ids/0: must be integer', 'query /ids/1: must be integer'],
    ],
    [query({ ids: integers }, { ids: 'pipe' }), '/?ids=1|2%7C3', []],
    [query({ ids: integers }, { ids: 'space' }), '/?ids=1%202+3', []],
    [query({ p: point }, { p: 'deepObject' }), '/?p[x]=1&p%5By%5D=2', []],
    [
      query({ p: point }, { p: 'deepObject' }),
      '/?p[y]=a',
      ["query /p: must have required property 'x'", 'query /p/y: must be integer'],
    ],
    [query({ p: point }, { p: 'comma' }), '/?p=x,1,y,2', []],
    [query({ p: point }, { p: 'comma' }), '/?p=x,a,x,1', ['query /p/x: must be integer']],
    [query({ p: point }, { p: 'pairs' }), '/?p=x=a,x=1', ['query /p/x: must be integer']],
    [query({ p: point }, { p: 'json' }), '/?p=%7B%7D&p=%7B%22x%22%3A1%7D', ['query /p: must be object']],
    [query({ p: point }), '/?x=1&y=2', []],
    [query({ p: point }), '/?x=a', ['query /p/x: must be integer']],
    [query({ p: point }, { p: 'json' }), '/?p=%7B%22x%22%3A1%7D', []],
    [query({ p: point }, { p: 'json' }), '/?p=%7B', ['query /p: must be object']],
    [query({ p: point }, { p: 'deepObject' }), '/?p=1&p[x]=1', ['query /p: must be object']],
    [query({ p: point }), '/?p=1&x=1', ['query /p: must be object']],
    [query({}, {}, { required: ['a'] }), '/', ["query : must have required property 'a'"]],
    [query({}, {}, { required: ['toString'] }), '/', ["query : must have required property 'toString'"]],
    [
      query({}, {}, { additionalProperties: false }),
      '/?__proto__=1',
      ['query /__proto__: is not known here'],
    ],
    [query({}, {}, { additionalProperties: false }), '/?&&', []],
    [
      { ...query({ n: { $ref: '#/definitions/N' } }), definitions: { N: { type: 'integer' } } },
      '/?n=x',
      ['query /n: must be integer'],
    ],
  ] as const) {
    test(`${url} gets ${JSON.stringify(expected)} from ${JSON.stringify(options.query)}`, async () => {
      assert.deepEqual(await verdict(options, { url }), expected);
    });
  }

  const group = (properties: object, styles: object = {}) => ({
    schema: { type: 'object', properties, required: Object.keys(properties) },
    styles,
  });
  for (const [title, options, request, expected] of [
    ['a capture', { path: group({ id: { type: 'integer' } }) }, { params: { id: '12' } }, []],
    [
      'a capture',
      { path: group({ id: { type: 'integer' } }) },
      { params: { id: 'a' } },
      ['path /id: must be integer'],
    ],
    ['a capture that is a list', { path: group({ ids: integers }) }, { params: { ids: '1,2' } }, []],
    [
      'a capture that is an object',
      { path: group({ p: point }, { p: 'pairs' }) },
      { params: { p: 'x=1,y=2' } },
      [],
    ],
    ['a field', { headers: group({ 'x-n': { type: 'integer' } }) }, { headers: { 'X-N': '1' } }, []],
    [
      'a field',
      { headers: group({ 'x-n': { type: 'integer' } }) },
      { headers: { 'X-N': 'a' } },
      ['header /x-n: must be integer'],
    ],
    ['a field', { headers: group({ 'x-n': {} }) }, {}, ["header : must have required property 'x-n'"]],
    [
      'a field that is a list',
      { headers: group({ 'x-n': integers }) },
      {
        headers: [
          ['X-N', '1, 2'],
          ['X-N', '3'],
        ],
      },
      [],
    ],
    ['a cookie', { cookies: group({ n: { type: 'integer' } }) }, { headers: { Cookie: 'm=1; n=2' } }, []],
    [
      'a cookie',
      { cookies: group({ n: { type: 'integer' } }) },
      { headers: { Cookie: 'n=a' } },
      ['cookie /n: must be integer'],
    ],
  ] as const) {
    test(`${title} of ${JSON.stringify(request)} gets ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await verdict(options, request as Asked), expected);
    });
  }

  test('errors of all places are listed together', async () => {
    const options = {
      ...query({}, {}, { required: ['a'] }),
      headers: group({ b: {} }),
      path: group({ c: {} }),
    };
    assert.equal((await verdict(options, {})).length, 3);
  });

  test('nothing that a client sends makes it throw', async () => {
    const styles = ['form', 'comma', 'space', 'pipe', 'deepObject', 'pairs', 'json'] as const;
    const names = styles.flatMap((_, i) => [`p${i}a`, `p${i}o`, `p${i}s`]);
    const properties = Object.fromEntries(
      names.map((name) => [
        name,
        name.endsWith('a') ? integers : name.endsWith('o') ? point : { type: 'integer' },
      ]),
    );
    const all = {
      schema: { type: 'object', properties },
      styles: Object.fromEntries(names.map((name) => [name, styles[Number(name[1])]])),
    };
    const policies = await compile({ query: all, headers: all, cookies: all, path: all });
    const hook = policies.onRequest[0]?.hooks.onRequest;
    const name = fc.constantFrom(...names, 'x', 'y', '__proto__', 'constructor', '');
    const value = fc.oneof(
      fc.string(),
      fc.constantFrom('1', '1,2', 'x,1', 'x=1,y=2', '%', '%zz', '[', '{"x":1}', '=', ',', '|'),
    );
    const key = fc.oneof(
      name,
      fc.tuple(name, name).map(([outer, inner]) => `${outer}[${inner}]`),
    );
    const latin1 = (text: string) => text.replaceAll(/[^\x21-\x7e]|[&#]/g, '');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(key, value), { maxLength: 6 }), async (pairs) => {
        const search = pairs.map(([k, v]) => `${k}=${latin1(v)}`).join('&');
        const params = Object.fromEntries(pairs);
        const headers = [
          ...pairs.filter(([k]) => /^[a-z0-9_-]+$/.test(k)),
          ['Cookie', latin1(search)],
        ] as const;
        const exchange = exchangeFor({
          url: `/?${search}`,
          params,
          headers: headers.map(([k, v]) => [k, latin1(v)] as const),
        });
        const answer = (await hook?.(exchange)) ?? undefined;
        assert.ok(answer === undefined || answer.code === 'invalid_request');
      }),
      { numRuns: 2000 },
    );
  });

  test('a form is read as a query is', async () => {
    const schema = { type: 'object', properties: { n: { type: 'integer' }, ids: integers } };
    const options = { body: { content: { 'application/x-www-form-urlencoded': { schema } } } };
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    assert.deepEqual(await verdict(options, { headers, body: 'n=1&ids=1&ids=2' }), []);
    assert.deepEqual(await verdict(options, { headers, body: 'n=a' }), ['body /n: must be integer']);
  });
});

test('validate: report counts a request that is wrong and lets it pass', async () => {
  counted.length = 0;
  const options = { mode: 'report', query: { schema: { type: 'object', required: ['a'] } } };
  assert.deepEqual(await verdict(options, {}), []);
  assert.deepEqual(counted, ['request_reported']);
});

suite('validate: answers', () => {
  const statuses = { 200: { content: { 'application/json': { schema: PET } } }, '4XX': {} };
  for (const [status, type, body, fault] of [
    [200, 'application/json', '{"name":"Rex"}', undefined],
    [200, 'application/json', '{"name":1}', 'the body of its status 200: /name must be string'],
    [200, 'text/plain', 'x', 'the Content-Type of its status 200 is not described'],
    [200, 'application/json', '', undefined],
    [404, 'text/plain', 'x', undefined],
    [304, 'application/json', '', undefined],
    [500, 'text/plain', 'x', 'its status 500 is not described'],
  ] as const) {
    test(`${status} ${type} ${body} ${fault === undefined ? 'passes' : 'is refused, or told of'}`, async () => {
      for (const mode of ['enforce', 'report'] as const) {
        told.length = 0;
        const policies = await compile({ responses: { mode, statuses } });
        const exchange = exchangeFor();
        exchange.response.status = status;
        exchange.response.fields.append('Content-Type', type);
        const answer =
          (await policies.onUpstreamResponse[0]?.hooks.onUpstreamResponse(exchange)) ??
          policies.onResponseBody[0]?.hooks.onResponseBody(exchange, Buffer.from(body)) ??
          undefined;
        const refused = fault !== undefined && mode === 'enforce';
        assert.deepEqual(
          [answer?.status, answer?.code],
          refused ? [502, 'invalid_response'] : [undefined, undefined],
        );
        assert.deepEqual(
          told,
          fault === undefined ? [] : [`validate: an answer to GET on route r is not as described: ${fault}`],
        );
      }
    });
  }
});

const json = (schema: unknown) => ({ body: { content: { 'application/json': { schema } } } });
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
  [json({ $dynamicRef: '#a' }), [], /unknown keyword: "\$dynamicRef"/],
  [json({ type: 'string', pattern: '(?=a)b' }), [], /invalid or unsupported Perl syntax/],
  [json({ type: 'string', format: 'emial' }), [], /unknown format "emial"/],
  [{ body: { content: {} } }, ['body', 'content'], /must not be empty/],
  [{ body: { content: { 'no type': {} } } }, ['body', 'content', 'no type'], /is not a media type/],
  [
    { headers: { schema: { properties: { 'X-N': {} } } } },
    ['headers', 'schema', 'properties', 'X-N'],
    /written in small letters: x-n/,
  ],
  [{ errors: 0 }, ['errors'], /Too small/],
  [{ qery: {} }, ['qery'], /did you mean query/],
] as const) {
  test(`validate: ${JSON.stringify(options)} is refused at ${path.join('.') || 'the policy'}`, async () => {
    const problems = await validatePolicyUse({ name: 'validate', options });
    assert.deepEqual(problems[0]?.path, path);
    assert.match(problems[0]?.message ?? '', message);
  });
}
