import { isRecord } from '../../lib/is-record.ts';
import { encodeRest, IN_PATH } from '../../policy/percent.ts';
import type { FileReader } from '../config/files.ts';
import { entriesOf, type Path } from '../config/place.ts';
import type { ConfigError, Problem } from '../config/problem.ts';
import type { ConfigSource } from '../config/source.ts';
import { child, children, Documents, type Node, type Operation } from './documents.ts';
import { captureName } from './parameters.ts';
import { type ApiConfig, apiSchema } from './schema.ts';

/** A configuration with the routes of its OpenAPI documents among its own. */
export interface ExpandedSource {
  /** Finds the places of those routes in the documents. */
  readonly source: ConfigSource;
  /** What is wrong with a route that was made is wrong with what it was made of. */
  readonly placed: (problem: Problem) => Problem;
  /** Of documents that could not be read as data. */
  readonly errors: readonly ConfigError[];
}

/** What a route was made of. */
interface Origin {
  readonly api: string;
  readonly documents: Documents;
  readonly pathItem: Node;
  readonly operation: Node;
  /** Policies of the API itself, which come first. */
  readonly ownPolicies: number;
}

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'];

/** Makes the routes of `apis`. What is wrong with the documents becomes problems; what is wrong with `apis` itself is the schema's to tell. */
export async function expandApis(
  source: ConfigSource,
  files: FileReader,
  problems: Problem[],
): Promise<ExpandedSource> {
  const written = source.value;
  const apis = isRecord(written) ? entriesOf(written['apis']) : [];
  if (!isRecord(written) || apis.length === 0) return { source, placed: (problem) => problem, errors: [] };
  const routes: Record<string, unknown> = isRecord(written['routes']) ? { ...written['routes'] } : {};
  const origins = new Map<string, Origin>();
  const opened = new Map<string, Documents>();
  for (const [api, entry] of apis) {
    const parsed = apiSchema.safeParse(entry);
    if (!parsed.success || !isRecord(entry)) continue;
    const documents = new Documents(api, files, problems);
    opened.set(api, documents);
    for (const made of await routesOf(api, parsed.data, documents)) {
      if (Object.hasOwn(routes, made.name)) {
        documents.wrong(
          made.operation,
          `the name of its route, ${made.name}, is taken: give it an operationId of its own`,
        );
        continue;
      }
      routes[made.name] = { ...made.route, policies: [...parsed.data.policies, ...made.validation] };
      const { pathItem, operation } = made;
      origins.set(made.name, {
        api,
        documents,
        pathItem,
        operation,
        ownPolicies: parsed.data.policies.length,
      });
    }
  }
  const origin = (path: Path) => originOf(path, origins);
  return {
    source: {
      file: source.file,
      value: { ...written, routes },
      locate: (path) => {
        const at = origin(path);
        const documents =
          at[0] === 'apis' && at[2] === 'openapi' && at.length > 3 ? opened.get(String(at[1])) : undefined;
        return documents?.locate(at) ?? source.locate(at);
      },
    },
    placed: (problem) => ({
      ...problem,
      path: origin(problem.path),
      ...(problem.related && { related: origin(problem.related) }),
    }),
    errors: [...opened.values()].flatMap((documents) => documents.errors),
  };
}

/** The place in `apis` or in a document that a place in a route was made of; any other path as it is. */
function originOf(path: Path, origins: ReadonlyMap<string, Origin>): Path {
  const [collection, route, key, inner] = path;
  const origin = collection === 'routes' ? origins.get(String(route)) : undefined;
  if (origin === undefined) return path;
  const { api, documents, pathItem, operation, ownPolicies } = origin;
  if (key === 'service') return ['apis', api, 'service'];
  if (key === 'match' && inner === 'hosts') return ['apis', api, 'hosts', ...path.slice(4)];
  if (key === 'match' && inner === 'paths') return documents.placed(pathItem);
  if (key === 'policies' && typeof inner === 'number' && inner < ownPolicies)
    return ['apis', api, 'policies', ...path.slice(3)];
  return documents.placed(operation);
}

