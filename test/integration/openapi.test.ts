import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { loadConfig } from '../../src/control/config/load.ts';
import { explainRequest } from '../../src/control/explain/explain-request.ts';
import { HOST, request } from '../conformance/case.ts';
import { Workspace } from '../support/cli.ts';
import { startGatewayWith, type TestGateway } from '../support/gateway.ts';
import { RawClient } from '../support/raw-client.ts';
import { answer, ScriptedUpstream } from '../support/scripted-upstream.ts';

const PETSTORE = `openapi: 3.0.3
info: { title: Petstore, version: 1.0.0 }
servers:
  - url: https://petstore.example/{version}
    variables: { version: { default: v1 } }
paths:
  /pets:
    get:
      operationId: listPets
      parameters:
        - { name: limit, in: query, schema: { type: integer, format: int32, maximum: 100 } }
        - { name: tags, in: query, explode: false, schema: { type: array, items: { type: string, maxLength: 5 } } }
        - $ref: '#/components/parameters/Filter'
        - { name: X-Trace, in: header, required: true, schema: { type: string, pattern: '^[0-9a-f]+$' } }
        - { name: session, in: cookie, schema: { type: integer } }
        - { name: note, in: query, content: { text/plain: { schema: { type: string, maxLength: 9 } } } }
        - { name: page, in: query, content: { application/json: { schema: { type: object } } } }
        - { name: blob, in: query, content: { application/xml: { schema: { type: object } } } }
      responses:
        '200':
          description: pets
          content:
            application/json:
              schema: { type: array, items: { $ref: '#/components/schemas/Pet' } }
        default: { $ref: 'common.json#/responses/Error' }
    post:
      operationId: createPet
      requestBody:
        required: true
        content:
          application/json: { schema: { $ref: '#/components/schemas/Pet' } }
      responses:
        '201': { description: made }
  /pets/{pet-id}:
    parameters:
      - { name: pet-id, in: path, required: true, schema: { type: integer, minimum: 0, exclusiveMinimum: true } }
    get:
      responses:
        2XX:
          description: a pet
          content:
            application/json: { schema: { $ref: '#/components/schemas/Pet' } }
  /any/pets:
    post:
      requestBody:
        content:
          '*/*': { schema: { $ref: '#/components/schemas/Pet' } }
      responses: { '201': { description: made } }
  /application/pets:
    post:
      requestBody:
        content:
          application/*: { schema: { type: array, items: { $ref: '#/components/schemas/Pet' } } }
      responses: { '201': { description: made } }
  /octets/pets:
    post:
      requestBody:
        content:
          '*/*': { schema: { $ref: '#/components/schemas/Octets' } }
          text/*: { schema: { type: integer } }
      responses: { '201': { description: made } }
components:
  parameters:
    Filter:
      name: filter
      in: query
      style: deepObject
      explode: true
      schema: { type: object, properties: { age: { type: integer } }, additionalProperties: false }
  schemas:
    Octets: { type: string, format: binary }
    Pet:
      type: object
      required: [id, name]
      properties:
        id: { type: integer, readOnly: true }
        name: { type: string, maxLength: 10 }
        tag: { type: string, nullable: true }
        friends: { type: array, items: { $ref: '#/components/schemas/Pet' } }
      example: { id: 1, name: Rex }
`;

const COMMON = `{
  "responses": {
    "Error": { "description": "an error", "content": { "application/json": { "schema": { "$ref": "#/Error" } } } }
  },
  "Error": { "type": "object", "required": ["code"], "properties": { "code": { "type": "integer" } } }
}
`;

/** What the upstream answers by the last segment of the path; with 500 where there is nothing. */
const ANSWERS: Readonly<Record<string, string>> = {
  pets: answer(200, '[{"id":1,"name":"Rex","tag":null,"friends":[{"id":2,"name":"Ida"}]}]', {
    'Content-Type': 'application/json',
  }),
  1: answer(200, '{"id":1,"name":"Rex"}', { 'Content-Type': 'application/json' }),
  2: answer(200, '{"id":"2","name":"Rex"}', { 'Content-Type': 'application/json' }),
  3: answer(200, '<pet/>', { 'Content-Type': 'application/xml' }),
  4: answer(404, '{}', { 'Content-Type': 'application/json' }),
};

async function petstore(
  options: string,
  act: (client: RawClient, asked: readonly string[]) => Promise<void>,
): Promise<TestGateway> {
  const asked: string[] = [];
  await using upstream = await ScriptedUpstream.start(async (connection) => {
    for (;;) {
      const head = await connection.head();
      asked.push(head);
      const [, method, last] = /(\w+) [^ ]*\/([^ ?/]*)(?:\?[^ ]*)? HTTP/.exec(head) ?? [];
      await connection.send(method === 'POST' ? answer(201) : (ANSWERS[last ?? ''] ?? answer(500)));
    }
  });
  using files = new Workspace({
    'portcullis.yaml': `listeners: { main: { port: 0, address: 127.0.0.1 } }
services: { pets: { url: '${upstream.url}' } }
apis:
  petstore: { openapi: api/petstore.yaml, service: pets${options} }
`,
    'api/petstore.yaml': PETSTORE,
    'api/common.json': COMMON,
  });
  const loaded = await loadConfig(files.path('portcullis.yaml'));
  assert.ok(loaded.ok, JSON.stringify(loaded));
  assert.deepEqual(loaded.warnings, []);
  await using gateway = await startGatewayWith(loaded.config.dataPlane);
  using client = await RawClient.connect({ port: gateway.port });
  await act(client, asked);
  return gateway;
}

