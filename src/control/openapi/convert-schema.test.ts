import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Workspace } from '../../../test/support/cli.ts';
import { FileReader } from '../config/files.ts';
import type { Problem } from '../config/problem.ts';
import { type Direction, reachable, SchemaConverter } from './convert-schema.ts';
import { child, Documents } from './documents.ts';

/** What becomes of the schema `main` among these, with the definitions that it needs. */
async function converted(
  schemas: Readonly<Record<string, unknown>>,
  old: boolean,
  direction: Direction = 'request',
) {
  using files = new Workspace({ 'api.json': JSON.stringify(schemas) });
  const problems: Problem[] = [];
  const documents = new Documents('api', new FileReader(files.path('portcullis.yaml')), problems);
  const root = await documents.open('api.json', []);
  assert.ok(root);
  const converter = new SchemaConverter(documents, old);
  const schema = await converter.convert(child(root, 'main'), direction);
  assert.deepEqual(problems, []);
  return { schema, definitions: reachable(schema, converter.definitions) };
}

suite('A schema of OpenAPI 3.0', () => {
  for (const [written, expected] of [
    [{ type: 'string', nullable: true }, { type: ['string', 'null'] }],
    [{ type: 'string', nullable: false }, { type: 'string' }],
    [
      { allOf: [{ type: 'string' }], nullable: true },
      { anyOf: [{ allOf: [{ type: 'string' }] }, { type: 'null' }] },
    ],
    [{ minimum: 1, exclusiveMinimum: true }, { exclusiveMinimum: 1 }],
    [{ minimum: 1, exclusiveMinimum: false }, { minimum: 1 }],
    [{ maximum: 9, exclusiveMaximum: true }, { exclusiveMaximum: 9 }],
    [
      { type: 'integer', format: 'int32' },
      { type: 'integer', format: 'int32' },
    ],
    [{ type: 'string', format: 'colour' }, { type: 'string' }],
    [
      {
        title: 'A',
        description: 'b',
        example: 1,
        xml: {},
        discriminator: { propertyName: 'a' },
        'x-y': 1,
        default: 1,
      },
      {},
    ],
    [
      {
        items: { type: 'string', nullable: true },
        additionalProperties: false,
        not: { minimum: 1, exclusiveMinimum: true },
      },
      { items: { type: ['string', 'null'] }, additionalProperties: false, not: { exclusiveMinimum: 1 } },
    ],
  ] as const) {
    test(`${JSON.stringify(written)} becomes ${JSON.stringify(expected)}`, async () => {
      assert.deepEqual(await converted({ main: written }, true), { schema: expected, definitions: {} });
    });
  }

  test('has nothing beside a reference', async () => {
    const { schema } = await converted({ main: { $ref: '#/a', minLength: 1 }, a: { type: 'string' } }, true);
    assert.deepEqual(schema, { $ref: '#/definitions/a' });
  });
});

suite('A schema of OpenAPI 3.1', () => {
  test('is JSON Schema already', async () => {
    const main = {
      type: ['object', 'null'],
      exclusiveMinimum: 1,
      const: null,
      prefixItems: [{ type: 'string' }, true],
      if: { required: ['a'] },
      dependentRequired: { a: ['b'] },
      properties: { title: { type: 'string' }, $ref: { type: 'string' } },
      patternProperties: { '^x-': false },
    };
    assert.deepEqual((await converted({ main }, false)).schema, main);
  });

  test('may have something beside a reference', async () => {
    const { schema } = await converted({ main: { $ref: '#/a', minLength: 1 }, a: { type: 'string' } }, false);
    assert.deepEqual(schema, { minLength: 1, $ref: '#/definitions/a' });
  });
});