interface MadeRoute {
  readonly name: string;
  readonly route: object;
  /** The use of `validate`, if there is one. */
  readonly validation: readonly object[];
  readonly pathItem: Node;
  readonly operation: Node;
}

async function routesOf(api: string, config: ApiConfig, documents: Documents): Promise<MadeRoute[]> {
  const root = await documents.openRoot(config.openapi);
  const version = root && versionOf(root, documents);
  if (root === undefined || version === undefined) return [];
  // With ajv, which is loaded where there is a document.
  const { SchemaConverter } = await import('./convert-schema.ts');
  const { validateOptions } = await import('./operation.ts');
  const converter = new SchemaConverter(documents, version === '3.0');
  const basePath = config.basePath ?? serverPath(root);
  const made: MadeRoute[] = [];
  for (const [path, written] of children(child(root, 'paths'))) {
    if (path.startsWith('x-')) continue;
    const pathItem = await documents.follow(written);
    if (pathItem === undefined) continue;
    for (const method of METHODS) {
      const node = child(pathItem, method);
      if (!isRecord(node.value)) continue;
      const options = await validateOptions(
        { path, pathItem, node } satisfies Operation,
        config.validate,
        documents,
        converter,
      );
      made.push({
        name: `${api}.${operationName(node, method, path)}`,
        route: {
          match: {
            ...(config.hosts && { hosts: config.hosts }),
            paths: [routePath(basePath, path)],
            methods: [method.toUpperCase()],
          },
          service: config.service,
        },
        validation: options === undefined ? [] : [{ validate: options }],
        pathItem: written,
        operation: node,
      });
    }
  }
  if (made.length === 0) documents.wrong(child(root, 'paths'), 'has no operation', { severity: 'warning' });
  // What is wrong with a schema is told already, and better than by the policy that would have to compile it.
  return documents.broken ? made.map((each) => ({ ...each, validation: [] })) : made;
}

function versionOf(root: Node, documents: Documents): '3.0' | '3.1' | undefined {
  const { openapi, swagger } = isRecord(root.value) ? root.value : {};
  const [, version] = /^(3\.[01])\.\d+/.exec(String(openapi)) ?? [];
  if (version !== undefined) return version as '3.0' | '3.1';
  if (swagger !== undefined)
    return documents.wrong(child(root, 'swagger'), 'is an older format: convert the document to OpenAPI 3', {
      atKey: true,
    });
  return documents.wrong(
    child(root, 'openapi'),
    'is not a version that is known here: openapi: 3.0.x or 3.1.x',
  );
}

/** The path of the first server, with the defaults of its variables; without a slash at its end. */
function serverPath(root: Node): string {
  const server = child(root, 'servers', 0);
  const url: unknown = child(server, 'url').value;
  if (typeof url !== 'string') return '';
  const filled = url.replaceAll(/\{([^}]*)\}/g, (_, name: string) => {
    const { value } = child(server, 'variables', name, 'default');
    return typeof value === 'string' ? value : '';
  });
  return filled.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, '').replace(/\/+$/, '');
}

/** As routes are written: captures by names that they know, all else as requests are normalised. */
function routePath(basePath: string, path: string): string {
  const parts = `${basePath.replace(/\/$/, '')}${path}`.split(/\{([^}/]*)\}/);
  return parts.map((part, i) => (i % 2 === 1 ? `{${captureName(part)}}` : encoded(part))).join('');
}

function encoded(text: string): string {
  return encodeRest(Buffer.from(text, 'utf8').toString('latin1'), IN_PATH);
}

const MAX_NAME = 60;

/** The operationId, or else method and path; as names of routes are written. */
function operationName(operation: Node, method: string, path: string): string {
  const id = child(operation, 'operationId').value;
  const text = typeof id === 'string' ? id : `${method}${path}`;
  return text
    .replaceAll(/[^A-Za-z0-9_]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, MAX_NAME);
}
