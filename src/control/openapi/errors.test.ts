import { describe } from 'node:test';
import { checkErrors, type ErrorCase } from '../config/errors.support.ts';

const CONFIG = `services:
  pets: { url: http://127.0.0.1:3000 }
apis:
  store:
    openapi: store.yaml
    service: pets
`;

const HEAD = `openapi: 3.1.0
info: { title: Store, version: '1' }
`;

/** A document with one operation, whose body has this schema. */
const withSchema = (schema: string, head = HEAD) => `${head}paths:
  /pets:
    post:
      requestBody:
        content:
          application/json:
            schema: ${schema}
      responses: {}
`;

const withStore = (title: string, store: string, errors: string, config = CONFIG): ErrorCase => ({
  title,
  files: { 'portcullis.yaml': config, 'store.yaml': store },
  errors,
});

describe('An OpenAPI document', () => {
  checkErrors([
    {
      title: 'is missing',
      files: { 'portcullis.yaml': CONFIG },
      errors: `portcullis.yaml:5:14: apis.store.openapi: the file <dir>/store.yaml does not exist
   5 |     openapi: store.yaml
     |              ^^^^^^^^^^
`,
    },
    withStore(
      'is not YAML',
      'openapi: [',
      `store.yaml:1:11: flow sequence in block collection must be sufficiently indented and end with a ]
   1 | openapi: [
     |           ^
`,
    ),
    withStore(
      'is of another version',
      'openapi: 4.0.0\npaths: {}\n',
      `store.yaml:1:10: apis.store.openapi["store.yaml"].openapi: is not a version that is known here: openapi: 3.0.x or 3.1.x
   1 | openapi: 4.0.0
     |          ^^^^^
`,
    ),
    withStore(
      'is Swagger',
      "swagger: '2.0'\npaths: {}\n",
      `store.yaml:1:1: apis.store.openapi["store.yaml"].swagger: is an older format: convert the document to OpenAPI 3
   1 | swagger: '2.0'
     | ^^^^^^^
`,
    ),
    withStore(
      'has no operation',
      `${HEAD}paths: {}\n`,
      `store.yaml:3:1: warning: apis.store.openapi["store.yaml"].paths: has no operation
   3 | paths: {}
     | ^^^^^
`,
    ),
    withStore(
      'has a reference that leads nowhere',
      withSchema("{ $ref: '#/components/schemas/Pet' }"),
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: leads nowhere: there is no "components" in store.yaml
   9 |             schema: { $ref: '#/components/schemas/Pet' }
     |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    ),
    withStore(
      'has a reference to a file that is missing',
      withSchema("{ $ref: 'pets.yaml#/Pet' }"),
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: the file <dir>/pets.yaml does not exist
   9 |             schema: { $ref: 'pets.yaml#/Pet' }
     |                             ^^^^^^^^^^^^^^^^
`,
    ),
    withStore(
      'has a reference to elsewhere',
      withSchema("{ $ref: 'https://example.com/pet.yaml' }"),
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: leads out of here: write the path of a file beside this one
   9 |             schema: { $ref: 'https://example.com/pet.yaml' }
     |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    ),
    {
      title: 'has a reference to a file that is neither below it nor below the configuration',
      files: {
        'gateway/portcullis.yaml': CONFIG.replace('store.yaml', '../apis/store.yaml'),
        'apis/store.yaml': withSchema("{ $ref: 'sub/../../secrets/pets.yaml#/Pet' }"),
        'secrets/pets.yaml': 'Pet: {}',
      },
      errors: `apis/store.yaml:9:29: apis.store.openapi["../apis/store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: leads out of here: a file must be in the folder of the document or of the configuration, or below it
   9 |             schema: { $ref: 'sub/../../secrets/pets.yaml#/Pet' }
     |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    },
    withStore(
      'has a reference to a file far away, percent-encoded',
      withSchema("{ $ref: '%2e%2e/%2e%2e/etc/passwd' }"),
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: leads out of here: a file must be in the folder of the document or of the configuration, or below it
   9 |             schema: { $ref: '%2e%2e/%2e%2e/etc/passwd' }
     |                             ^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    ),
    withStore(
      'has a content type that stands twice',
      `${HEAD}paths:
  /pets:
    get:
      responses:
        '200':
          content:
            application/json; version=1: {}
            application/json; version=2: {}
            Application/JSON;version="1"; charset=utf-8: {}
`,
      `store.yaml:11:13: apis.store.openapi["store.yaml"].paths["/pets"].get.responses.200.content["Application/JSON;version=\\"1\\"; charset=utf-8"]: stands twice: a charset makes no other content type, and neither does case
  11 |             Application/JSON;version="1"; charset=utf-8: {}
     |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
      `${CONFIG}    validate: { response: report }\n`,
    ),
    withStore(
      'has references that lead to each other',
      `${withSchema("{ $ref: '#/components/schemas/A' }")}components:
  schemas:
    A: { $ref: '#/components/schemas/B' }
    B: { $ref: '#/components/schemas/A' }
`,
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$ref: leads to itself
   9 |             schema: { $ref: '#/components/schemas/A' }
     |                             ^^^^^^^^^^^^^^^^^^^^^^^^
`,
    ),
    {
      title: 'has a broken reference in a file beside it',
      files: {
        'portcullis.yaml': CONFIG,
        'store.yaml': withSchema("{ $ref: 'schemas/pets.json#/Pet' }"),
        'schemas/pets.json': '{\n  "Pet": { "properties": { "owner": { "$ref": "#/Owner" } } }\n}\n',
      },
      errors: `schemas/pets.json:2:47: apis.store.openapi["schemas/pets.json"].Pet.properties.owner.$ref: leads nowhere: there is no "Owner" in schemas/pets.json
   2 |   "Pet": { "properties": { "owner": { "$ref": "#/Owner" } } }
     |                                               ^^^^^^^^^
`,
    },
    withStore(
      'has a misspelt keyword',
      withSchema('{ type: object, propertys: {} }'),
      `store.yaml:9:37: warning: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.propertys: the keyword "propertys" is not known and has no effect; did you mean "properties"?
   9 |             schema: { type: object, propertys: {} }
     |                                     ^^^^^^^^^
`,
    ),
    withStore(
      'has a type that there is not',
      withSchema('{ type: strin }'),
      `store.yaml:9:29: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.type: is not JSON Schema (draft 2020-12): must be equal to one of the allowed values
   9 |             schema: { type: strin }
     |                             ^^^^^
`,
    ),
    withStore(
      'has a pattern that RE2 does not know',
      withSchema("{ type: string, pattern: '(?=a)b' }"),
      `store.yaml:9:46: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.pattern: the pattern "(?=a)b" has a look-ahead, (?= or (?!
   9 |             schema: { type: string, pattern: '(?=a)b' }
     |                                              ^^^^^^^^
`,
    ),
    withStore(
      'has an $id',
      withSchema('{ $id: pet, type: object }'),
      `store.yaml:9:23: apis.store.openapi["store.yaml"].paths["/pets"].post.requestBody.content["application/json"].schema.$id: $id is not supported: refer to schemas by $ref and their place
   9 |             schema: { $id: pet, type: object }
     |                       ^^^
`,
    ),
    withStore(
      'has a path that no route can have',
      `${HEAD}paths:\n  '/pets/{id}.json':\n    get: { responses: {} }\n`,
      `store.yaml:4:3: apis.store.openapi["store.yaml"].paths["/pets/{id}.json"]: /pets/{id}.json: a capture takes a whole segment, such as /{name}/; it cannot be a part of one as in {id}.json
   4 |   '/pets/{id}.json':
     |   ^^^^^^^^^^^^^^^^^
`,
    ),
    withStore(
      'has paths that tie',
      `${HEAD}paths:\n  /pets/{id}:\n    get: { responses: {} }\n  /pets/{name}:\n    get: { responses: {} }\n`,
      `store.yaml:7:5: apis.store.openapi["store.yaml"].paths["/pets/{name}"].get: ties with the operation store.get-pets-id of the API store: both match, and nothing says which goes first. Give one of them a priority
   7 |     get: { responses: {} }
     |     ^^^
     = apis.store.openapi["store.yaml"].paths["/pets/{id}"].get is in line 5
     = a request that shows it: GET https://example.com/pets/any
`,
    ),
    withStore(
      'ties with a route of the configuration',
      `${HEAD}paths:\n  /pets:\n    get: { responses: {} }\n`,
      `store.yaml:5:5: apis.store.openapi["store.yaml"].paths["/pets"].get: ties with pets: both match, and nothing says which goes first. Give one of them a priority
   5 |     get: { responses: {} }
     |     ^^^
     = routes.pets is in line 8 of <dir>/portcullis.yaml
     = a request that shows it: GET https://example.com/pets
`,
      `${CONFIG}routes:\n  pets: { match: { paths: [/pets], methods: [GET] }, service: pets }\n`,
    ),
    withStore(
      'has two operations of one name',
      `${HEAD}paths:\n  /pets:\n    get: { operationId: a, responses: {} }\n    post: { operationId: a, responses: {} }\n`,
      `store.yaml:6:5: apis.store.openapi["store.yaml"].paths["/pets"].post: the name of its route, store.a, is taken: give it an operationId of its own
   6 |     post: { operationId: a, responses: {} }
     |     ^^^^
`,
    ),
    withStore(
      'has a parameter in no place, and one in a style that is not known',
      `${HEAD}paths:
  /pets/{id}:
    parameters:
      - { name: id, in: path, required: true, style: matrix, schema: {} }
      - { name: other, in: body }
    get: { responses: {} }
`,
      `store.yaml:7:9: apis.store.openapi["store.yaml"].paths["/pets/{id}"].parameters[1]: is not a parameter: it needs a name, and in: path, query, header or cookie
   7 |       - { name: other, in: body }
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^
store.yaml:6:9: warning: apis.store.openapi["store.yaml"].paths["/pets/{id}"].parameters[0]: its style matrix is not supported, so it is not checked
   6 |       - { name: id, in: path, required: true, style: matrix, schema: {} }
     |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
`,
    ),
  ]);
});

describe('The configuration of an API', () => {
  checkErrors([
    withStore(
      'names a service that there is not',
      `${HEAD}paths:\n  /pets:\n    get: { responses: {} }\n    post: { responses: {} }\n`,
      `portcullis.yaml:6:14: warning: apis.store.service: there is no service "pet": its requests get 503 until there is one; did you mean "pets"?
   6 |     service: pet
     |              ^^^
`,
      CONFIG.replace('service: pets', 'service: pet'),
    ),
    withStore(
      'has a policy that is wrong',
      `${HEAD}paths:\n  /pets:\n    get: { responses: {} }\n    post: { responses: {} }\n`,
      `portcullis.yaml:8:30: apis.store.policies[0].request-size.max: is not a size: write a whole number and a unit, such as 512b, 64kb or 1mb
   8 |       - request-size: { max: 1 }
     |                              ^
`,
      `${CONFIG}    policies:\n      - request-size: { max: 1 }\n`,
    ),
    withStore(
      'has a secret in a line that is wrong',
      `${HEAD}paths:\n  /pets:\n    get: { responses: {} }\n`,
      `portcullis.yaml:7:71: apis.store.policies[0].headers.requets: unknown key "requets"; did you mean "request"?
   7 |     policies: [{ headers: { request: { set: { x-api-key: ******* } }, requets: {} } }]
     |                                                                       ^^^^^^^
`,
      `${CONFIG}    policies: [{ headers: { request: { set: { x-api-key: hunter2 } }, requets: {} } }]\n`,
    ),
    withStore(
      'has an option that is not known',
      withSchema('{}'),
      `portcullis.yaml:7:5: apis.store.validat: unknown key "validat"; did you mean "validate"?
   7 |     validat: {}
     |     ^^^^^^^
`,
      `${CONFIG}    validat: {}\n`,
    ),
    withStore(
      'has a parameter of the path that is not in the path',
      `${HEAD}paths:\n  /pets/{id}:\n    get:\n      parameters: [{ name: pet, in: path, required: true, schema: {} }]\n      responses: {}\n`,
      `store.yaml:6:28: apis.store.openapi["store.yaml"].paths["/pets/{id}"].get.parameters[0].name: is not in the path /pets/{id}
   6 |       parameters: [{ name: pet, in: path, required: true, schema: {} }]
     |                            ^^^
`,
    ),
  ]);
});
