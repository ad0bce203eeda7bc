import type { ResolvedRoute } from '../../gateway/config.ts';
import { sameData } from '../../lib/same-data.ts';
import type { RouteConfig } from '../../routing/schema.ts';
import type { PolicyCatalog } from './catalog.ts';
import { isRecord } from './place.ts';
import { isModulePath } from './policies.ts';
import type { Problem } from './problem.ts';
import { holdsReference } from './secrets.ts';
import type { ConfigSource } from './source.ts';

/** A route of the last good load. Nothing was wrong with it, and what is written alike is as good. */
export interface KnownRoute {
  readonly written: unknown;
  readonly parsed: RouteConfig;
  /** The same object as before for a route that is the same as before, so that whoever compares sees it at once. */
  readonly resolved: ResolvedRoute;
  /** `resolved` as JSON. */
  readonly text: string;
  /** Its policies follow from what is written: no secret and no module of a user's, which every load looks at anew. */
  readonly fixed: boolean;
}

export type KnownRoutes = ReadonlyMap<string, KnownRoute>;

/**
 * What one load takes over from the one before, so that a reload costs as much as its changes. Give the same one to every load of
 * one file. With it or without, a load has the same result: only facts are kept that follow from what is compared. It is filled
 * by loads without errors, and holds what the last of them holds, secrets included.
 */
export class LoadCache {
  #source: { readonly text: string; readonly source: ConfigSource } | undefined;
  #catalog: PolicyCatalog | undefined;
  #routes: Map<string, KnownRoute> = new Map();
  #services: readonly string[] = [];
  #matching:
    | {
        readonly routes: readonly [name: string, config: RouteConfig][];
        readonly problems: readonly Problem[];
      }
    | undefined;

  /** What the file's text was read as, if it is the text of the last time. */
  sourceOf(file: string, text: string): ConfigSource | undefined {
    const last = this.#source;
    return last?.text === text && last.source.file === file ? last.source : undefined;
  }

  keepSource(text: string, source: ConfigSource): void {
    this.#source = { text, source };
  }

  /** The routes that are written as they were; none where other policies can be chosen from. */
  unchangedRoutes(routes: unknown, catalog: PolicyCatalog | undefined): KnownRoutes {
    const unchanged = new Map<string, KnownRoute>();
    if (catalog !== this.#catalog || this.#routes.size === 0 || !isRecord(routes)) return unchanged;
    for (const name of Object.keys(routes)) {
      const known = this.#routes.get(name);
      if (known !== undefined && sameData(known.written, routes[name])) unchanged.set(name, known);
    }
    return unchanged;
  }

  /** Whether the services have the names that they had. */
  sameServices(services: unknown): boolean {
    return sameData(this.#services, isRecord(services) ? Object.keys(services) : []);
  }

  /** What `check` says of how the routes match; what it said the last time where nothing that it looks at differs. */
  matchingProblems(
    routes: Readonly<Record<string, RouteConfig>>,
    check: (routes: readonly [name: string, config: RouteConfig][]) => readonly Problem[],
  ): readonly Problem[] {
    const named = Object.entries(routes);
    const last = this.#matching;
    if (
      last?.routes.length === named.length &&
      named.every((entry, index) => matchesAlike(entry, last.routes[index]))
    )
      return last.problems;
    const problems = check(named);
    this.#matching = { routes: named, problems };
    return problems;
  }

  /**
   * Keeps what a load without errors came to, and gives each route as it is to be used: as it was before where it is the same.
   * `known` are those of its routes that `unchangedRoutes` gave.
   */
  keep(load: {
    readonly written: Readonly<Record<string, unknown>>;
    readonly routes: Readonly<Record<string, RouteConfig>>;
    readonly policiesOf: (name: string) => ResolvedRoute['policies'];
    readonly known: KnownRoutes;
    readonly catalog: PolicyCatalog | undefined;
  }): KnownRoutes {
    const { routes, services } = load.written;
    const kept = new Map<string, KnownRoute>();
    for (const [name, parsed] of Object.entries(load.routes)) {
      const known = load.known.get(name);
      const policies = known?.fixed ? known.resolved.policies : load.policiesOf(name);
      if (known !== undefined && sameData(known.resolved.policies, policies)) {
        kept.set(name, known);
        continue;
      }
      const written = isRecord(routes) ? routes[name] : undefined;
      const resolved: ResolvedRoute = { ...parsed, policies };
      kept.set(name, {
        written,
        parsed,
        resolved,
        text: JSON.stringify(resolved),
        fixed: isFixed(isRecord(written) ? written['policies'] : undefined),
      });
    }
    this.#routes = kept;
    this.#services = isRecord(services) ? Object.keys(services) : [];
    this.#catalog = load.catalog;
    return kept;
  }
}

function isFixed(policies: unknown): boolean {
  if (!Array.isArray(policies)) return policies === undefined;
  return policies.every(
    (entry) => isRecord(entry) && !Object.keys(entry).some(isModulePath) && !holdsReference(entry),
  );
}

/** Whether all that `checkRoutes` looks at is the same. */
function matchesAlike(
  [name, config]: readonly [string, RouteConfig],
  last: readonly [string, RouteConfig] | undefined,
): boolean {
  if (last === undefined || name !== last[0]) return false;
  const before = last[1];
  return (
    config === before ||
    (config.priority === before.priority &&
      sameData(config.match, before.match) &&
      sameData(config.rewrite, before.rewrite) &&
      sameData(config.redirect, before.redirect) &&
      sameData(config.split, before.split))
  );
}
