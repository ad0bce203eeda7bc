import { isRecord } from '../../lib/is-record.ts';
import { inOrder, stageOf } from '../../policies/compile.ts';
import type { CorsOptions } from '../../policies/cors/schema.ts';
import { loadPolicy } from '../../policies/load.ts';
import { parseOptions } from '../../policies/problems.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { Policy, Stage } from '../../policy/contract.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import { canonical, isPlain } from './canonical.ts';
import { type Comparison, comparisonOf, worst } from './comparison.ts';
import { type Credential, compareCredentials } from './credential.ts';
import { type Demand, demandsOfAuthorize, demandText, isOfCaller, meets } from './demand.ts';
import { KnownConsumers } from './known-consumers.ts';
import { Pages } from './pages.ts';
import { type Refusal, refusalOf } from './refusal.ts';

/** Whom a route lets in with a method. */
export interface Guard {
  /** Each is enough; what stands in one of them is all needed. An empty one: nobody has to show anything. */
  readonly ways: readonly (readonly Credential[])[];
  /** Whether wrong credentials are refused: what sets optional authentication apart from none. */
  readonly looks: boolean;
  readonly demands: readonly Demand[];
  /** Whom credentials may tell of. */
  readonly consumers: KnownConsumers;
}

/** More ways than that are one that is only ever equal to itself. */
const MAX_WAYS = 200;
/** Policies that let in by something else than the caller's identity. */
const FILTERS = new Set(['ip-filter', 'request-filter', 'csrf', 'threat-guard', 'method-override']);
/** Policies that say what is asked of whom, or answer themselves. */
const TREATMENTS = new Set(['function', 'rewrite', 'respond']);
/** A policy by which requests over http are not what those over https are. */
export const HTTPS_ONLY = 'https-only';
/** Policies that limit how much. */
const LIMITS = new Set(['rate-limit', 'plan', 'request-size', 'load-shed']);

type Route = DataPlaneConfig['routes'][string];

interface ReadUse {
  readonly use: PolicyUse;
  readonly policy: Policy;
  readonly stage: Stage;
  readonly options: unknown;
  readonly isGlobal: boolean;
}

/** The policies of one route that say who is let in, and how much. */
export class RouteAccess {
  readonly #ways: Guard['ways'];
  readonly #looks: boolean;
  readonly #authorize: readonly unknown[];
  readonly #demands: readonly Demand[];
  /** Over http there is a refusal or a redirect, whoever asks. */
  readonly #httpsOnly: boolean;
  /** Names of the policies that limit, each with its options as text to compare. */
  readonly limits: readonly { readonly name: string; readonly key: string }[];
  /** What becomes of a request beside what the route says; to compare, never to show. */
  readonly treatment: string;
  /** The function that is called. */
  readonly calls: string | undefined;
  readonly pages: Pages;
  /** What the policy `respond` answers everybody. */
  readonly refusal: Refusal | undefined;

  readonly #consumers: KnownConsumers;

