import { resolve } from 'node:path';
import { checkConsumers } from '../../identity/consumers/check.ts';
import { isRecord } from '../../lib/is-record.ts';
import { messageOf } from '../../lib/message-of.ts';
import type { PlansData } from '../../policies/plan/plans-schema.ts';
import { type RouteConfig, routeSchema } from '../../routing/schema.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import type { StateConfig } from '../../state/schema.ts';
import { readAcmeMaterial, resolvedAcme } from '../acme/resolve.ts';
import type { AcmeSettings } from '../acme/schema.ts';
import { type ExpandedSource, expandApis } from '../apis/expand.ts';
import { pathPrefixesOf } from '../apis/path-prefix.ts';
import { checkOwnership } from '../rights/ownership.ts';
import type { StoreState } from '../store/entity.ts';
import type { StoreSettings } from '../store/schema.ts';
import { EMPTY_STATE } from '../store/state.ts';
import { type LoadedLists, loadAddressLists } from './address-lists.ts';
import { builtinCatalog, listsData, type PolicyCatalog, type PolicySurroundings } from './catalog.ts';
import { resolveAuthorities, resolveCertificate, resolveRevocations } from './certificates.ts';
import { checkMeaning } from './check.ts';
import { checkMatching } from './check-matching.ts';
import { sessionsOutOfReach } from './check-session-use.ts';
import { digest, FileReader } from './files.ts';
import { foreignHosts } from './foreign-hosts.ts';
import { problemsFromIssues } from './issues.ts';
import { type KnownRoutes, LoadCache, type LookedAt, type NamedRoute } from './load-cache.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import { PolicyLists } from './policies.ts';
import type { ConfigError, Problem } from './problem.ts';
import { type ReadOptions, readSource } from './read-source.ts';
import { namesOf } from './references.ts';
import { hasBrowserLogins, resolvedAdmin } from './resolve-admin.ts';
import { resolvedIdentity } from './resolve-identity.ts';
import { readFields, readServiceMaterial, resolvedService } from './resolve-service.ts';
import { checkStores, readLongSecret, readRedisMaterial, resolvedRedis } from './resolve-state.ts';
import { resolvedStore } from './resolve-store.ts';
import { type AdminConfig, configSchema, type ParsedConfig, type RuntimeConfig } from './schema.ts';
import { Secrets } from './secrets.ts';
import { locateProblems, positionIn } from './source.ts';
import { storedAt, withStored } from './stored.ts';
import { uncoveredHosts } from './uncovered-hosts.ts';
import { unreachableHttps } from './unreachable-https.ts';
import { unstapledCertificates } from './unstapled-certificates.ts';

export interface LoadOptions extends ReadOptions {
  /** Where `env:NAME` looks; default: the process's environment. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Default: the gateway's own policies and the user's modules. */
  readonly policies?: PolicyCatalog | undefined;
  /** Now, in milliseconds since 1970, for the validity of certificates. */
  readonly nowMs?: number | undefined;
  /** What loads of this file may take over from each other. The result is the same without. */
  readonly cache?: LoadCache | undefined;
  /**
   * What a store holds beside the file; a function is asked for it once the file has said where that is. An Error that it throws is
   * a problem of `store`.
   */
  readonly stored?: StoreState | ((settings: StoreSettings) => StoreState | Promise<StoreState>) | undefined;
  /**
   * Those of the store's certificates that are not in it yet: one that is over is refused. One that the store holds is not, or each node
   * would take a revision or not by what it knew before.
   */
  readonly newCertificates?: ReadonlySet<string> | undefined;
}

export interface Position {
  /** Absolute. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface LoadedConfig {
  readonly dataPlane: DataPlaneConfig;
  readonly admin: AdminConfig;
  readonly runtime: RuntimeConfig;
  readonly state: StateConfig;
  readonly store: StoreSettings;
  /** What the store had beside the file; empty where nobody asked it. */
  readonly stored: StoreState;
  /** What the file alone says, as it is written. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Certificates that are ordered, by name: those that the data plane gets come from elsewhere. */
  readonly acme: Readonly<Record<string, AcmeSettings>>;
  /** Every file that it was made of, absolute: the configuration, what it imports, certificates, secrets, policies. */
  readonly files: readonly string[];
  /** APIs that answer 503 because their service or function is not there, with the reason. */
  readonly pendingApis: ReadonlyMap<string, string>;
  /** Where something was written, such as `['routes', 'users']`; undefined for what was not. Costs nothing until it is asked for. */
  readonly positionOf: (path: Path) => Position | undefined;
  /** What `env:` and `file:` stood for, so that it can be kept out of a dump. */
  readonly secrets: ReadonlySet<string>;
  /** Equal for configurations that are equal in everything, secrets and policies' files included. */
  readonly hash: string;
}

