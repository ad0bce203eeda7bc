import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { isRecord } from '../../../lib/is-record.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { startApi, type TestApi } from './api.support.ts';
import { apiEndpoints } from './endpoints.ts';
import { FakeConfiguration } from './fake-configuration.support.ts';
import { holdToDocument } from './hold-to-document.support.ts';
import { openApiDocument } from './openapi.ts';
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
  readonly security?: readonly object[];
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly security: readonly object[];
  readonly components: Readonly<
    Record<'schemas' | 'responses' | 'securitySchemes', Readonly<Record<string, Schema>>>
  >;
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

  it('says how to log in, and where nobody has to', () => {
    const { components, security, paths } = document;
    assert.deepEqual(
      Object.values(components.securitySchemes).map(({ type, scheme, in: place, name }) => [
        type,
        scheme ?? place,
        name,
      ]),
      [
        ['http', 'bearer', undefined],
        ['http', 'basic', undefined],
        ['apiKey', 'cookie', '__Host-portcullis-admin'],
      ],
    );
    // This gateway asks nobody.
    assert.deepEqual(security, [{ token: [] }, { password: [] }, { session: [] }, {}]);
    assert.deepEqual(paths['/healthz']?.['get']?.security, []);
    assert.equal(paths['/v1/routes']?.['get']?.security, undefined);
    assert.deepEqual(openApiDocument([], { version: '1.2.3', isOpen: false })['security'], [
      { token: [] },
      { password: [] },
      { session: [] },
    ]);
  });

  it('has a schema for every answer that is JSON', () => {
    const without: string[] = [];
    for (const [path, item] of Object.entries(document.paths))
      for (const [method, { responses }] of Object.entries(item))
        for (const [status, { content }] of Object.entries(responses))
          for (const [type, media] of Object.entries(isRecord(content) ? content : {}))
            if (/[/+]json$/.test(type) && (media as { readonly schema?: unknown }).schema === undefined)
              without.push(`${method} ${path} ${status}`);
    assert.deepEqual(without, []);
  });

  for (const [operation, wanted] of [
    [['/v1/routes/{name}', 'get'], { 200: ['ETag', 'Last-Modified'], 304: ['ETag', 'Last-Modified'] }],
    [['/v1/routes/{name}', 'put'], { 201: ['ETag', 'Last-Modified', 'Location'] }],
    [['/v1/routes', 'post'], { 201: ['ETag', 'Last-Modified', 'Location'] }],
    [['/login', 'post'], { 303: ['Location', 'Set-Cookie'] }],
  ] as const)
    it(`describes the fields of what ${operation[1]} ${operation[0]} answers`, () => {
      const responses = document.paths[operation[0]]?.[operation[1]]?.responses;
      for (const [status, fields] of Object.entries(wanted))
        assert.deepEqual(Object.keys(responses?.[status]?.['headers'] ?? {}), fields, status);
    });

  it('says when a request may be tried again', () =>
    assert.ok(isRecord(stepInto(document, '#/components/responses/Problem/headers/Retry-After'))));

  for (const [path, method, wanted] of [
    ['/v1/routes/{name}', 'get', ['if-none-match', 'if-modified-since', 'if-match', 'if-unmodified-since']],
    ['/v1/routes/{name}', 'put', ['if-match', 'if-none-match', 'if-unmodified-since']],
    ['/v1/routes/{name}', 'delete', ['if-match', 'if-none-match', 'if-unmodified-since']],
    ['/v1/routes', 'post', ['if-match']],
    ['/v1/apply', 'post', ['if-match']],
    ['/v1/revisions/{number}/rollback', 'post', ['if-match']],
  ] as const)
    it(`has the preconditions that ${method} ${path} obeys`, () => {
      const { parameters = [], responses } = document.paths[path]?.[method] ?? { responses: {} };
      assert.deepEqual(
        parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name),
        wanted,
      );
      assert.ok('412' in responses);
    });

  it('lets policies be applied as the list that a file has', async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'document', ...document });
    const validate = ajv.getSchema('document#/components/schemas/Configuration');
    const body = { policies: [{ headers: { response: { set: { 'x-a': 'b' } } } }] };
    assert.equal(validate?.(body), true, JSON.stringify(validate?.errors));
    const { status } = await api.send({ method: 'POST', path: '/v1/apply?dry-run', body });
    assert.equal(status, 200);
  });

  for (const { fault, sent, received, message } of [
    {
      fault: 'a body of another shape',
      sent: { path: '/version' },
      received: { status: 200, text: '{}', body: {} },
      message: /required property 'version'/,
    },
    {
      fault: 'a field that is not described',
      sent: { path: '/version' },
      received: { status: 200, headers: { etag: '"1"' } },
      message: /fields that are not described/,
    },
    {
      fault: 'a status that is not described',
      sent: { path: '/version' },
      received: { status: 201 },
      message: /not described: GET \/version: 201/,
    },
    {
      fault: 'a type that is not described',
      sent: { path: '/version' },
      received: { status: 200, text: 'a', headers: { 'content-type': 'text/plain' } },
      message: /not described as text\/plain/,
    },
  ])
    it(`is what the tests of the API hold each answer to: they fail at ${fault}`, () =>
      assert.throws(
        () =>
          holdToDocument(sent, {
            text: '',
            body: undefined,
            ...received,
            headers: { 'content-type': 'application/json', ...received.headers },
          }),
        message,
      ));
});

function stepInto(document: unknown, pointer: string): unknown {
  if (!pointer.startsWith('#/')) return undefined;
  return pointer
    .slice(2)
    .split('/')
    .reduce<unknown>((value, step) => (isRecord(value) ? value[step] : undefined), document);
}
