import type { FieldNames } from '../http/field-names.ts';
import type { Identity } from '../identity/identity.ts';
import { OwnCredentials } from '../identity/sessions/own-credentials.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import { messageOf } from '../lib/message-of.ts';
import { sameData } from '../lib/same-data.ts';
import { Turns } from '../lib/turns.ts';
import type { AddressLists } from '../policies/address-lists.ts';
import { PolicyReader } from '../policies/compile.ts';
import type { IdentityFields } from '../policies/identity-field-set.ts';
import { findIdentityFields } from '../policies/identity-fields.ts';
import { needsAny, POLICY_NEEDS, type PolicyNeed } from '../policies/needs.ts';
import type { Plans } from '../policies/plan/plans.ts';
import { findSecretParameters } from '../policies/secret-parameters.ts';
import type { PolicyUse } from '../policies/use.ts';
import type { PolicyContext } from '../policy/contract.ts';
import { compileRouterInTurns } from '../routing/compile.ts';
import type { Router } from '../routing/match.ts';
import type { Limiters } from '../state/limiters.ts';
import { Service, type ServiceContext } from '../upstream/service.ts';
import type { BodyMemory } from './body-memory.ts';
import {
  type CompiledRoute,
  makePolicies,
  prepareParts,
  type RouteParts,
  type SharedPolicies,
  type Surroundings,
  takePolicies,
} from './compiled-route.ts';
import type { GatewayConfig, ResolvedRoute } from './config.ts';
import type { Forwarding } from './forwarding.ts';
import type { Recorder } from './recorder.ts';

/** What the gateway needs to know of the listener that a request came by. Limits and timeouts are the server's. */
export interface ListenerRuntime {
  readonly name: string;
  readonly scheme: 'http' | 'https';
  readonly port: number;
  readonly forwarding: Forwarding;
  /** Field with the request id, in small letters; empty for none. */
  readonly requestIdField: string;
}

/** Told of problems that are no answer's to tell. */
export type Warn = (message: string, cause?: unknown) => void;

export interface SnapshotContext extends ServiceContext {
  /** Of the worker. */
  readonly bodyMemory: BodyMemory;
  readonly deadlines: Deadlines;
  readonly names: FieldNames;
  readonly warn: Warn;
  /** A policy counts something. */
  readonly policyEvent: (route: string, policy: string, event: string) => void;
  /** How hard pressed this worker is, for the policies. */
  readonly load: PolicyContext['load'];
  /** Has every list that policies of the configuration name. */
  readonly addressLists: AddressLists;
  readonly limiters: Limiters;
  readonly plans: Plans;
  readonly identity: Identity;
  /** Made once the configuration is known to compile. */
  recorder(config: GatewayConfig['observability']): Promise<Recorder>;
}

/**
 * How long compiling goes on before requests get their turn: a reload of 10,000 routes must not stall them. Half as long, and requests
 * that come without a pause would hold up the reload.
 */
const TURN_MS = 5;

/**
 * One configuration, compiled. Requests begin and end on the same snapshot, whatever is loaded meanwhile; when a newer one is
 * committed and its last request has ended, it lets go of its policies. Those that no other snapshot has taken over are closed.
 */
export class Snapshot {
  readonly router: Router<CompiledRoute>;
  /** For requests that no route matches: the global policies still run. */
  readonly unrouted: CompiledRoute;
  readonly services: ReadonlyMap<string, Service>;
  readonly recorder: Recorder;
  readonly bodyMemory: BodyMemory;
  readonly warn: Warn;
  /** Takes off what no service is sent; undefined where nobody can have any. */
  readonly ownCredentials: OwnCredentials | undefined;
  /** What no client may send; undefined where no policy tells services who calls. */
  readonly identityFields: IdentityFields | undefined;
  /** Query parameters that no log may show, in small letters; undefined where no policy has any of its own. */
  readonly secretParameters: ReadonlySet<string> | undefined;
  /** What the next snapshot may take over. */
  readonly parts: SnapshotParts;
  #requests = 0;
  #retired = false;

  constructor(made: {
    router: Router<CompiledRoute>;
    services: ReadonlyMap<string, Service>;
    recorder: Recorder;
    bodyMemory: BodyMemory;
    warn: Warn;
    ownCredentials: OwnCredentials | undefined;
    identityFields: IdentityFields | undefined;
    secretParameters: ReadonlySet<string> | undefined;
    parts: SnapshotParts;
  }) {
    this.router = made.router;
    this.unrouted = made.parts.unrouted.prepared.value;
    this.services = made.services;
    this.recorder = made.recorder;
    this.bodyMemory = made.bodyMemory;
    this.warn = made.warn;
    this.identityFields = made.identityFields;
    this.secretParameters = made.secretParameters;
    this.parts = made.parts;
    this.ownCredentials = made.ownCredentials;
  }

  get requests(): number {
    return this.#requests;
  }

  enter(): void {
    this.#requests++;
  }