/** Also of a file with errors, `files` are those to watch: the one that is missing may come. */
export type LoadResult =
  | { readonly ok: true; readonly config: LoadedConfig; readonly warnings: readonly ConfigError[] }
  | {
      readonly ok: false;
      readonly errors: readonly ConfigError[];
      readonly warnings: readonly ConfigError[];
      readonly files: readonly string[];
    };

/** Reads, checks and resolves a configuration. Everything that is wrong with it is in the result, all at once; it does not throw. */
export async function loadConfig(file: string, options: LoadOptions = {}): Promise<LoadResult> {
  const path = resolve(file);
  const files = new FileReader(path);
  const cache = options.cache ?? new LoadCache();
  const read = await readSource(path, files, cache, options);
  for (const used of read.files ?? []) files.note(used);
  if (!read.ok) return { ok: false, errors: read.errors, warnings: [], files: files.files };
  const problems: Problem[] = [];
  const secrets = new Secrets({ env: options.env ?? process.env, files, problems });
  const store = await resolvedStore(read.source.value, { secrets, files, problems });
  const stored = await askStore(options.stored, store, problems);
  const composed = withStored(read.source, stored, problems);
  const expanded = await expandApis(composed, files, problems, cache.expansions);
  const { source, placed, errors: unread } = expanded;
  const isInForce = (name: string, cert: string): boolean =>
    storedAt(['certificates', name], read.source.value, stored) === undefined
      ? cache.isInForce(cert)
      : options.newCertificates?.has(name) !== true;
  const config = await build(expanded, files, problems, secrets, cache, { ...options, isInForce });
  // What is secret is so where it is written: the routes that APIs become are not looked through as well.
  const asWritten = { ...source, value: composed.value };
  const located = [...unread, ...locateProblems(asWritten, problems.map(placed))];
  const warnings = located.filter((error) => error.severity === 'warning');
  const errors = located.filter((error) => error.severity === 'error');
  if (config === undefined || store === undefined || errors.length > 0)
    return { ok: false, errors, warnings, files: files.files };
  const positionOf = (at: Path) => {
    const place = source.locate(at);
    return place.found ? positionIn(place) : undefined;
  };
  return {
    ok: true,
    config: {
      ...config,
      store,
      stored,
      written: isRecord(read.source.value) ? read.source.value : {},
      files: files.files,
      positionOf,
      pendingApis: expanded.pending,
    },
    warnings,
  };
}

async function askStore(
  stored: LoadOptions['stored'],
  settings: StoreSettings | undefined,
  problems: Problem[],
): Promise<StoreState> {
  if (typeof stored !== 'function') return stored ?? EMPTY_STATE;
  if (settings === undefined || !settings.enabled) return EMPTY_STATE;
  try {
    return await stored(settings);
  } catch (error) {
    problems.push({ path: ['store'], message: messageOf(error), atKey: true });
    return EMPTY_STATE;
  }
}

interface BuildOptions extends LoadOptions {
  readonly isInForce: (name: string, cert: string) => boolean;
}

type Built = Pick<LoadedConfig, 'dataPlane' | 'admin' | 'runtime' | 'state' | 'acme' | 'secrets' | 'hash'>;

