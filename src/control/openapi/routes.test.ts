import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Workspace } from '../../../test/support/cli.ts';
import { loadConfig } from '../config/load.ts';

const HEAD = 'openapi: 3.1.0\ninfo: { title: a, version: "1" }\n';

/** `name method path` of each route. */
async function routesOf(document: string, options = ''): Promise<string[]> {
  using files = new Workspace({
    'portcullis.yaml': `services: { s: { url: http://127.0.0.1:1 } }
apis: { a: { openapi: a.yaml, service: s${options} } }
`,
    'a.yaml': document,
  });
  const loaded = await loadConfig(files.path('portcullis.yaml'));
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return Object.entries(loaded.config.dataPlane.routes).map(
    ([name, { match }]) => `${name} ${match.methods?.join()} ${match.paths?.join()}`,
  );
}

const GET = '    get: { responses: {} }\n';

suite('The routes of an OpenAPI document', () => {
  for (const [title, document, routes, options] of [
    [
      'are named by method and path',
      `${HEAD}paths:\n  /a/{b-c}/d.e:\n${GET}`,
      ['a.get-a-b-c-d-e GET /a/{b_c}/d.e'],
    ],
    [
      'are named by operationId',
      `${HEAD}paths:\n  /:\n    get: { operationId: 'list things', responses: {} }\n`,
      ['a.list-things GET /'],
    ],
    [
      'are written as requests are normalised',
      `${HEAD}paths:\n  /é/{1}:\n${GET}`,
      ['a.get-1 GET /%C3%A9/{_1}'],
    ],
    [
      'are one for each method, HEAD beside GET too',
      `${HEAD}paths:\n  /a:\n${GET}    head: { responses: {} }\n    x-other: {}\n    summary: s\n`,
      ['a.get-a GET /a', 'a.head-a HEAD /a'],
    ],
    [
      'are under the path of the first server',
      `${HEAD}servers: [{ url: '{s}://h/{v}/', variables: { s: { default: https }, v: { default: v2 } } }, { url: /v1 }]\npaths:\n  /a:\n${GET}`,
      ['a.get-a GET /v2/a'],
    ],
    [
      'are under a path of a server alone',
      `${HEAD}servers: [{ url: /v1 }]\npaths:\n  /a:\n${GET}`,
      ['a.get-a GET /v1/a'],
    ],
    [
      'are under the path of the first server of their operation, or else of their path',
      `${HEAD}servers: [{ url: /v1 }]\npaths:\n  /a:\n    servers: [{ url: https://x.example/other }]\n${GET}    put: { servers: [{ url: / }], responses: {} }\n  /b:\n${GET}`,
      ['a.get-a GET /other/a', 'a.put-a PUT /a', 'a.get-b GET /v1/b'],
    ],
    [
      'are under the path that the configuration says',
      `${HEAD}servers: [{ url: /v1 }]\npaths:\n  /a:\n    servers: [{ url: /v2 }]\n${GET}`,
      ['a.get-a GET /a'],
      ', basePath: /',
    ],
    [
      'come from path items that are referred to',
      `${HEAD}paths:\n  /a: { $ref: '#/components/pathItems/A' }\ncomponents:\n  pathItems:\n    A:\n      get: { responses: {} }\n`,
      ['a.get-a GET /a'],
    ],
  ] as const) {
    test(title, async () => assert.deepEqual(await routesOf(document, options), routes));
  }
});