suite('A reference', () => {
  test('becomes one to a definition, cycles included, and only what is needed is there', async () => {
    const node = {
      type: 'object',
      properties: { next: { $ref: '#/schemas/Node' }, leaf: { $ref: '#/schemas/Le~1af' } },
    };
    const schemas = { Node: node, 'Le/af': { type: 'integer' }, Other: { $ref: '#/schemas/Node' } };
    assert.deepEqual(await converted({ main: { $ref: '#/schemas/Node' }, schemas }, false), {
      schema: { $ref: '#/definitions/Node' },
      definitions: {
        Node: {
          type: 'object',
          properties: { next: { $ref: '#/definitions/Node' }, leaf: { $ref: '#/definitions/Le_af' } },
        },
        Le_af: { type: 'integer' },
      },
    });
  });

  test('to another schema of the same name gets another one', async () => {
    const main = { allOf: [{ $ref: '#/a/Pet' }, { $ref: '#/b/Pet' }, { $ref: '#/a/Pet' }] };
    const { schema } = await converted(
      { main, a: { Pet: { minLength: 1 } }, b: { Pet: { minLength: 2 } } },
      false,
    );
    assert.deepEqual(schema, {
      allOf: [{ $ref: '#/definitions/Pet' }, { $ref: '#/definitions/Pet-2' }, { $ref: '#/definitions/Pet' }],
    });
  });
});

/** The lists of `required` in what becomes of `main`, and in the definitions that it needs, in their order. */
async function requiredIn(schemas: Readonly<Record<string, unknown>>, old: boolean, direction: Direction) {
  const lists: unknown[] = [];
  JSON.stringify(await converted(schemas, old, direction), (key, value: unknown) => {
    if (key === 'required') lists.push(value);
    return value;
  });
  return lists;
}

suite('What is only read is not required of requests', () => {
  const Base = { properties: { id: { type: 'integer', readOnly: true }, secret: { writeOnly: true } } };
  for (const [title, schemas, old, request, response] of [
    [
      'where the property is what allOf says of it',
      {
        main: { required: ['id', 'a'], properties: { id: { allOf: [{ $ref: '#/Id' }] } } },
        Id: { readOnly: true },
      },
      true,
      [['a']],
      [['id', 'a']],
    ],
    [
      'where the property stands in allOf',
      { main: { required: ['id', 'secret'], allOf: [{ $ref: '#/Base' }] }, Base },
      true,
      [['secret']],
      [['id']],
    ],
    [
      'where it is required in allOf',
      { main: { ...Base, allOf: [{ required: ['id', 'secret'] }, { type: 'object' }] } },
      true,
      [['secret']],
      [['id']],
    ],
    [
      'where it stands in one schema of allOf, and is required in another',
      {
        main: { allOf: [{ $ref: '#/New' }, { allOf: [{ $ref: '#/Base' }] }] },
        Base,
        New: { required: ['id'] },
      },
      true,
      [[]],
      [['id']],
    ],
    [
      'where the same schema is required elsewhere, too',
      {
        main: { allOf: [{ $ref: '#/Base' }, { $ref: '#/New' }], properties: { other: { $ref: '#/New' } } },
        Base,
        New: { required: ['id'] },
      },
      true,
      [[], ['id']],
      [['id'], ['id']],
    ],
    [
      'where it stands beside a reference',
      { main: { $ref: '#/New', ...Base }, New: { required: ['id', 'secret'] } },
      false,
      [['secret']],
      [['id']],
    ],
    [
      'but where one of several may be',
      { main: { ...Base, oneOf: [{ required: ['id'] }, { required: ['name'] }], not: { required: ['id'] } } },
      true,
      [['id'], ['name'], ['id']],
      [['id'], ['name'], ['id']],
    ],
  ] as const) {
    test(title, async () => {
      assert.deepEqual(await requiredIn(schemas, old, 'request'), request);
      assert.deepEqual(await requiredIn(schemas, old, 'response'), response);
    });
  }
});

test('What is only read is not required of requests, what is only written not of answers', async () => {
  const main = {
    required: ['id', 'password', 'name', 'other'],
    properties: {
      id: { $ref: '#/Id' },
      password: { type: 'string', writeOnly: true },
      name: { type: 'string' },
    },
  };
  const schemas = { main, Id: { type: 'integer', readOnly: true } };
  const required = async (direction: Direction) => {
    const { schema } = await converted(schemas, true, direction);
    return typeof schema === 'object' ? schema['required'] : undefined;
  };
  assert.deepEqual(await required('request'), ['password', 'name', 'other']);
  assert.deepEqual(await required('response'), ['id', 'name', 'other']);
});