  leave(): void {
    if (--this.#requests === 0 && this.#retired) this.#close();
  }

  /** Another snapshot is current. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#requests === 0) this.#close();
  }

  #close(): void {
    this.parts.unrouted.policies.release();
    for (const { policies } of this.parts.routes.values()) policies.release();
    this.parts.identity.release();
    this.recorder
      .close()
      .catch((error: unknown) => this.warn('closing the records of a configuration failed', error));
  }
}

interface SnapshotParts {
  readonly globals: readonly PolicyUse[];
  readonly limiters: Limiters;
  readonly plans: Plans;
  readonly identity: Identity;
  readonly unrouted: RouteParts;
  readonly routes: ReadonlyMap<string, RouteParts>;
}

/**
 * Compiles a configuration. What is the same as in `before` is taken over: services with their connections, policies with their
 * state, routes. Services that are new are in `made`, to be retired if the configuration is given up; the snapshot is to be retired
 * then too. Rejects with an Error that names what is wrong, and leaves nothing.
 */
export async function compileSnapshot(
  config: GatewayConfig,
  before: Snapshot | undefined,
  context: SnapshotContext,
): Promise<{ snapshot: Snapshot; made: readonly Service[] }> {
  const made: Service[] = [];
  const held: SharedPolicies[] = [];
  const turns = new Turns(TURN_MS);
  context.identity.hold();
  try {
    const services = takeServices(config, before, context, made);
    const globals = config.policies;
    const known = before !== undefined && isAlike(before.parts, globals, context) ? before.parts : undefined;
    const surroundings: Surroundings = {
      globals,
      services,
      reader: new PolicyReader(),
      deadlines: context.deadlines,
      warn: context.warn,
      policyEvent: context.policyEvent,
      load: context.load,
      addressLists: context.addressLists,
      limiters: context.limiters,
      plans: context.plans,
      identity: context.identity,
      loginPages: await loginPagesOf(config, context.identity),
    };
    const changed = known === undefined ? NOTHING : changedSince(known, context);
    const unrouted = await makeParts('', UNROUTED, known?.unrouted, surroundings, held);
    const routes = new Map<string, RouteParts>();
    for (const name in config.routes) {
      const settings = config.routes[name] as ResolvedRoute;
      const last = needsAny(settings.policies, changed) ? undefined : known?.routes.get(name);
      const parts = makeParts(name, settings, last, surroundings, held);
      // A promise each for routes that are only taken over would cost more than they do.
      routes.set(name, parts instanceof Promise ? await parts : parts);
      if (turns.isOver()) await turns.next();
    }
    const prepared = Array.from(routes.values(), (parts) => parts.prepared);
    const router = await compileRouterInTurns(prepared, turns);
    const identityFields = await findIdentityFields(usesOf(config), surroundings.reader, turns);
    const secretParameters = await findSecretParameters(usesOf(config), surroundings.reader, turns);
    const recorder = await context.recorder(config.observability);
    const { bodyMemory, limiters, plans, identity, warn } = context;
    const parts: SnapshotParts = { globals, limiters, plans, identity, unrouted, routes };
    const snapshot = new Snapshot({
      router,
      services,
      recorder,
      bodyMemory,
      warn,
      ownCredentials: OwnCredentials.of(identity.data.sessions, config.adminLogins === true),
      identityFields,
      secretParameters,
      parts,
    });
    return { snapshot, made };
  } catch (error) {
    for (const policies of held) policies.release();
    for (const service of made) service.retire();
    context.identity.release();
    throw error;
  }
}

/** With the code of the pages, which is loaded where a route has a login. */
async function loginPagesOf(
  { routes }: GatewayConfig,
  identity: Identity,
): Promise<Surroundings['loginPages']> {
  for (const name in routes) {
    if (routes[name]?.login === undefined) continue;
    const { LoginPages } = await import('../identity/login/pages.ts');
    return (sessions) => new LoginPages(identity, sessions);
  }
  return undefined;
}

/** Every use of a policy, wherever it stands. */
function* usesOf({ policies, routes }: GatewayConfig): Iterable<PolicyUse> {
  yield* policies;
  for (const name in routes) yield* (routes[name] as ResolvedRoute).policies;
}

/** Whether policies can be what they were: routes have them from here too. */
function isAlike(
  before: SnapshotParts,
  globals: readonly PolicyUse[],
  context: Pick<SnapshotContext, 'limiters' | PolicyNeed>,
): boolean {
  return (
    before.limiters === context.limiters &&
    sameData(before.globals, globals) &&
    !needsAny(globals, changedSince(before, context))
  );
}

const NOTHING: readonly PolicyNeed[] = [];

/** What policies may be made of beside their options, and is another now. */
function changedSince(
  before: Pick<SnapshotParts, PolicyNeed>,
  now: Pick<SnapshotContext, PolicyNeed>,
): readonly PolicyNeed[] {
  return POLICY_NEEDS.filter((need) => before[need] !== now[need]);
}

const UNROUTED: ResolvedRoute = { match: {}, priority: 0, policies: [], timeout: 0 };

/** Policies that it holds stand in `held`, also when it fails after that. */
function makeParts(
  name: string,
  settings: ResolvedRoute,
  before: RouteParts | undefined,
  surroundings: Surroundings,
  held: SharedPolicies[],
): RouteParts | Promise<RouteParts> {
  const withPolicies = (policies: SharedPolicies): RouteParts => {
    held.push(policies);
    return prepareParts(name, settings, policies, before, surroundings);
  };
  const taken = takePolicies(settings, before);
  return taken === undefined
    ? makePolicies(name, settings, surroundings).then(withPolicies)
    : withPolicies(taken);
}

function takeServices(
  config: GatewayConfig,
  before: Snapshot | undefined,
  context: SnapshotContext,
  made: Service[],
): ReadonlyMap<string, Service> {
  const services = new Map<string, Service>();
  for (const name in config.services) {
    const settings = config.services[name] as GatewayConfig['services'][string];
    const known = before?.services.get(name);
    if (known !== undefined && JSON.stringify(known.settings) === JSON.stringify(settings)) {
      services.set(name, known);
      continue;
    }
    const service = makeService(name, settings, context);
    made.push(service);
    services.set(name, service);
  }
  return services;
}

function makeService(
  name: string,
  settings: GatewayConfig['services'][string],
  context: SnapshotContext,
): Service {
  try {
    return new Service(name, settings, context);
  } catch (error) {
    const reason = messageOf(error);
    throw new Error(`service ${name}: ${reason}`, { cause: error });
  }
}
