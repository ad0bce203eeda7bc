import type { z } from 'zod';
import { ADMIN_COOKIE } from '../../../identity/sessions/session-cookie.ts';
import type { AnswerField, DescribedShape, Endpoint, EndpointBody } from '../endpoint.ts';
import { componentOf } from './components.ts';
import { jsonSchemaOf, openApiSchemas, reference, type Schema } from './openapi-schemas.ts';

const JSON_TYPE = 'application/json';
const text = { type: 'string' };

/** Fields of answers, among the components. */
const FIELDS: Readonly<Record<AnswerField | ProblemField, Schema>> = {
  ETag: {
    description: 'The version, for If-Match and If-None-Match; of an export, the revision',
    schema: text,
  },
  'Last-Modified': {
    description:
      'When the entity was changed; none of the file, APIs and certificates, which show more than that',
    schema: text,
  },
  Location: { description: 'Where it is', schema: { type: 'string', format: 'uri-reference' } },
  Vary: { description: 'What the answer depends on', schema: text },
  'Set-Cookie': { description: 'Begins or ends a login', schema: text },
  'Retry-After': {
    description: 'Of 429 and 503: after how many seconds to come again',
    schema: { type: 'integer', minimum: 0 },
  },
  'WWW-Authenticate': { description: 'Of 401: how to say who you are', schema: text },
  Allow: { description: 'Of 405: what there is at this path', schema: text },
  Accept: { description: 'Of 415: what there may be in the body', schema: text },
  'Accept-Encoding': { description: 'Of 415: a body has no content coding here', schema: text },
  'Accept-Patch': { description: 'Of 415 to a PATCH (RFC 5789)', schema: text },
};
type ProblemField =
  | 'Retry-After'
  | 'WWW-Authenticate'
  | 'Allow'
  | 'Accept'
  | 'Accept-Encoding'
  | 'Accept-Patch';

/** Answers that say no, among the components. */
const PROBLEMS = {
  Unauthenticated: problemOf('401: nobody said who they are, or they are not known', ['WWW-Authenticate']),
  PreconditionFailed: problemOf('412: it is not the version that the request is for'),
  Problem: problemOf('Anything else: problem details (RFC 9457)', [
    'Retry-After',
    'Allow',
    'Accept',
    'Accept-Encoding',
    'Accept-Patch',
  ]),
};

/** How callers say who they are: what a 401 asks for, and the cookie that a login in a browser leaves. */
const SECURITY_SCHEMES = {
  token: { type: 'http', scheme: 'bearer', description: 'A token of yours, or of a service account' },
  password: { type: 'http', scheme: 'basic', description: 'Name and password of a local user' },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: ADMIN_COOKIE,
    description:
      'Of a login at /login. A request that changes something has to say where it is from (Origin or Sec-Fetch-Site), as browsers do',
  },
};

export interface DescribedGateway {
  readonly version: string;
  /** Whether it asks nobody who they are. */
  readonly isOpen: boolean;
}

