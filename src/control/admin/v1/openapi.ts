import type { z } from 'zod';
import type { DescribedShape, Endpoint, EndpointAnswer, EndpointBody } from '../endpoint.ts';
import { componentOf } from './components.ts';
import { jsonSchemaOf, openApiSchemas, reference, type Schema } from './openapi-schemas.ts';

const JSON_TYPE = 'application/json';
const PROBLEM = {
  description: 'Anything else: problem details (RFC 9457)',
  content: { 'application/problem+json': { schema: reference('Problem') } },
};

/** The OpenAPI 3.1 document of the endpoints: their schemas are those that requests are read by. */
export function openApiDocument(endpoints: readonly Endpoint[], version: string): Schema {
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
    tags: [...new Set(endpoints.map(tagOf))].map((name) => ({ name })),
    paths,
    components: { schemas: openApiSchemas() },
  };
}

function operationOf(endpoint: Endpoint): Schema {
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
    responses: { ...answersOf(endpoint), default: PROBLEM },
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
  return { required: true, content: contentOf(types, shape, example) };
}

function answersOf({ answers }: Endpoint): Record<string, Schema> {
  const described: Readonly<Record<string, EndpointAnswer>> = answers ?? {
    200: { description: 'JSON', types: [JSON_TYPE] },
  };
  return Object.fromEntries(
    Object.entries(described).map(([status, { description, types, shape }]) => [
      status,
      {
        description,
        ...(types === undefined && shape === undefined
          ? undefined
          : { content: contentOf(types ?? [JSON_TYPE], shape) }),
      },
    ]),
  );
}

function contentOf(types: readonly string[], shape: DescribedShape | undefined, example?: unknown): Schema {
  const media: Schema = {
    ...(shape === undefined ? undefined : { schema: schemaOf(shape) }),
    ...(example === undefined ? undefined : { example }),
  };
  return Object.fromEntries(types.map((type) => [type, media]));
}

function schemaOf(shape: DescribedShape): Schema {
  return 'component' in shape ? reference(shape.component) : jsonSchemaOf(shape, 'input');
}