/** Each step looks at what was written and adds its problems, so that a mistake found by one does not hide those of another. */
async function build(
  { source, sound, apiOf }: ExpandedSource,
  files: FileReader,
  problems: Problem[],
  secrets: Secrets,
  cache: LoadCache,
  options: BuildOptions,
): Promise<Built | undefined> {
  const written = source.value;
  if (!isRecord(written)) {
    problems.push({
      path: [],
      message:
        written === null
          ? 'the configuration is empty'
          : 'a configuration is a map: listeners, services, routes and so on',
    });
    return undefined;
  }
  const routes = cache.lookAt(written, options.policies);
  const { known } = routes;
  const parsed = parse(written, routes, sound);
  if (!parsed.success) problems.push(...problemsFromIssues(parsed.error.issues, written, configSchema));
  const toCheck = cache.sameServices(routes) ? routes.changed : routes.written;
  problems.push(
    ...checkMeaning(written, toCheck, apiOf),
    ...checkOwnership(written, apiOf),
    ...checkStores(written, routes.written),
    ...sessionsOutOfReach(written, routes.written),
  );
  const matched = routes.written.flatMap(([name, route]): NamedRoute[] => {
    const config = known.get(name)?.parsed ?? (parsed.success ? parsed.data.routes[name] : validRoute(route));
    return config === undefined ? [] : [[name, config]];
  });
  const prefixes = pathPrefixesOf(written['organizations']);
  problems.push(...cache.matchingProblems(matched, prefixes, (all) => checkMatching(all, apiOf, prefixes)));
  const pem = { secrets, problems, nowMs: options.nowMs ?? Date.now() };
  const lists = await loadAddressLists(written['lists'], { files, problems, known: cache.lists });
  const around: PolicySurroundings = {
    lists,
    providers: namesOf(written['providers']),
    sessions: namesOf(written['sessions']),
  };
  const sameAround = cache.isAround(around);
  const catalog = options.policies ?? builtinCatalog();
  const isSettled = ([name, route]: readonly [name: string, route: unknown]): boolean =>
    known.get(name)?.fixed === true && (sameAround || !looksAround(route, catalog));
  const policies = new PolicyLists({ catalog, around, secrets, files, problems });
  const [
    clientAuthorities,
    revocations,
    certificates,
    acmeMaterial,
    material,
    redisMaterial,
    recordsKey,
    ticketSecret,
    tracingHeaders,
    identity,
    admin,
    globalPolicies,
    routePolicies,
  ] = await Promise.all([
    eachOf(entriesOf(written['listeners']), (entry, name) =>
      resolveAuthorities(valueAt(entry, CLIENT_CA), ['listeners', name, ...CLIENT_CA], pem),
    ),
    eachOf(entriesOf(written['listeners']), (entry, name) =>
      resolveRevocations(valueAt(entry, CLIENT_CRL), ['listeners', name, ...CLIENT_CRL], pem),
    ),
    eachOf(entriesOf(written['certificates']), (entry, name) =>
      isRecord(entry)
        ? resolveCertificate(entry, ['certificates', name], {
            ...pem,
            isInForce: (cert) => options.isInForce(name, cert),
          })
        : undefined,
    ),
    eachOf(entriesOf(written['certificates']), (entry, name) =>
      readAcmeMaterial(valueAt(entry, ['acme']), ['certificates', name, 'acme'], pem),
    ),
    eachOf(entriesOf(written['services']), (entry, name) =>
      isRecord(entry) ? readServiceMaterial(entry, ['services', name], pem) : undefined,
    ),
    readRedisMaterial(valueAt(written, ['state', 'redis']), ['state', 'redis'], pem),
    readLongSecret(valueAt(written, RECORDS_KEY), RECORDS_KEY, pem),
    readLongSecret(valueAt(written, TICKET_SECRET), TICKET_SECRET, pem),
    readFields(
      valueAt(written, ['observability', 'tracing', 'headers']),
      ['observability', 'tracing', 'headers'],
      { secrets, problems },
    ),
    resolvedIdentity(parsed.data, { secrets, files, problems }),
    resolvedAdmin(parsed.data?.admin, { secrets, problems }),
    policies.resolve(written['policies'], ['policies']),
    eachOf(
      routes.written.filter((route) => !isSettled(route)),
      (entry, name) =>
        isRecord(entry) ? policies.resolve(entry['policies'], ['routes', name, 'policies']) : undefined,
    ),
  ]);
  for (const found of checkConsumers(identity.consumers, around.providers, pem.nowMs))
    problems.push({ ...found, path: ['consumers', ...found.path] });
  problems.push(...uncoveredHosts(written, certificates, matched));
  problems.push(...foreignHosts(written, certificates, matched));
  problems.push(...unreachableHttps(written, matched));
  problems.push(...unstapledCertificates(written, certificates));
  if (!parsed.success || admin === undefined || problems.some((problem) => problem.severity !== 'warning'))
    return undefined;
  const { data } = parsed;
  const services = mapValues(data.services, (service, name) =>
    resolvedService(service, material.get(name), files),
  );
  const resolved = cache.keep(routes, matched, around, (name) => routePolicies.get(name) ?? []);
  const { rotation } = data.runtime.sessionTickets;
  const sessionTickets = ticketSecret === undefined ? { rotation } : { rotation, secret: ticketSecret };
  const runtime: RuntimeConfig = { ...data.runtime, sessionTickets };
  const redis = resolvedRedis(data.state.redis, redisMaterial);
  const memory = { ...data.state.memory, recordsKey };
  const state: StateConfig = { ...data.state, memory, redis };
  const others: Omit<DataPlaneConfig, 'routes' | 'lists'> = {
    listeners: mapValues(data.listeners, (listener, name) => {
      const ca = clientAuthorities.get(name);
      const { tls } = listener;
      if (ca === undefined || tls?.clientAuth === undefined) return listener;
      const crl = revocations.get(name);
      return { ...listener, tls: { ...tls, clientAuth: { ...tls.clientAuth, ca, crl } } };
    }),
    certificates: Object.fromEntries(
      sharedFirst(data.certificates).flatMap(([name, { acme, cert = '', key = '' }]) => {
        if (acme !== undefined) return [];
        const read = certificates.get(name);
        return [[name, { cert: read?.cert ?? cert, key: read?.key ?? key }]];
      }),
    ),
    services,
    policies: globalPolicies,
    plans: { plans: data.plans, consumers: withPlans(data.consumers) },
    identity,
    adminLogins: hasBrowserLogins(admin),
    state: { redis, memory: { onFailure: memory.onFailure } },
    observability: {
      ...data.observability,
      tracing: { ...data.observability.tracing, headers: tracingHeaders },
    },
  };
  cache.keepCertificates(Object.values(others.certificates).map(({ cert }) => cert));
  const acme = resolvedAcme(data.certificates, acmeMaterial);
  const resolvedRoutes = Array.from(resolved, ([name, route]) => [name, route.resolved] as const);
  return {
    dataPlane: { ...others, lists: listsData(lists), routes: Object.fromEntries(resolvedRoutes) },
    admin,
    runtime,
    state,
    acme,
    secrets: secrets.resolved,
    hash: hashOf([others, admin, runtime, state, acme, digestsOf(lists)], resolved),
  };
}

