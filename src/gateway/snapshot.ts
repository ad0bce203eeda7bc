import type { FieldNames } from '../http/field-names.ts';
import type { Deadlines } from '../lib/deadlines.ts';
import { type CompiledPolicies, compilePolicies, noPolicies, PolicyReader } from '../policies/compile.ts';
import type { PolicyUse } from '../policies/use.ts';
import { compileRouter, type RouteToCompile } from '../routing/compile.ts';
import type { Router } from '../routing/match.ts';
import { Service, type ServiceContext } from '../upstream/service.ts';
import { type Action, compileAction } from './action.ts';
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

/** A route, ready to be used. */
export interface CompiledRoute {
  readonly name: string;
  readonly policies: CompiledPolicies;
  readonly action: Action;
  /** Host that the service sees; undefined leaves it to the service. */
  readonly upstreamHost: string | undefined;
  /** Whole request; 0 is no limit. */
  readonly timeoutMs: number;
}

/** Told of problems that are no answer's to tell. */
export type Warn = (message: string, cause?: unknown) => void;

export interface SnapshotContext extends ServiceContext {
  readonly deadlines: Deadlines;
  readonly names: FieldNames;
  readonly warn: Warn;
  /** Made once the configuration is known to compile. */
  recorder(config: GatewayConfig['observability']): Promise<Recorder>;
}

/** Routes compiled in one go before other work gets a turn: a reload of 10,000 routes must not stall the requests meanwhile. */
const ROUTES_PER_TURN = 200;

/**
 * One configuration, compiled. Requests begin and end on the same snapshot, whatever is loaded meanwhile; when a newer one is
 * committed and its last request has ended, its policies are closed.
 */
export class Snapshot {
  readonly router: Router<CompiledRoute>;
  /** For requests that no route matches: the global policies still run. */
  readonly unrouted: CompiledRoute;
  readonly services: ReadonlyMap<string, Service>;
  readonly recorder: Recorder;
  readonly warn: Warn;
  readonly #routes: readonly CompiledRoute[];
  #requests = 0;
  #retired = false;

  constructor(parts: {
    router: Router<CompiledRoute>;
    unrouted: CompiledRoute;
    routes: readonly CompiledRoute[];
    services: ReadonlyMap<string, Service>;
    recorder: Recorder;
    warn: Warn;
  }) {
    this.router = parts.router;
    this.unrouted = parts.unrouted;
    this.services = parts.services;
    this.recorder = parts.recorder;
    this.warn = parts.warn;
    this.#routes = parts.routes;
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
    for (const route of this.#routes) route.policies.close();
    this.recorder
      .close()
      .catch((error: unknown) => this.warn('closing the records of a configuration failed', error));
  }
}

/**
 * Compiles a configuration. Services that are the same as in `before` are taken over, with their connections; those that are new
 * are in `made`, to be retired if the configuration is given up. Rejects with an Error that names what is wrong, and leaves nothing.
 */
export async function compileSnapshot(
  config: GatewayConfig,
  before: Snapshot | undefined,
  context: SnapshotContext,
): Promise<{ snapshot: Snapshot; made: readonly Service[] }> {
  const made: Service[] = [];
  const routes: CompiledRoute[] = [];
  try {
    const services = takeServices(config, before, context, made);
    const reader = new PolicyReader();
    const unrouted = await compileRoute('', UNROUTED, config.policies, services, reader, context);
    routes.push(unrouted);
    const entries: RouteToCompile<CompiledRoute>[] = [];
    for (const name in config.routes) {
      const route = config.routes[name] as ResolvedRoute;
      const value = await compileRoute(name, route, config.policies, services, reader, context);
      routes.push(value);
      entries.push({ name, config: route, value });
      if (routes.length % ROUTES_PER_TURN === 0) await new Promise(setImmediate);
    }
    const router = compileRouter(entries);
    const recorder = await context.recorder(config.observability);
    return {
      snapshot: new Snapshot({ router, unrouted, routes, services, recorder, warn: context.warn }),
      made,
    };
  } catch (error) {
    for (const route of routes) route.policies.close();
    for (const service of made) service.retire();
    throw error;
  }
}

const UNROUTED: Pick<ResolvedRoute, 'policies' | 'timeout'> = { policies: [], timeout: 0 };

async function compileRoute(
  name: string,
  route: Pick<ResolvedRoute, 'policies' | 'timeout'> & Partial<ResolvedRoute>,
  globals: readonly PolicyUse[],
  services: ReadonlyMap<string, Service>,
  reader: PolicyReader,
  context: SnapshotContext,
): Promise<CompiledRoute> {
  const policies =
    globals.length + route.policies.length === 0
      ? noPolicies
      : await compilePolicies([...globals, ...route.policies], { route: name, warn: context.warn }, reader);
  try {
    return {
      name,
      policies,
      action: compileAction(route, services),
      upstreamHost: route.rewrite?.host,
      timeoutMs: route.timeout,
    };
  } catch (error) {
    policies.close();
    throw error;
  }
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
    const service = new Service(name, settings, context);
    made.push(service);
    services.set(name, service);
  }
  return services;
}
