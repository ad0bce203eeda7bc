import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { json, PET, verdict } from './validate.support.ts';

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
    [{ values: 3 }, '[[1],[2]]', 'has more than 3 values in all lists'],
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
    // Of the processor: by wall time other processes would decide.
    const begun = process.cpuUsage();
    assert.deepEqual(await asked(unique, items), []);
    assert.deepEqual(await asked(unique, [...items, { b: 1, a: 7 }]), [
      'body : must NOT have the same item twice',
    ]);
    assert.deepEqual(await asked({ type: 'string', format: 'url' }, `http://${':'.repeat(100_000)}`), [
      'body : must match format "url"',
    ]);
    const { user, system } = process.cpuUsage(begun);
    // Each body is played whole and in pieces.
    assert.ok(user + system < 4_000_000, `it took ${(user + system) / 1000} ms`);
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

  test('may lead from one definition to another and back, at any depth that JSON may have', async () => {
    const described = {
      ...json({ $ref: '#/definitions/Tree' }),
      definitions: {
        Tree: { type: 'array', items: { $ref: '#/definitions/Branch' } },
        Branch: { anyOf: [{ $ref: '#/definitions/Leaf' }, { $ref: '#/definitions/Tree' }] },
        Leaf: { type: 'integer' },
      },
      json: { depth: 512 },
    };
    const headers = { 'Content-Type': 'application/json' };
    const tree = (leaf: string) => '['.repeat(500) + leaf + ']'.repeat(500);
    assert.deepEqual(await verdict(described, { headers, body: tree('1') }), []);
    assert.equal((await verdict({ ...described, errors: 1 }, { headers, body: tree('"a"') })).length, 1);
  });

  test('is refused where its check would need more stack than there is', async () => {
    const length = 60;
    const definitions = Object.fromEntries(
      Array.from({ length }, (_, i) => [
        `D${i}`,
        i === length - 1
          ? { items: { $ref: '#/definitions/D0' } }
          : { allOf: [{ $ref: `#/definitions/D${i + 1}` }] },
      ]),
    );
    const described = { ...json({ $ref: '#/definitions/D0' }), definitions, json: { depth: 512 } };
    const headers = { 'Content-Type': 'application/json' };
    const body = `${'['.repeat(500)}"${'x'.repeat(40_000)}"${']'.repeat(500)}`;
    assert.deepEqual(await verdict(described, { headers, body }), ['body : takes too long to check']);
    assert.deepEqual(await verdict(described, { headers, body: '[[]]' }), []);
  });
});
