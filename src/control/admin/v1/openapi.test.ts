import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isRecord } from '../../../lib/is-record.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { startApi, type TestApi } from './api.support.ts';
import { apiEndpoints } from './endpoints.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';
import type { Schema } from './openapi-schemas.ts';

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly responses: Readonly<Record<string, Schema>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

describe('The OpenAPI document', () => {
  let api: TestApi;
  let document: Document;
  let operations: readonly Operation[];
  before(async () => {
    api = await startApi(new FakeConfiguration());
    const received = await api.send({ path: '/v1/openapi.json' });
    assert.equal(received.status, 200);
    document = received.body as Document;
    operations = Object.values(document.paths).flatMap((item) => Object.values(item));
  });
  after(() => api[Symbol.asyncDispose]());

  it('is one of version 3.1', () => assert.equal(document.openapi, '3.1.0'));

  it('has every endpoint and no other', () => {
    const described = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const endpoints = [...ENDPOINTS, ...apiEndpoints()].map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(described.toSorted(), endpoints.toSorted());
  });

  it('has nothing that its references do not lead to', () => {
    const lost: string[] = [];
    const visit = (value: unknown): void => {
      if (Array.isArray(value)) value.forEach(visit);
      if (!isRecord(value)) return;
      const { $ref } = value;
      if (typeof $ref === 'string' && stepInto(document, $ref) === undefined) lost.push($ref);
      Object.values(value).forEach(visit);
    };
    visit(document);
    assert.deepEqual(lost, []);
  });

  it('has a name of its own for each operation', () => {
    const names = operations.map(({ operationId }) => operationId);
    assert.deepEqual(names, [...new Set(names)]);
  });

  it('describes every segment in braces, as required', () => {
    for (const [path, item] of Object.entries(document.paths)) {
      const segments = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      for (const { parameters = [] } of Object.values(item)) {
        const described = parameters.filter((parameter) => parameter.in === 'path');
        assert.deepEqual(
          described.map(({ name }) => name),
          segments,
          path,
        );
        assert.ok(
          described.every(({ required }) => required === true),
          path,
        );
      }
    }
  });

  it('has schemas that are JSON Schema 2020-12', () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: true });
    for (const [name, schema] of Object.entries(document.components.schemas))
      assert.equal(ajv.validateSchema(schema), true, name);
  });

  it('describes what the API answers', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'document', ...document });
    const body = { url: 'http://127.0.0.1:1' };
    const path = '/v1/services/a';
    for (const [sent, component] of [
      [{ method: 'PUT', path, body }, 'Service'],
      [{ method: 'PUT', path: `${path}?dry-run`, body: { url: 'http://127.0.0.1:2' } }, 'ServiceOrChange'],
      [{ path }, 'Service'],
      [{ path: '/v1/services' }, 'ServicePage'],
      [{ path: '/v1/services/none' }, 'Problem'],
      [{ method: 'PUT', path, body: { urll: 1 } }, 'Problem'],
    ] as const) {
      const received = await api.send(sent);
      const validate = ajv.getSchema(`document#/components/schemas/${component}`);
      assert.equal(
        validate?.(received.body),
        true,
        `${component}: ${received.text} ${JSON.stringify(validate?.errors)}`,
      );
    }
  });
});

function stepInto(document: unknown, pointer: string): unknown {
  if (!pointer.startsWith('#/')) return undefined;
  return pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), document);
}