/** The OpenAPI 3.1 document of the endpoints: their schemas are those that requests are read by. */
export function openApiDocument(
  endpoints: readonly Endpoint[],
  { version, isOpen }: DescribedGateway,
): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const endpoint of endpoints) {
    const item = (paths[endpoint.path] ??= {});
    item[endpoint.method.toLowerCase()] = operationOf(endpoint);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Portcullis admin API',
      description:
        'The configuration of the gateway, as its file has it: collections of entities by name. Every change is checked as a whole and ' +
        'takes effect at once and everywhere, or is refused with the reason.',
      version,
    },
    servers: [{ url: '/' }],
    // One of them; none at all where nobody is asked.
    security: [...Object.keys(SECURITY_SCHEMES).map((name) => ({ [name]: [] })), ...(isOpen ? [{}] : [])],
    tags: [...new Set(endpoints.map(tagOf))].map((name) => ({ name })),
    paths,
    components: {
      schemas: openApiSchemas(),
      responses: PROBLEMS,
      headers: FIELDS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

function operationOf(endpoint: Endpoint): Schema {
  const isPublic = endpoint.access === 'public';
  const parameters = [
    ...parametersOf('path', endpoint.parameters),
    ...parametersOf('query', endpoint.query),
    ...Object.entries(endpoint.fields ?? {}).map(([name, description]) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
  ];
  return {
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    tags: [tagOf(endpoint)],
    ...(parameters.length === 0 ? undefined : { parameters }),
    ...(endpoint.body === undefined ? undefined : { requestBody: bodyOf(endpoint.body) }),
    ...(isPublic ? { security: [] } : undefined),
    responses: {
      ...answersOf(endpoint),
      ...(isPublic ? undefined : { 401: { $ref: '#/components/responses/Unauthenticated' } }),
      ...(endpoint.fields?.['if-match'] === undefined
        ? undefined
        : { 412: { $ref: '#/components/responses/PreconditionFailed' } }),
      default: { $ref: '#/components/responses/Problem' },
    },
  };
}

/** listRoutes, replaceRoute; what is about no whole entity by its method and path: getReadyz, getApisNameStatus. */
function operationId({ method, path, collection = 'all' }: Endpoint): string {
  if (collection !== 'all' && path === `/v1/${collection}`)
    return method === 'GET' ? `list${capital(collection)}` : `create${componentOf(collection)}`;
  if (collection !== 'all' && path === `/v1/${collection}/{name}`)
    return `${method === 'PUT' ? 'replace' : method.toLowerCase()}${componentOf(collection)}`;
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '' && word !== 'v1');
  return `${method.toLowerCase()}${words.length === 0 ? 'Root' : words.map(capital).join('')}`;
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function tagOf({ path, collection = 'all' }: Endpoint): string {
  return collection !== 'all' ? collection : path.startsWith('/v1/') ? 'configuration' : 'gateway';
}

function parametersOf(place: 'path' | 'query', shape: z.ZodObject | undefined): Schema[] {
  if (shape === undefined) return [];
  const { properties = {}, required = [] } = jsonSchemaOf(shape, 'input') as {
    readonly properties?: Readonly<Record<string, Schema>>;
    readonly required?: readonly string[];
  };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    name,
    in: place,
    ...(description === undefined ? undefined : { description }),
    ...(required.includes(name) ? { required: true } : undefined),
    // A flag may stand alone: ?dry-run
    ...(schema['type'] === 'boolean' && place === 'query' ? { allowEmptyValue: true } : undefined),
    schema,
  }));
}

function bodyOf({ types, shape, example }: EndpointBody): Schema {
  return { required: true, content: contentOf(types, shape, 'input', example) };
}

function answersOf({ answers }: Endpoint): Record<string, Schema> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, types, shape, fields }]) => [
      status,
      {
        description,
        ...(fields === undefined ? undefined : { headers: fieldsOf(fields) }),
        ...(types === undefined && shape === undefined
          ? undefined
          : { content: contentOf(types ?? [JSON_TYPE], shape, 'output') }),
      },
    ]),
  );
}

function problemOf(description: string, fields: readonly ProblemField[] = []): Schema {
  return {
    description,
    ...(fields.length === 0 ? undefined : { headers: fieldsOf(fields) }),
    content: { 'application/problem+json': { schema: reference('Problem') } },
  };
}

function fieldsOf(fields: readonly (AnswerField | ProblemField)[]): Schema {
  return Object.fromEntries(fields.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

function contentOf(
  types: readonly string[],
  shape: DescribedShape | undefined,
  io: 'input' | 'output',
  example?: unknown,
): Schema {
  const media: Schema = {
    ...(shape === undefined ? undefined : { schema: schemaOf(shape, io) }),
    ...(example === undefined ? undefined : { example }),
  };
  return Object.fromEntries(types.map((type) => [type, media]));
}

function schemaOf(shape: DescribedShape, io: 'input' | 'output'): Schema {
  return 'component' in shape ? reference(shape.component) : jsonSchemaOf(shape, io);
}
