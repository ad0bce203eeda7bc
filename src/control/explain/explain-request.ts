import { inOrder, stageOf } from '../../policies/compile.ts';
import { loadPolicy } from '../../policies/load.ts';
import { parseOptions } from '../../policies/problems.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { Policy, Stage } from '../../policy/contract.ts';
import { type ExplainedLoser, type Explanation, explain } from '../../routing/explain.ts';
import { compileRedirect } from '../../routing/redirect.ts';
import { compileRewrite } from '../../routing/rewrite.ts';
import type { RouteConfig } from '../../routing/schema.ts';
import { ServiceChoice } from '../../routing/service-choice.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import type { ServiceStatus } from '../../upstream/control/status.ts';
import { type ExplainedSetting, explainSettings } from './explain-service.ts';
import type { Place, PositionOf } from './place.ts';
import { type Asked, type Question, readQuestion } from './question.ts';

/** What an explanation needs of a loaded configuration. */
export interface ExplainableConfig {
  readonly dataPlane: DataPlaneConfig;
  readonly positionOf: PositionOf;
}

export interface ExplainedPolicy {
  readonly name: string;
  readonly stage: Stage;
  /** Of every route, or of this one. */
  readonly from: 'global' | 'route';
  readonly place: Place | undefined;
}

export interface ExplainedService {
  readonly name: string;
  readonly place: Place | undefined;
  /** Share of the requests; 1 where the route has one service. */
  readonly weight: number;
  /** As the configuration has them. */
  readonly targets: readonly { readonly url: string; readonly weight: number }[];
  /** How it deals with a request, where the configuration says anything of it. */
  readonly settings: readonly ExplainedSetting[];
  /** How it and its targets are, where a running gateway is asked. */
  readonly now?: ServiceStatus;
}

/** How a split chooses, beside its weights. */
export interface ExplainedSplit {
  /** What clients are known by. */
  readonly by?: RouteConfig['splitBy'];
  readonly override?: RouteConfig['splitOverride'];
  /** The service that this request gets, where it tells enough. */
  readonly chosen?: { readonly service: string; readonly because: 'override' | 'key' };
}

export interface ExplainedMirror {
  readonly name: string;
  readonly place: Place | undefined;
  readonly percent: number;
}

export type ExplainedOutcome =
  | {
      readonly kind: 'service';
      readonly services: readonly ExplainedService[];
      readonly split?: ExplainedSplit;
      /** Has copies of requests too. */
      readonly mirror?: ExplainedMirror;
      /** Path and query that the service receives, if no policy changes them. */
      readonly upstreamPath: string;
      /** Host that it receives; `target` stands for that of the target chosen. */
      readonly upstreamHost: string;
    }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'respond'; readonly status: number }
  | { readonly kind: 'redirect'; readonly status: number; readonly location: string }
  /** A page of a login of these sessions, if there is one of that path. */
  | { readonly kind: 'login'; readonly session: string; readonly place: Place | undefined }
  | { readonly kind: 'not_found' }
  | { readonly kind: 'method_not_allowed'; readonly allow: readonly string[] };

/** All that is known of what a request meets: plain data, the same offline and from a running gateway. */
export interface RequestExplanation {
  readonly request: { readonly method: string; readonly url: string };
  readonly route?: {
    readonly name: string;
    readonly place: Place | undefined;
    readonly pattern: string | undefined;
    readonly captures: Readonly<Record<string, string>>;
    /** The method that a CORS preflight asks for, where the route was found by that method. */
    readonly preflightFor?: string;
  };
  /** In the order in which their request hooks run. Without a route: the global ones, which run all the same. */
  readonly policies: readonly ExplainedPolicy[];
  readonly outcome: ExplainedOutcome;
  /** Every other route and why it lost, in the order of the configuration. */
  readonly others: readonly (ExplainedLoser & { readonly place: Place | undefined })[];
}

export type ExplainResult =
  | { readonly ok: true; readonly explanation: RequestExplanation }
  | { readonly ok: false; readonly message: string };

/**
 * Explains a request against a configuration; `ok` is false for a request that the gateway would answer with 400. `now` is the state of
 * the services of a running gateway.
 */
export async function explainRequest(
  config: ExplainableConfig,
  question: Question,
  now: Readonly<Record<string, ServiceStatus>> = {},
): Promise<ExplainResult> {
  const read = readQuestion(question);
  if (!read.ok) return read;
  const { request } = read;
  const { dataPlane, positionOf } = config;
  const routes = Object.entries(dataPlane.routes).map(([name, route]) => ({ name, config: route }));
  const found = explain(routes, request);
  const { winner } = found;
  const explanation: RequestExplanation = {
    request: {
      method: request.method,
      url: `${request.scheme}://${request.authority}${request.path}${request.search}`,
    },
    ...(winner === undefined
      ? {}
      : {
          route: {
            name: winner.route,
            place: positionOf(['routes', winner.route]),
            pattern: winner.pattern,
            captures: winner.captures,
            ...(winner.preflightFor === undefined ? {} : { preflightFor: winner.preflightFor }),
          },
        }),
    policies: await policiesInOrder(config, winner?.route),
    outcome: outcomeOf(config, request, found, now),
    others: found.losers.map((loser) => ({ ...loser, place: positionOf(['routes', loser.route]) })),
  };
  return { ok: true, explanation };
}

