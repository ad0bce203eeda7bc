import type { FileReader } from '../config/files.ts';
import type { Path } from '../config/place.ts';
import type { ConfigError, Problem } from '../config/problem.ts';
import { Documents } from '../openapi/documents.ts';
import { type OperationRoute, operationRoutes } from '../openapi/routes.ts';
import { type ApiConfig, apiSchema } from './api-schema.ts';
import { type PlacedUse, placeWithin } from './placed-use.ts';
import { absenceOf, type Target } from './target.ts';
import { usesOf } from './uses.ts';

/** A route that an API became. The same object as long as nothing changes that it follows from. */
export interface MadeRoute {
  readonly name: string;
  /** As it would be written in `routes`. */
  readonly route: object;
  /** Where it is written what stands at `way` within the route. */
  readonly placeOf: (way: Path) => Path;
}

/** What an API comes to. */
export interface Expansion {
  readonly routes: readonly MadeRoute[];
  readonly problems: readonly Problem[];
  /** Of documents that could not be read as data. */
  readonly errors: readonly ConfigError[];
  /** The OpenAPI document and what it refers to, which may change by themselves. */
  readonly documents: Documents | undefined;
  /** Why it has no target; undefined where it has one. */
  readonly pending: string | undefined;
}

/** All that an expansion follows from, beside documents: plain data. */
export interface ExpansionSource {
  /** The API as it is written. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly target: Target;
  /** Of its organization; undefined where it has none. */
  readonly pathPrefix: string | undefined;
  /** The policies of every route have `cors`. */
  readonly globalCors: boolean;
}

/** Undefined where what is wrong with the API is the schema's to tell. */
export function readApi(entry: unknown): ApiConfig | undefined {
  return apiSchema.safeParse(entry).data;
}

export async function expandApi(
  api: string,
  config: ApiConfig,
  source: ExpansionSource,
  files: FileReader,
): Promise<Expansion> {
  const { target } = source;
  const problems: Problem[] = [];
  if (target.kind === 'absent' && config.enabled) problems.push(absenceOf(api, target));
  const pending = target.kind === 'absent' ? target.reason : undefined;
  const made = { api, config, source };
  if (config.openapi === undefined)
    return { routes: [plainRoute(made)], problems, errors: [], documents: undefined, pending };
  const documents = new Documents(api, files, problems);
  const operations = await operationRoutes(api, config.openapi, config, documents);
  const routes = operations.map((operation) => operationRoute(made, operation, documents));
  return { routes, problems, errors: documents.errors, documents, pending };
}

interface Made {
  readonly api: string;
  readonly config: ApiConfig;
  readonly source: ExpansionSource;
}

function plainRoute(made: Made): MadeRoute {
  const { api, config } = made;
  const { methods } = config;
  const uses = policiesOf(made, methods);
  const place = ['apis', api];
  return {
    name: api,
    route: routeFor(
      made,
      config.paths,
      methods,
      uses.map(({ use }) => use),
    ),
    placeOf: (way) =>
      commonPlace(made, uses, way) ?? (way[0] === 'match' ? [...place, ...writtenAt(config, way)] : place),
  };
}

/** Where it is written what stands at `way`, which begins with `match`: the path that is one more is that of `/`. */
function writtenAt({ paths = [] }: ApiConfig, [, key, index, ...rest]: Path): Path {
  if (key !== 'paths' || typeof index !== 'number')
    return [key, index, ...rest].filter((each) => each !== undefined);
  return [key, index < paths.length ? index : paths.indexOf('/'), ...rest];
}

function operationRoute(made: Made, operation: OperationRoute, documents: Documents): MadeRoute {
  const { name, path, method, validation } = operation;
  const uses = policiesOf(made, [method]);
  return {
    name,
    route: routeFor(made, [path], [method], [...uses.map(({ use }) => use), ...validation]),
    placeOf: (way) => {
      const [key, inner] = way;
      if (key === 'match' && inner === 'paths') return documents.placed(operation.pathItem);
      return commonPlace(made, uses, way) ?? documents.placed(operation.operation);
    },
  };
}

function policiesOf({ api, config, source }: Made, methods: readonly string[] | undefined): PlacedUse[] {
  return usesOf({
    api,
    config,
    methods,
    written: source.entry,
    target: source.target,
    globalCors: source.globalCors,
  });
}

function routeFor(
  { config, source }: Made,
  paths: readonly string[] | undefined,
  methods: readonly string[] | undefined,
  policies: readonly object[],
): object {
  const { organization, enabled, hosts, protocols, priority } = config;
  const { target, entry } = source;
  const prefix = hosts === undefined && source.pathPrefix !== '/' ? source.pathPrefix : undefined;
  const served = prefix === undefined ? paths : pathsBelow(prefix, paths ?? ['/*']);
  const limits = entry['limits'] as { readonly timeout?: string } | undefined;
  return {
    ...(organization !== undefined && { organization }),
    ...(!enabled && { enabled }),
    match: {
      ...(hosts && { hosts }),
      ...(served && { paths: served }),
      ...(methods && { methods }),
      ...(protocols === 'http' && { protocols: ['http'] }),
    },
    ...(priority !== 0 && { priority }),
    policies,
    ...(target.kind === 'absent' ? { respond: NO_TARGET } : { service: target.service }),
    ...(prefix !== undefined && target.kind === 'service' && { rewrite: { stripPrefix: prefix } }),
    ...(limits?.timeout !== undefined && { timeout: limits.timeout }),
  };
}

/** What is at the prefix itself, `/`, is asked for with the slash and without it. */
function pathsBelow(prefix: string, paths: readonly string[]): string[] {
  const below = paths.map((path) => prefix + path);
  return paths.includes('/') ? [...below, prefix] : below;
}

const NO_TARGET = {
  status: 503,
  problem: { code: 'api_without_target', detail: 'Nothing does the work of this API yet.' },
};

/** Places that are the same for every route of an API; undefined for any other. */
function commonPlace({ api, source }: Made, uses: readonly PlacedUse[], way: Path): Path | undefined {
  const [key, inner] = way;
  const place = ['apis', api];
  if (key === 'service') return [...place, source.target.kind === 'function' ? 'function' : 'service'];
  if (key === 'timeout') return [...place, 'limits', 'timeout'];
  if (key === 'organization' || key === 'priority') return [...place, key];
  if (key === 'match' && inner === 'hosts') return [...place, ...way.slice(1)];
  const use = key === 'policies' && typeof inner === 'number' ? uses[inner] : undefined;
  return use && placeWithin(use, way.slice(2));
}