  constructor(uses: readonly ReadUse[], identity: DataPlaneConfig['identity'], consumers: KnownConsumers) {
    this.#consumers = consumers;
    const authentication = uses.filter(({ stage }) => stage === 'authentication');
    const around = (name: string, options: unknown) => surroundings(name, options, identity);
    this.#ways = authentication.reduce<Guard['ways']>(
      (ways, use) => product(ways, waysOf(use, around)),
      [[]],
    );
    this.#looks = authentication.some(({ use }) => use.name !== 'public');
    this.#authorize = uses.filter(({ use }) => isBuiltin(use, 'authorize')).map(({ use }) => use.options);
    this.#demands = uses.flatMap(({ use, stage }): Demand[] => {
      const ofCaller = stage === 'authorization';
      if (isBuiltin(use, 'authorize') || !(ofCaller || FILTERS.has(use.name))) return [];
      return [{ kind: 'policy', name: use.name, key: keyOf(use), ofCaller }];
    });
    this.#httpsOnly = uses.some(({ use }) => isBuiltin(use, HTTPS_ONLY));
    this.treatment = canonical(
      uses.filter(({ use }) => TREATMENTS.has(use.name)).map(({ use }) => keyOf(use)),
    );
    const called = uses.find(({ use }) => isBuiltin(use, 'function'))?.options;
    this.calls = isRecord(called) && typeof called['name'] === 'string' ? called['name'] : undefined;
    const cors = uses.find(({ use }) => isBuiltin(use, 'cors'))?.options;
    // What a load took is what the schema of the policy made of it.
    this.pages = new Pages(cors as CorsOptions | undefined);
    const answer = uses.find(({ use }) => isBuiltin(use, 'respond'))?.options;
    this.refusal = isRecord(answer) ? refusalOf(answer['status']) : undefined;
    this.limits = uses
      .filter(({ use }) => LIMITS.has(use.name))
      .map(({ use }) => ({ name: use.name, key: keyOf(use) }));
  }

  /** `refuses`: the route answers everybody that they are not let in. */
  guard({ method, scheme }: { readonly method: string; readonly scheme: string }, refuses: boolean): Guard {
    const refused: Demand[] = [];
    if (this.#httpsOnly && scheme === 'http') refused.push({ kind: 'nobody', over: 'http' });
    if (refuses) refused.push({ kind: 'nobody' });
    const asked = this.#authorize.flatMap((options) => demandsOfAuthorize(options, method));
    const demands = [...refused, ...asked, ...this.#demands];
    return { ways: this.#ways, looks: this.#looks, demands, consumers: this.#consumers };
  }
}

function isBuiltin(use: PolicyUse, name: string): boolean {
  return use.module === undefined && use.name === name;
}

/** Methods that a policy lets in otherwise than others. */
export function methodsNamedIn(use: PolicyUse): string[] {
  const { methods } = isBuiltin(use, 'authorize') && isRecord(use.options) ? use.options : {};
  return isRecord(methods) ? Object.keys(methods).filter((method) => method !== '*') : [];
}

function keyOf({ name, module, options }: PolicyUse): string {
  return canonical([name, module, options ?? {}]);
}

/** Reads the policies of routes, each use once. */
export class AccessReader {
  readonly #config: DataPlaneConfig;
  readonly #read = new Map<PolicyUse, Promise<Omit<ReadUse, 'isGlobal'>>>();
  readonly #routes = new Map<string, Promise<RouteAccess>>();
  /** By organization. */
  readonly #consumers = new Map<string | undefined, KnownConsumers>();

  constructor(config: DataPlaneConfig) {
    this.#config = config;
  }

  /** Undefined names no route: what holds for a request that none takes. */
  of(route: string | undefined): Promise<RouteAccess> {
    const key = route ?? '';
    let access = this.#routes.get(key);
    if (access === undefined) {
      access = this.#accessOf((route === undefined ? undefined : this.#config.routes[route]) ?? {});
      this.#routes.set(key, access);
    }
    return access;
  }

  async #accessOf({ policies = [], organization, login }: Partial<Route>): Promise<RouteAccess> {
    const globals = this.#config.policies;
    const read = await Promise.all([...globals, ...policies].map((use) => this.#use(use)));
    const placed = read.map((each, index) => ({ ...each, isGlobal: index < globals.length }));
    return new RouteAccess(
      inOrder(placed, login !== undefined),
      this.#config.identity,
      this.#consumersOf(organization),
    );
  }

  #consumersOf(organization: string | undefined): KnownConsumers {
    let consumers = this.#consumers.get(organization);
    if (consumers === undefined) {
      consumers = new KnownConsumers(this.#config.identity?.consumers ?? {}, organization);
      this.#consumers.set(organization, consumers);
    }
    return consumers;
  }

  #use(use: PolicyUse): Promise<Omit<ReadUse, 'isGlobal'>> {
    let read = this.#read.get(use);
    if (read === undefined) {
      read = readUse(use);
      this.#read.set(use, read);
    }
    return read;
  }
}

async function readUse(use: PolicyUse): Promise<Omit<ReadUse, 'isGlobal'>> {
  const policy = await loadPolicy(use);
  const parsed = await parseOptions(policy.schema, use.options);
  const written = use.options ?? {};
  if (!parsed.success) return { use, policy, stage: policy.stage, options: written };
  const options = isPlain(parsed.data) ? parsed.data : written;
  return { use, policy, stage: stageOf(policy, parsed.data), options };
}

type Around = (method: string, options: unknown) => string;

function waysOf({ use, options }: ReadUse, around: Around): Guard['ways'] {
  if (isBuiltin(use, 'public')) return [[]];
  if (isBuiltin(use, 'auth') && isRecord(options)) {
    const { optional, ...entry } = options;
    const ways = waysOfEntry(entry, around);
    return optional === true ? [...ways, []] : ways;
  }
  const { required, ...record } = isRecord(options) ? options : {};
  const rest = isBuiltin(use, 'session') || required === undefined ? record : { ...record, required };
  const way = [{ method: use.name, options: rest, around: `${use.module ?? ''} ${around(use.name, rest)}` }];
  return isBuiltin(use, 'session') && required === false ? [way, []] : [way];
}

function waysOfEntry(entry: unknown, around: Around): Guard['ways'] {
  const [name, value] = Object.entries(isRecord(entry) ? entry : {}).find(
    ([, each]) => each !== undefined,
  ) ?? [''];
  if (name === 'any' && Array.isArray(value)) {
    const ways = value.flatMap((each) => waysOfEntry(each, around));
    return ways.length <= MAX_WAYS ? ways : opaque(value);
  }
  if (name === 'all' && Array.isArray(value))
    return value.map((each) => waysOfEntry(each, around)).reduce(product, [[]]);
  const options = isRecord(value) ? value : {};
  return [[{ method: name, options, around: ` ${around(name, options)}` }]];
}

function product(ways: Guard['ways'], more: Guard['ways']): Guard['ways'] {
  if (ways.length * more.length > MAX_WAYS) return opaque([ways, more]);
  return ways.flatMap((way) => more.map((other) => [...way, ...other]));
}

function opaque(value: unknown): Guard['ways'] {
  return [[{ method: 'auth', options: { combination: value }, around: '' }]];
}

/** The providers and the sessions that a method believes, as text to compare. */
function surroundings(method: string, options: unknown, identity: DataPlaneConfig['identity']): string {
  if (!isRecord(options) || identity === undefined) return '';
  const { provider, providers, name } = options;
  const named = [provider, ...(Array.isArray(providers) ? providers : [])].filter(
    (each) => typeof each === 'string',
  );
  const session = OF_SESSIONS.has(method) && typeof name === 'string' ? identity.sessions[name] : undefined;
  const believed = [...named, ...(session?.login ?? [])].map((each) => identity.providers[each]);
  return canonical(session === undefined ? believed : [believed, name, session]);
}

/** Methods that know whoever logged in. */
const OF_SESSIONS = new Set(['session', 'personal-access-token']);

/** Whether every caller of `before` is let in by `after`, and the other way round. */
export function compareGuards(before: Guard, after: Guard): Comparison {
  if (isClosed(before) || isClosed(after)) return comparisonOf(isClosed(before), isClosed(after));
  const looks = comparisonOf(before.looks || !after.looks, after.looks || !before.looks);
  const ways = comparisonOf(letsIn(after.ways, before.ways), letsIn(before.ways, after.ways));
  const demands = comparisonOf(
    asksNoMore(after.demands, before.demands),
    asksNoMore(before.demands, after.demands),
  );
  // Whether wrong credentials are refused matters only between guards that let everybody in without any.
  return worst([ways === 'same' ? looks : ways, demands, compareConsumers(before, after)]);
}

/** Where nobody is asked for credentials, nobody is told by them. */
function compareConsumers(before: Guard, after: Guard): Comparison {
  const asks = ({ ways }: Guard) => ways.some((way) => way.length > 0);
  return asks(before) && asks(after) ? before.consumers.compare(after.consumers) : 'same';
}

/** Whether whoever comes in by one of the narrow ways comes in by one of the wide ones. */
function letsIn(wide: Guard['ways'], narrow: Guard['ways']): boolean {
  return narrow.every((shown) =>
    wide.some((asked) => asked.every((each) => shown.some((had) => suffices(had, each)))),
  );
}

function suffices(shown: Credential, asked: Credential): boolean {
  const comparison = compareCredentials(shown, asked);
  return comparison === 'same' || comparison === 'weaker';
}

function asksNoMore(fewer: readonly Demand[], more: readonly Demand[]): boolean {
  return fewer.every((asked) => more.some((given) => meets(given, asked)));
}

/** Whether somebody who shows nothing is let in. */
export function isPublic({ ways, demands }: Guard): boolean {
  return ways.some((way) => way.length === 0) && !demands.some(isOfCaller);
}

/** Whether nobody at all is let in. */
export function isClosed({ demands }: Guard): boolean {
  return demands.some(({ kind }) => kind === 'nobody');
}

/** For people: `public`, `optional basic`, `basic or (mtls and api-key); group staff`. */
export function guardText(guard: Guard): string {
  const { ways, looks, demands } = guard;
  const closed = demands.find(({ kind }) => kind === 'nobody');
  if (closed !== undefined) return demandText(closed);
  const asked = ways.filter((way) => way.length > 0);
  const texts = [...new Set(asked.map((way) => wayText(way, asked.length > 1)))].join(' or ');
  const who =
    asked.length === ways.length ? texts : looks ? `optional ${texts || 'authentication'}` : 'public';
  const rest = demands
    .map(demandText)
    .filter((text) => text !== 'whoever is known' || asked.length < ways.length);
  return [who, ...new Set(rest)].join('; ');
}

function wayText(way: readonly Credential[], among: boolean): string {
  const names = way.map(({ method, options }) => {
    const of = options['provider'] ?? options['providers'];
    return typeof of === 'string' || Array.isArray(of)
      ? `${method} of ${[of].flat().map(String).join(', ')}`
      : method;
  });
  const text = names.join(' and ');
  return among && names.length > 1 ? `(${text})` : text;
}
