import type { Identity } from '../identity/identity.ts';
import type { LoginPages } from '../identity/login/pages.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import { sameData } from '../lib/same-data.ts';
import { RouteNotes } from '../observability/route-notes.ts';
import type { AddressLists } from '../policies/address-lists.ts';
import {
  type CompiledPolicies,
  compilePolicies,
  noPolicies,
  type PolicyReader,
} from '../policies/compile.ts';
import type { Plans } from '../policies/plan/plans.ts';
import type { PolicyUse } from '../policies/use.ts';
import type { PolicyContext } from '../policy/contract.ts';
import { type PreparedRoute, prepareRoute } from '../routing/compile.ts';
import type { Limiters } from '../state/limiters.ts';
import type { Service } from '../upstream/service.ts';
import { type Action, compileAction, isMadeOf, serviceNamed } from './action.ts';
import type { ResolvedRoute } from './config.ts';
import { Mirror } from './mirror.ts';

/** A route, ready to be used. */
export interface CompiledRoute {
  readonly name: string;
  readonly policies: CompiledPolicies;
  readonly action: Action;
  /** Has a copy of requests too. */
  readonly mirror: Mirror | undefined;
  /** Host that the service sees; undefined leaves it to the service. */
  readonly upstreamHost: string | undefined;
  /** How much of the path's beginning the service does not see; 0: it sees all of it. */
  readonly prefixLength: number;
  /** Whole request; 0 is no limit. */
  readonly timeoutMs: number;
  readonly notes: RouteNotes;
}

/** A compiled route with what it was made of, which the next configuration is compared with. */
export interface RouteParts {
  readonly settings: ResolvedRoute;
  readonly policies: SharedPolicies;
  readonly prepared: PreparedRoute<CompiledRoute>;
}

/** What the routes of one configuration have in common. */
export interface Surroundings {
  readonly globals: readonly PolicyUse[];
  readonly services: ReadonlyMap<string, Service>;
  readonly reader: PolicyReader;
  readonly deadlines: Deadlines;
  readonly warn: (message: string, cause?: unknown) => void;
  readonly policyEvent: (route: string, policy: string, event: string) => void;
  readonly load: PolicyContext['load'];
  readonly addressLists: AddressLists;
  readonly limiters: Limiters;
  readonly plans: Plans;
  readonly identity: Identity;
  /** Of a kind of sessions; undefined where no route has a login. */
  readonly loginPages: ((sessions: string) => LoginPages) | undefined;
}

/**
 * The policies of a route, and how many snapshots use them. A reload that leaves a route's policies as they are takes them over
 * with their state; they are closed when the last snapshot that has them is.
 */
export class SharedPolicies {
  readonly compiled: CompiledPolicies;
  /** The snapshot that they are made for is the first. */
  #holders = 1;

  constructor(compiled: CompiledPolicies) {
    this.compiled = compiled;
  }

  /** False when they are closed already: then others must be made. */
  hold(): boolean {
    if (this.#holders === 0) return false;
    this.#holders++;
    return true;
  }

  release(): void {
    if (--this.#holders === 0) this.compiled.close();
  }
}

/** What of a route its policies are made of. */
type PolicySettings = Pick<ResolvedRoute, 'policies' | 'organization' | 'service' | 'enabled' | 'login'>;

/** The policies of the route as it was before, held once more, where nothing of them differs; else undefined. */
export function takePolicies(
  { policies, organization, service, enabled, login }: PolicySettings,
  before: RouteParts | undefined,
): SharedPolicies | undefined {
  if (before === undefined || !sameData(before.settings.policies, policies)) return undefined;
  const { settings } = before;
  if (settings.service !== service || settings.enabled !== enabled) return undefined;
  if (settings.organization !== organization || settings.login !== login) return undefined;
  return before.policies.hold() ? before.policies : undefined;
}

/** Rejects with an Error that names the policy that cannot be made. */
export async function makePolicies(
  name: string,
  { policies, organization, service, enabled, login }: PolicySettings,
  { globals, reader, warn, load, policyEvent, addressLists, limiters, plans, identity }: Surroundings,
): Promise<SharedPolicies> {
  // What is switched off is so for everybody, at once.
  if (enabled === false || globals.length + policies.length === 0) return new SharedPolicies(noPolicies);
  const context = {
    route: name,
    warn,
    load,
    policyEvent: (policy: string, event: string) => policyEvent(name, policy, event),
    addressLists,
    globals,
    isLogin: login !== undefined,
    organization,
    service,
    limiters,
    plans,
    identity,
  };
  return new SharedPolicies(await compilePolicies([...globals, ...policies], context, reader));
}

/** The route as it was before where nothing of it differs, else made anew. Throws an Error when a service or a path is wrong. */
export function prepareParts(
  name: string,
  settings: ResolvedRoute,
  policies: SharedPolicies,
  before: RouteParts | undefined,
  surroundings: Surroundings,
): RouteParts {
  const { services, identity, loginPages } = surroundings;
  if (before !== undefined && before.policies === policies) {
    const { action, mirror } = before.prepared.value;
    const alike = isMadeOf(action, services, identity) && mirrorsTo(mirror, services);
    if (alike && sameData(before.settings, settings)) return before;
  }
  const value: CompiledRoute = {
    name,
    policies: policies.compiled,
    action: compileAction(settings, services, loginPages),
    mirror: compileMirror(name, settings, surroundings),
    upstreamHost: settings.rewrite?.host,
    prefixLength: settings.rewrite?.stripPrefix?.length ?? 0,
    timeoutMs: settings.timeout,
    notes: new RouteNotes(),
  };
  return { settings, policies, prepared: prepareRoute({ name, config: settings, value }) };
}

function compileMirror(
  route: string,
  { mirror }: Partial<ResolvedRoute>,
  { services, deadlines, warn }: Surroundings,
): Mirror | undefined {
  if (mirror === undefined || mirror.percent === 0) return undefined;
  const service = serviceNamed(mirror.service, services);
  return new Mirror(mirror, { route, service, deadlines, warn, random: Math.random });
}

/** Whether the mirror's service is this very one: a service that changed is another object. */
function mirrorsTo(mirror: Mirror | undefined, services: ReadonlyMap<string, Service>): boolean {
  return mirror === undefined || services.get(mirror.service.name) === mirror.service;
}