const RECORDS_KEY = ['state', 'memory', 'recordsKey'];
const TICKET_SECRET = ['runtime', 'sessionTickets', 'secret'];
/** Authorities of clients' certificates, within a listener. */
const CLIENT_CA = ['tls', 'clientAuth', 'ca'];
const CLIENT_CRL = ['tls', 'clientAuth', 'crl'];

/** What the schema makes of a configuration, without the routes and APIs that are known to be right: they take the longest of all. */
function parse(
  written: Record<string, unknown>,
  { known, changed }: LookedAt,
  soundApis: ReadonlySet<string>,
): ReturnType<typeof configSchema.safeParse> {
  const toParse = { ...written };
  if (known.size > 0) toParse['routes'] = Object.fromEntries(changed);
  if (soundApis.size > 0)
    toParse['apis'] = Object.fromEntries(entriesOf(written['apis']).filter(([name]) => !soundApis.has(name)));
  return configSchema.safeParse(toParse);
}

/** Consumers with a plan. */
function withPlans(consumers: ParsedConfig['consumers']): PlansData['consumers'] {
  return Object.fromEntries(
    Object.entries(consumers).flatMap(([name, { plan, organization }]) =>
      plan === undefined ? [] : [[name, { plan, ...(organization !== undefined && { organization }) }]],
    ),
  );
}

/** Whether a policy of the route has to be asked again when what is around it changes. */
function looksAround(route: unknown, catalog: PolicyCatalog): boolean {
  const policies = isRecord(route) ? route['policies'] : undefined;
  return (
    Array.isArray(policies) &&
    policies.some((entry) =>
      Object.keys(isRecord(entry) ? entry : {}).some((name) => catalog.looksAround(name)),
    )
  );
}

function digestsOf(lists: LoadedLists): Record<string, string> {
  return Object.fromEntries(Array.from(lists, ([name, { data }]) => [name, `${data.kind} ${data.digest}`]));
}

/** The texts of routes are joined rather than made, and are the same whether or not they were known. */
function hashOf(others: unknown, routes: KnownRoutes): string {
  const texts = [JSON.stringify(others)];
  for (const [name, { text }] of routes) texts.push(name, text);
  return digest(texts.join('\n'));
}

function validRoute(route: unknown): RouteConfig | undefined {
  return routeSchema.safeParse(route).data;
}

/** Results by name; those that are undefined are left out. */
async function eachOf<Result>(
  entries: readonly (readonly [name: string, entry: unknown])[],
  visit: (entry: unknown, name: string) => Promise<Result | undefined> | undefined,
): Promise<Map<string, Result>> {
  const results = new Map<string, Result>();
  for (const [name, entry] of entries) {
    const result = await visit(entry, name);
    if (result !== undefined) results.set(name, result);
  }
  return results;
}

function mapValues<In, Out>(
  record: Readonly<Record<string, In>>,
  map: (value: In, name: string) => Out,
): Record<string, Out> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

/** The first one is for clients that name no host: no organization speaks for all while there is one that does. */
function sharedFirst<Entry extends { readonly organization?: string | undefined }>(
  certificates: Readonly<Record<string, Entry>>,
): [name: string, entry: Entry][] {
  const isOwned = ([, { organization }]: readonly [string, Entry]) => organization !== undefined;
  return Object.entries(certificates).toSorted((a, b) => Number(isOwned(a)) - Number(isOwned(b)));
}