type Route = DataPlaneConfig['routes'][string];

interface PlacedPolicy extends ExplainedPolicy {
  readonly use: PolicyUse;
  readonly policy: Policy;
  readonly isGlobal: boolean;
}

async function policiesInOrder(
  config: ExplainableConfig,
  route: string | undefined,
): Promise<ExplainedPolicy[]> {
  const { dataPlane, positionOf } = config;
  const settings = route === undefined ? undefined : dataPlane.routes[route];
  if (settings?.enabled === false) return [];
  const own = settings?.policies ?? [];
  const placed = await Promise.all([
    ...dataPlane.policies.map((use, index) => placedPolicy(use, 'global', positionOf(['policies', index]))),
    ...own.map((use, index) =>
      placedPolicy(use, 'route', positionOf(['routes', route ?? '', 'policies', index])),
    ),
  ]);
  const isLogin = settings?.login !== undefined;
  return inOrder(placed, isLogin).map(({ name, stage, from, place }) => ({ name, stage, from, place }));
}

async function placedPolicy(
  use: PolicyUse,
  from: 'global' | 'route',
  at: Place | undefined,
): Promise<PlacedPolicy> {
  const policy = await loadPolicy(use);
  const parsed = await parseOptions(policy.schema, use.options);
  const stage = parsed.success ? stageOf(policy, parsed.data) : policy.stage;
  return { name: use.name, stage, from, place: at, use, policy, isGlobal: from === 'global' };
}

/** What becomes of a request, by the route that was found for it. */
export function outcomeOf(
  { dataPlane, positionOf }: ExplainableConfig,
  request: Asked,
  found: Pick<Explanation, 'status' | 'winner' | 'allow'>,
  now: Readonly<Record<string, ServiceStatus>> = {},
): ExplainedOutcome {
  const { winner } = found;
  const route = winner === undefined ? undefined : dataPlane.routes[winner.route];
  if (winner === undefined || route === undefined) {
    return found.status === 'method_not_allowed'
      ? { kind: 'method_not_allowed', allow: found.allow }
      : { kind: 'not_found' };
  }
  const names = Object.keys(winner.captures);
  const captures = Object.values(winner.captures);
  if (route.enabled === false) return { kind: 'disabled' };
  if (route.respond !== undefined) return { kind: 'respond', status: route.respond.status };
  if (route.redirect !== undefined) {
    // A question has a host, so that there is somewhere to send it.
    const location = compileRedirect(route.redirect, names)(request, captures) ?? '';
    return { kind: 'redirect', status: route.redirect.status, location };
  }
  if (route.login !== undefined)
    return { kind: 'login', session: route.login, place: positionOf(['sessions', route.login]) };
  const shares = route.split ?? [{ service: route.service ?? '', weight: 1 }];
  const services = shares.map(({ service, weight }): ExplainedService => {
    const config = dataPlane.services[service];
    const status = now[service];
    return {
      name: service,
      place: positionOf(['services', service]),
      weight,
      targets: config?.targets.map(({ url, weight: share }) => ({ url, weight: share })) ?? [],
      settings: config === undefined ? [] : explainSettings(service, config, positionOf),
      ...(status && { now: status }),
    };
  });
  return {
    kind: 'service',
    services,
    ...explainedSplit(route, request),
    ...explainedMirror(route, positionOf),
    upstreamPath: upstreamPath(route, request.path, names, captures) + request.search,
    upstreamHost:
      route.rewrite?.host ?? hostFor(dataPlane.services[shares[0]?.service ?? '']?.host, request.authority),
  };
}

function upstreamPath(
  { rewrite }: Route,
  path: string,
  names: readonly string[],
  captures: readonly string[],
): string {
  const { path: template, stripPrefix } = rewrite ?? {};
  if (stripPrefix !== undefined) return path.slice(stripPrefix.length) || '/';
  return template === undefined ? path : compileRewrite(template, names)(captures);
}

function explainedSplit(
  { split, splitBy, splitOverride }: Route,
  { fields }: Asked,
): { readonly split?: ExplainedSplit } {
  if (split === undefined || (splitBy ?? splitOverride) === undefined) return {};
  const choice = new ServiceChoice({ split, splitBy, splitOverride });
  const named = choice.overriddenBy(fields);
  // Nobody knows the address that a question would come from.
  const key = splitBy?.address === undefined ? choice.keyOf(fields, '') : undefined;
  const chosen =
    named === undefined
      ? key !== undefined && ({ service: choice.byKey(key), because: 'key' } as const)
      : ({ service: named, because: 'override' } as const);
  return {
    split: {
      ...(splitBy && { by: splitBy }),
      ...(splitOverride && { override: splitOverride }),
      ...(chosen && { chosen }),
    },
  };
}

function explainedMirror({ mirror }: Route, positionOf: PositionOf): { readonly mirror?: ExplainedMirror } {
  if (mirror === undefined) return {};
  const { service, percent } = mirror;
  return { mirror: { name: service, place: positionOf(['services', service]), percent } };
}

function hostFor(rule: string | undefined, authority: string): string {
  return rule === undefined || rule === 'preserve' ? authority : rule;
}