const get = (target: string, lines: readonly string[] = []) =>
  request([`GET ${target} HTTP/1.1`, HOST, ...lines]);
const post = (
  body: string | Buffer,
  lines: readonly string[] = ['Content-Type: application/json'],
  target = '/v1/pets',
) =>
  Buffer.concat([
    Buffer.from(request([`POST ${target} HTTP/1.1`, HOST, ...lines, `Content-Length: ${body.length}`])),
    Buffer.from(body),
  ]);

/** Status, and lines `place path: reason`, or the code. */
async function verdict(client: RawClient): Promise<readonly unknown[]> {
  const got = await client.answer();
  if (got.status < 400 || got.get('content-type') !== 'application/problem+json') return [got.status];
  const problem = JSON.parse(String(got.body)) as { code: string; errors?: Record<string, string>[] };
  return [
    got.status,
    ...(problem.errors?.map((error) => `${error['in']} ${error['path']}: ${error['reason']}`) ?? [
      problem.code,
    ]),
  ];
}

const TRACE = 'X-Trace: 12ab';

suite('An OpenAPI document', () => {
  for (const [text, expected] of [
    [get('/v1/pets', [TRACE]), [200]],
    [get('/v1/pets?limit=100&tags=a,b&filter[age]=3', [TRACE, 'Cookie: session=1']), [200]],
    [get('/v1/pets'), [400, "header : must have required property 'x-trace'"]],
    [
      get('/v1/pets?limit=101&tags=a,bbbbbb&filter[age]=x&filter[y]=1', ['X-Trace: Z', 'Cookie: session=a']),
      [
        400,
        'query /limit: must be <= 100',
        'query /tags/1: must NOT have more than 5 characters',
        'query /filter/y: is not known here',
        'query /filter/age: must be integer',
        'header /x-trace: must match pattern "^[0-9a-f]+$"',
        'cookie /session: must be integer',
      ],
    ],
    [get('/v1/pets?note=%7B%22a%22:1%7D&page=%7B%7D&blob=x', [TRACE]), [200]],
    [get('/v1/pets?note=1,2', [TRACE]), [200]],
    [
      get('/v1/pets?note=0123456789&page=1', [TRACE]),
      [400, 'query /note: must NOT have more than 9 characters', 'query /page: must be object'],
    ],
    [get('/v1/pets', [TRACE, 'Cookie: session=1; session=x']), [400, 'cookie /session: stands twice']],
    [
      Buffer.concat([
        Buffer.from(get('/v1/pets/1', ['Content-Type: application/json', 'Content-Length: 2'])),
        Buffer.from('{}'),
      ]),
      [400, 'body : is not described'],
    ],
    [
      Buffer.from(`${get('/v1/pets/1', ['Transfer-Encoding: chunked'])}2\r\n{}\r\n0\r\n\r\n`),
      [400, 'body : is not described'],
    ],
    [Buffer.from(`${get('/v1/pets/1', ['Transfer-Encoding: chunked'])}0\r\n\r\n`), [200]],
    [get('/v1/pets/1'), [200]],
    [get('/v1/pets/0'), [400, 'path /pet_id: must be > 0']],
    [get('/v1/pets/x'), [400, 'path /pet_id: must be integer']],
    [get('/v1/cats'), [404, 'route_not_found']],
    [request(['DELETE /v1/pets HTTP/1.1', HOST]), [405, 'method_not_allowed']],
    [post('{"name":"Rex","tag":null}'), [201]],
    [
      post('{"name":"Rex","friends":[{"tag":1}]}'),
      [
        400,
        "body /friends/0: must have required property 'name'",
        'body /friends/0/tag: must be string,null',
      ],
    ],
    [post(gzipSync('{"name":"Rex"}'), ['Content-Type: application/json', 'Content-Encoding: gzip']), [201]],
    [post('<pet/>', ['Content-Type: application/xml']), [415, 'unsupported_media_type']],
    ...['any', 'application'].map((place) => {
      const list = place === 'application';
      const body = list ? '[{"name":1}]' : '{"name":1}';
      return [
        post(body, ['Content-Type: application/json'], `/v1/${place}/pets`),
        [400, `body ${list ? '/0' : ''}/name: must be string`],
      ] as const;
    }),
    [post('name=Rex&tag=a', ['Content-Type: application/x-www-form-urlencoded'], '/v1/any/pets'), [201]],
    [
      post('tag=a', ['Content-Type: application/x-www-form-urlencoded'], '/v1/any/pets'),
      [400, "body : must have required property 'name'"],
    ],
    [post('<pet/>', ['Content-Type: application/xml'], '/v1/any/pets'), [201]],
    [post('{"a":1}', ['Content-Type: application/json'], '/v1/octets/pets'), [201]],
    [post('x', ['Content-Type: text/plain'], '/v1/octets/pets'), [201]],
    [post(''), [400, 'body : is missing']],
  ] as const) {
    test(`answers ${text.toString('latin1').split('\r\n')[0]} with ${JSON.stringify(expected)}`, async () => {
      await petstore('', async (client, asked) => {
        await client.send(text);
        assert.deepEqual(await verdict(client), expected);
        assert.equal(asked.length, expected[0] < 400 ? 1 : 0);
      });
    });
  }

  test('has one request after the other checked on a connection, pipelined ones too', async () => {
    await petstore('', async (client) => {
      await client.send(
        Buffer.concat([
          post('{"name":1}'),
          post('{'),
          post('{"name":"Rex"}'),
          Buffer.from(get('/v1/pets/1')),
        ]),
      );
      const statuses = [];
      for (let i = 0; i < 4; i++) statuses.push((await client.answer()).status);
      assert.deepEqual(statuses, [400, 400, 201, 200]);
    });
  });

  const answers = async (client: RawClient) => {
    const statuses: (readonly unknown[])[] = [];
    for (const id of [1, 2, 3, 4]) {
      await client.send(get(`/v1/pets/${id}`));
      statuses.push(await verdict(client));
    }
    await client.send(get('/v1/pets', [TRACE]));
    return [...statuses, await verdict(client)];
  };

  test('refuses answers that are not as it says', async () => {
    const wrong = [502, 'invalid_response'];
    const gateway = await petstore(', validate: { response: enforce }', async (client) => {
      assert.deepEqual(await answers(client), [[200], wrong, wrong, wrong, [200]]);
    });
    assert.match(gateway.metrics(), /policy="validate",event="response_refused"\} 3/);
  });

  test('tells of answers that are not as it says, and lets them pass', async () => {
    const gateway = await petstore(', validate: { response: report }', async (client) => {
      assert.deepEqual(await answers(client), [[200], [200], [200], [404], [200]]);
    });
    assert.deepEqual(
      gateway.warnings.map((line) => line.replace(/^.* is not as described: /, '')),
      [
        'the body of its status 200: /id must be integer',
        'the Content-Type of its status 200 is not described',
        'its status 404 is not described',
      ],
    );
  });

  test('lets bodies pass that it does not describe, if the configuration says so', async () => {
    await petstore(', validate: { undescribedBody: pass }', async (client) => {
      await client.send(get('/v1/pets/1', ['Content-Length: 2']));
      await client.send('{}');
      assert.equal((await client.answer()).status, 200);
    });
  });

  test('checks no requests where that is switched off', async () => {
    await petstore(', validate: { request: false }', async (client) => {
      await client.send(get('/v1/pets/x'));
      assert.equal((await client.answer()).status, 500);
    });
  });

  test('is under another base path and for other hosts if the configuration says so', async () => {
    await petstore(', basePath: /store, hosts: [a.example]', async (client) => {
      await client.send(get('/store/pets/1'));
      assert.equal((await client.answer()).status, 200);
      await client.send(request(['GET /store/pets/1 HTTP/1.1', 'Host: b.example']));
      assert.equal((await client.answer()).status, 404);
    });
  });

  test('is where explain finds its routes', async () => {
    using files = new Workspace({
      'portcullis.yaml': `services: { pets: { url: http://127.0.0.1:1 } }
apis:
  petstore: { openapi: petstore.yaml, service: pets, policies: [request-size: { max: 1kb }] }
`,
      'petstore.yaml': PETSTORE,
      'common.json': COMMON,
    });
    const loaded = await loadConfig(files.path('portcullis.yaml'));
    assert.ok(loaded.ok);
    assert.deepEqual(
      loaded.config.files,
      ['portcullis.yaml', 'petstore.yaml'].map((name) => files.path(name)),
    );
    const explained = await explainRequest(loaded.config, { method: 'POST', url: '/v1/pets', headers: [] });
    assert.ok(explained.ok);
    const { route, policies } = explained.explanation;
    assert.deepEqual(
      [route?.name, route?.place],
      ['petstore.createPet', { file: files.path('petstore.yaml'), line: 26, column: 5 }],
    );
    assert.deepEqual(
      policies.map(({ name, place }) => [name, place?.file, place?.line]),
      [
        ['cors', files.path('portcullis.yaml'), 3],
        ['request-size', files.path('portcullis.yaml'), 3],
        ['validate', files.path('petstore.yaml'), 26],
      ],
    );
  });
});
