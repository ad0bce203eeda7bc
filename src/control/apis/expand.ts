import { entityName } from '../../lib/entity-name.ts';
import { isRecord } from '../../lib/is-record.ts';
import { sameData } from '../../lib/same-data.ts';
import type { FileReader } from '../config/files.ts';
import { entriesOf, type Path } from '../config/place.ts';
import type { ConfigError, Problem } from '../config/problem.ts';
import type { ConfigSource } from '../config/source.ts';
import { type Expansion, type ExpansionSource, expandApi, type MadeRoute, readApi } from './expansion.ts';
import { pathPrefixOf } from './path-prefix.ts';
import { Targets } from './target.ts';

/** A configuration with the routes of its APIs among its own. */
export interface ExpandedSource {
  /** Finds the places of those routes in what they were made of. */
  readonly source: ConfigSource;
  /** What is wrong with a route that was made is wrong with what it was made of. */
  readonly placed: (problem: Problem) => Problem;
  /** Of documents that could not be read as data. */
  readonly errors: readonly ConfigError[];
  /** APIs that the schema has nothing to say of. */
  readonly sound: ReadonlySet<string>;
  /** APIs that have no target, with the reason. */
  readonly pending: ReadonlyMap<string, string>;
  /** Names of the routes that were made, with the names of their APIs. */
  readonly apiOf: ReadonlyMap<string, string>;
}

/** Expansions of a load with what they follow from, for the next one: an API that did not change has the same routes, object for object. */
export class KnownExpansions {
  #known = new Map<string, { readonly source: ExpansionSource; readonly expansion: Expansion }>();
  #next = new Map<string, { readonly source: ExpansionSource; readonly expansion: Expansion }>();

  find(api: string, source: ExpansionSource): Expansion | undefined {
    const known = this.#known.get(api);
    if (known === undefined || !sameData(known.source, source)) return undefined;
    this.#next.set(api, known);
    return known.expansion;
  }

  add(api: string, source: ExpansionSource, expansion: Expansion): void {
    // Documents may change by themselves.
    if (expansion.documents === undefined) this.#next.set(api, { source, expansion });
  }

  /** All APIs of a configuration were looked at: what it has no more is forgotten. */
  turn(): void {
    this.#known = this.#next;
    this.#next = new Map();
  }
}

/** Makes the routes of `apis`. What is wrong with them becomes problems; what the schema tells is left to it. */
export async function expandApis(
  source: ConfigSource,
  files: FileReader,
  problems: Problem[],
  known: KnownExpansions,
): Promise<ExpandedSource> {
  const written = source.value;
  const apis = isRecord(written) ? entriesOf(written['apis']) : [];
  if (!isRecord(written) || apis.length === 0) return nothing(source);
  const expansions = await expandAll(written, apis, files, known);
  const routes: Record<string, unknown> = isRecord(written['routes']) ? { ...written['routes'] } : {};
  const origins = new Map<string, MadeRoute>();
  const apiOf = new Map<string, string>();
  for (const [api, { routes: made, problems: found }] of expansions) {
    problems.push(...found);
    for (const route of made) {
      const { name } = route;
      if (Object.hasOwn(routes, name)) {
        problems.push(takenName(api, route));
        continue;
      }
      routes[name] = route.route;
      origins.set(name, route);
      apiOf.set(name, api);
    }
  }
  const place = (path: Path): Path => {
    const made = path[0] === 'routes' ? origins.get(String(path[1])) : undefined;
    return made === undefined ? path : made.placeOf(path.slice(2));
  };
  return {
    source: {
      file: source.file,
      value: { ...written, routes },
      locate: (path) => {
        const at = place(path);
        const isInDocument = at[0] === 'apis' && at[2] === 'openapi' && at.length > 3;
        const documents = isInDocument ? expansions.get(String(at[1]))?.documents : undefined;
        return documents?.locate(at) ?? source.locate(at);
      },
    },
    placed: (problem) => ({
      ...problem,
      path: place(problem.path),
      ...(problem.related && { related: place(problem.related) }),
    }),
    errors: [...expansions.values()].flatMap(({ errors }) => errors),
    sound: new Set(expansions.keys()),
    pending: new Map(
      [...expansions].flatMap(([api, { pending }]) => (pending === undefined ? [] : [[api, pending]])),
    ),
    apiOf,
  };
}

function nothing(source: ConfigSource): ExpandedSource {
  const none = new Map<string, string>();
  return { source, placed: (problem) => problem, errors: [], sound: new Set(), pending: none, apiOf: none };
}

async function expandAll(
  written: Record<string, unknown>,
  apis: readonly (readonly [name: string, entry: unknown])[],
  files: FileReader,
  known: KnownExpansions,
): Promise<Map<string, Expansion>> {
  const targets = new Targets(written);
  const globalCors = hasCors(written['policies']);
  const expansions = new Map<string, Expansion>();
  for (const [api, entry] of apis) {
    if (!isRecord(entry) || !entityName.safeParse(api).success) continue;
    const source: ExpansionSource = {
      entry,
      target: targets.of(entry),
      pathPrefix: prefixOf(written['organizations'], entry['organization']),
      globalCors,
    };
    let expansion = known.find(api, source);
    if (expansion === undefined) {
      const config = readApi(entry);
      if (config === undefined) continue;
      expansion = await expandApi(api, config, source, files);
      known.add(api, source, expansion);
    }
    expansions.set(api, expansion);
  }
  known.turn();
  return expansions;
}

function hasCors(policies: unknown): boolean {
  return Array.isArray(policies) && policies.some((use) => isRecord(use) && Object.hasOwn(use, 'cors'));
}

/** Undefined for no organization. */
function prefixOf(organizations: unknown, name: unknown): string | undefined {
  if (typeof name !== 'string') return undefined;
  const isKnown = isRecord(organizations) && Object.hasOwn(organizations, name);
  return pathPrefixOf(name, isKnown ? organizations[name] : undefined);
}

function takenName(api: string, { name, placeOf }: MadeRoute): Problem {
  if (name !== api)
    return {
      path: placeOf([]),
      message: `the name of its route, ${name}, is taken: give it an operationId of its own`,
    };
  return {
    path: ['apis', api],
    message: `the name of its route, ${name}, is taken by another route: give one of them another name`,
    atKey: true,
  };
}
