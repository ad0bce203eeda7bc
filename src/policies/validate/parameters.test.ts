import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { exchangeFor } from '../../../test/support/exchange.ts';
import { type Asked, compiled, verdict } from './validate.support.ts';

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
    [query({ p: { type: 'string' } }, { p: 'text' }), '/?p=%7B%22x%22%3A1%7D', []],
    [query({ p: { type: 'string' } }, { p: 'text' }), '/?p=1,2', []],
    [query({ p: { type: 'integer' } }, { p: 'text' }), '/?p=1', []],
    [query({ p: { type: 'string' } }, { p: 'text' }), '/?p=1&p=2', ['query /p: must be string']],
    [query({ p: integers }, { p: 'text' }), '/?p=1,2', ['query /p: must be array']],
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
    [
      'a cookie that stands twice',
      { cookies: group({ n: { type: 'integer' } }) },
      { headers: { Cookie: 'n=1; m=1; n=a' } },
      ['cookie /n: stands twice'],
    ],
    [
      'a cookie that stands twice, in two fields,',
      { cookies: group({ 'n/m': {} }) },
      {
        headers: [
          ['Cookie', 'n/m=1'],
          ['Cookie', 'n/m=1'],
        ],
      },
      ['cookie /n~1m: stands twice'],
    ],
    [
      'a cookie that nobody describes, and that stands twice,',
      { cookies: group({ n: { type: 'integer' } }) },
      { headers: { Cookie: 'm=1; n=1; m=2' } },
      [],
    ],
  ] as const) {
    test(`${title} of ${JSON.stringify(request)} gets ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await verdict(options, request as Asked), expected);
    });
  }

  test('are read by all that their schema says of them, wherever it says so', async () => {
    const twice = query(
      {},
      {},
      { allOf: [{ properties: { n: { type: 'integer' } } }, { properties: { n: { maximum: 9 } } }] },
    );
    assert.deepEqual(await verdict(twice, { url: '/?n=5' }), []);
    assert.deepEqual(await verdict(twice, { url: '/?n=10' }), ['query /n: must be <= 9']);
    const own = query({ n: { $ref: '#/definitions/N' } }, {}, { definitions: { N: { type: 'integer' } } });
    assert.deepEqual(await verdict(own, { url: '/?n=5' }), []);
  });

  test('are read by a schema of many branches in a time that does not double with each', async () => {
    const definitions = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => [
        `D${i}`,
        i === 39
          ? { type: 'integer' }
          : { anyOf: [{ $ref: `#/definitions/D${i + 1}` }, { $ref: `#/definitions/D${i + 1}` }] },
      ]),
    );
    const options = { definitions, ...query({ n: { $ref: '#/definitions/D0' } }) };
    // The schema is made, and it is the check that is given up.
    assert.deepEqual(await verdict(options, { url: '/?n=5' }), ['query : takes too long to check']);
  });

  test('errors of all places are listed together', async () => {
    const options = {
      ...query({}, {}, { required: ['a'] }),
      headers: group({ b: {} }),
      path: group({ c: {} }),
    };
    assert.equal((await verdict(options, {})).length, 3);
  });

  test('nothing that a client sends makes it throw', async () => {
    const styles = ['form', 'comma', 'space', 'pipe', 'deepObject', 'pairs', 'json', 'text'] as const;
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
    const policies = await compiled({ query: all, headers: all, cookies: all, path: all });
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
