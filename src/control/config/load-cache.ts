import type { ResolvedRoute } from '../../gateway/config.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { isRecord } from '../../lib/is-record.ts';
import { sameData } from '../../lib/same-data.ts';
import type { RouteConfig } from '../../routing/schema.ts';
import { KnownExpansions } from '../apis/expand.ts';
import type { OwnedPrefix } from '../rights/territory.ts';
import type { LoadedLists } from './address-lists.ts';
import type { PolicyCatalog, PolicySurroundings } from './catalog.ts';
import { digest } from './files.ts';
import { entriesOf } from './place.ts';
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
export type NamedRoute = readonly [name: string, config: RouteConfig];

/** The routes of a configuration as they are written, all in the order of the file; `changed` and `known` share them out. */
export interface LookedAt {
  readonly written: readonly (readonly [name: string, route: unknown])[];
  /** Written as they were the last time. */
  readonly known: KnownRoutes;
  readonly changed: readonly (readonly [name: string, route: unknown])[];
  readonly services: readonly string[];
  readonly catalog: PolicyCatalog | undefined;
}

/**
 * What one load takes over from the one before, so that a reload costs as much as its changes. Give the same one to every load of
 * one file. With it or without, a load has the same result: only facts are kept that follow from what is compared. It is filled
 * by loads without errors, and holds what the last of them holds, secrets included.
 */
const MAX_CERTIFICATES = 40_000;

export class LoadCache {
  readonly expansions = new KnownExpansions();
  #source: { readonly text: string; readonly source: ConfigSource } | undefined;
  #catalog: PolicyCatalog | undefined;
  #routes: Map<string, KnownRoute> = new Map();
  /** By digest. Kept beyond the loads that have them, since a load may be one that only tries something. */
  #certificates: BoundedMap<string, true> | undefined;
  #services: readonly string[] = [];
  #around: PolicySurroundings = { lists: new Map(), providers: new Set(), sessions: new Set() };
  #matching:
    | {
        readonly routes: readonly NamedRoute[];
        readonly prefixes: readonly OwnedPrefix[];
        readonly problems: readonly Problem[];
      }
    | undefined;

  /** Whether a certificate (PEM) was in a configuration that was loaded before; every one, where none was loaded before. */
  isInForce(cert: string): boolean {
    return this.#certificates === undefined || this.#certificates.get(digest(cert)) === true;
  }

  keepCertificates(certs: Iterable<string>): void {
    this.#certificates ??= new BoundedMap(MAX_CERTIFICATES);
    for (const cert of certs) this.#certificates.set(digest(cert), true);
  }

  /** What the file's text was read as, if it is the text of the last time. */
  sourceOf(file: string, text: string): ConfigSource | undefined {
    const last = this.#source;
    return last?.text === text && last.source.file === file ? last.source : undefined;
  }

  keepSource(text: string, source: ConfigSource): void {
    this.#source = { text, source };
  }

  /** Tells what changed since the last load; all, where other policies can be chosen from. */
  lookAt(config: Readonly<Record<string, unknown>>, catalog: PolicyCatalog | undefined): LookedAt {
    const written = entriesOf(config['routes']);
    const services = entriesOf(config['services']).map(([name]) => name);
    const known = new Map<string, KnownRoute>();
    const changed: (readonly [string, unknown])[] = [];
    const last = catalog === this.#catalog ? this.#routes : undefined;
    for (const entry of written) {
      const before = last?.get(entry[0]);
      if (before !== undefined && sameData(before.written, entry[1])) known.set(entry[0], before);
      else changed.push(entry);
    }
    return { written, known, changed, services, catalog };
  }

  /** Whether there are services of the names that there were. */
  sameServices({ services }: LookedAt): boolean {
    return sameData(this.#services, services);
  }

  /** Those of the last load. */
  get lists(): LoadedLists {
    return this.#around.lists;
  }

  /** Whether all is around policies that was the last time: else what they said of their options may be so no more. */
  isAround({ lists, providers, sessions }: PolicySurroundings): boolean {
    const last = this.#around;
    return (
      lists.size === last.lists.size &&
      [...lists].every(([name, list]) => last.lists.get(name) === list) &&
      sameData([...providers], [...last.providers]) &&
      sameData([...sessions], [...last.sessions])
    );
  }

  /** What `check` says of how the routes match; what it said the last time where nothing that it looks at differs. */
  matchingProblems(
    routes: readonly NamedRoute[],
    prefixes: readonly OwnedPrefix[],
    check: (routes: readonly NamedRoute[]) => readonly Problem[],
  ): readonly Problem[] {
    const last = this.#matching;
    if (
      last?.routes.length === routes.length &&
      sameData(prefixes, last.prefixes) &&
      routes.every((route, index) => matchesAlike(route, last.routes[index]))
    )
      return last.problems;
    const problems = check(routes);
    this.#matching = { routes, prefixes, problems };
    return problems;
  }

  /**
   * Keeps what a load without errors came to. Gives each route as it is to be used: as it was where it is the same.
   * `parsed` has every route of `load`, in its order.
   */
  keep(
    load: LookedAt,
    parsed: readonly NamedRoute[],
    around: PolicySurroundings,
    policiesOf: (name: string) => ResolvedRoute['policies'],
  ): KnownRoutes {
    const kept = new Map<string, KnownRoute>();
    for (const [index, [name, config]] of parsed.entries()) {
      const known = load.known.get(name);
      kept.set(
        name,
        known?.fixed ? known : keepRoute(load.written[index]?.[1], config, policiesOf(name), known),
      );
    }
    this.#routes = kept;
    this.#services = load.services;
    this.#around = around;
    this.#catalog = load.catalog;
    return kept;
  }
}

function keepRoute(
  written: unknown,
  parsed: RouteConfig,
  policies: ResolvedRoute['policies'],
  known: KnownRoute | undefined,
): KnownRoute {
  if (known !== undefined && sameData(known.resolved.policies, policies)) return known;
  const resolved: ResolvedRoute = { ...parsed, policies };
  const fixed = isFixed(isRecord(written) ? written['policies'] : undefined);
  return { written, parsed, resolved, text: JSON.stringify(resolved), fixed };
}

function isFixed(policies: unknown): boolean {
  if (!Array.isArray(policies)) return policies === undefined;
  return policies.every(
    (entry) => isRecord(entry) && !Object.keys(entry).some(isModulePath) && !holdsReference(entry),
  );
}

/** Whether all that `checkRoutes` looks at is the same. */
function matchesAlike([name, config]: NamedRoute, last: NamedRoute | undefined): boolean {
  if (last === undefined || name !== last[0]) return false;
  const before = last[1];
  return (
    config === before ||
    (config.priority === before.priority &&
      config.organization === before.organization &&
      sameData(config.match, before.match) &&
      sameData(config.rewrite, before.rewrite) &&
      sameData(config.redirect, before.redirect) &&
      sameData(config.split, before.split))
  );
}
