import { sameData } from '../../lib/same-data.ts';
import { Turns } from '../../lib/turns.ts';
import type { PolicyUse } from '../../policies/use.ts';
import type { DataPlaneConfig } from '../../server/config.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { Question } from '../explain/question.ts';
import type { Comparison } from './comparison.ts';
import { compareGuards, guardText, HTTPS_ONLY, isClosed, isPublic, methodsNamedIn } from './guard.ts';
import { hasMoved } from './known-consumers.ts';
import { type Outcome, OutcomeFinder } from './outcome.ts';
import { type RoutesToSample, sampleRequests } from './samples.ts';

/**
 * What is otherwise for a request. `newly-public`: nobody has to say any more who they are, or there was no answer at all; `newly-denied`:
 * there was an answer, and now there is none, or only for those who say who they are; `newly-reachable`: there was none, and now there is one
 * for those; `authentication`: others are let in; `pages`: pages of other origins may read it that might not, or the other way round;
 * `destination`: another service, or another answer; `limits`: other limits.
 */
export const CHANGE_KINDS = [
  'newly-public',
  'newly-denied',
  'newly-reachable',
  'authentication',
  'pages',
  'destination',
  'limits',
] as const;

export type ChangeKind = (typeof CHANGE_KINDS)[number];

/** What a request meets, told for people. */
export interface Side {
  /** Undefined: no route takes it. */
  readonly route: string | undefined;
  /** Whom it lets in, such as `public` or `basic or api-key; group staff`. */
  readonly access: string;
  /** Such as `service orders at /v2/7`. */
  readonly answer: string;
  readonly limits: readonly string[];
  /** Pages of other origins that may read it, such as `pages of https://app.example.com with credentials`. */
  readonly pages: string;
}

/** Requests whose outcome changes in one way: all that went from one route to another. */
export interface OutcomeChange {
  readonly kind: ChangeKind;
  /** How authentication and authorization after compare with those before; of `pages`: what pages may do in somebody's name. */
  readonly authentication: Comparison;
  /** One of the requests, as `portcullis explain` takes it. */
  readonly example: Question;
  /** How many of the requests that were tried. */
  readonly requests: number;
  readonly before: Side;
  readonly after: Side;
}

export interface OutcomeDiff {
  /** In the order of the kinds; of a kind, those that get weaker first. */
  readonly changes: readonly OutcomeChange[];
  /** Whether an authentication or authorization lets in somebody whom it did not. */
  readonly weaker: boolean;
  /** Whether one changed in a way that nobody can compare. */
  readonly incomparable: boolean;
  /** Requests that were tried on both. */
  readonly tried: number;
  /** Whether there were more to try than are tried. */
  readonly cut: boolean;
}

export interface DiffOptions {
  /** Most requests that are tried; default 20,000. */
  readonly mostRequests?: number;
}

/** In a gateway it is the main thread that tries them. */
const TURN_MS = 20;

/** What a diff needs of a loaded configuration. */
export type DiffedConfig = Pick<LoadedConfig, 'dataPlane' | 'positionOf'>;

/** Which requests change their outcome from one configuration to the other, with an example of each. Nothing is sent anywhere. */
export async function diffOutcomes(
  before: DiffedConfig,
  after: DiffedConfig,
  options: DiffOptions = {},
): Promise<OutcomeDiff> {
  const { questions, cut } = sampleRequests(
    toSample(before.dataPlane, after.dataPlane),
    toSample(after.dataPlane, before.dataPlane),
    options.mostRequests ?? 20_000,
  );
  const finders = [new OutcomeFinder(before), new OutcomeFinder(after)] as const;
  const turns = new Turns(TURN_MS);
  const groups = new Map<string, { readonly change: OutcomeChange; requests: number }>();
  for (const question of questions) {
    if (turns.isOver()) await turns.next();
    const [from, to] = [await finders[0].find(question), await finders[1].find(question)];
    if (from === undefined || to === undefined) continue;
    for (const { kind, authentication } of changesBetween(from, to)) {
      const change = {
        kind,
        authentication,
        example: question,
        requests: 1,
        before: sideOf(from, kind === 'destination' ? to : undefined),
        after: sideOf(to, kind === 'destination' ? from : undefined),
      };
      const key = JSON.stringify([
        kind,
        authentication,
        ...[change.before, change.after].flatMap(({ route, access, limits }) => [
          route ?? null,
          access,
          limits,
        ]),
        ...(kind === 'destination' ? [from.shape, to.shape] : []),
        ...(kind === 'pages' ? [from.pages.key, to.pages.key] : []),
      ]);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { change, requests: 1 });
      else group.requests++;
    }
  }
  const changes = [...groups.values()].map(({ change, requests }) => ({ ...change, requests }));
  return {
    changes: changes.toSorted((a, b) => rank(a) - rank(b)),
    weaker: changes.some(({ authentication }) => authentication === 'weaker'),
    incomparable: changes.some(({ authentication }) => authentication === 'changed'),
    tried: questions.length,
    cut,
  };
}

function rank({ kind, authentication }: OutcomeChange): number {
  return CHANGE_KINDS.indexOf(kind) * 2 + (authentication === 'weaker' ? 0 : 1);
}

/** Everything that is otherwise between two outcomes of one request; nothing where they are the same. */
export function changesBetween(
  from: Outcome,
  to: Outcome,
): { readonly kind: ChangeKind; readonly authentication: Comparison }[] {
  const [answered, answers] = [isAnswered(from), isAnswered(to)];
  if (!answered && !answers) return [];
  // Where nothing answers there is nobody to let in.
  const authentication = from.isServed && to.isServed ? compareGuards(from.guard, to.guard) : 'same';
  if (!answers) return [{ kind: 'newly-denied', authentication }];
  if (!answered) return [{ kind: isPublic(to.guard) ? 'newly-public' : 'newly-reachable', authentication }];
  const kinds: ChangeKind[] = [];
  if (isPublic(to.guard) && !isPublic(from.guard)) kinds.push('newly-public');
  else if (isPublic(from.guard) && !isPublic(to.guard)) kinds.push('newly-denied');
  else if (authentication !== 'same') kinds.push('authentication');
  if (from.pages.key !== to.pages.key) kinds.push('pages');
  if (from.destination !== to.destination) kinds.push('destination');
  if (!sameData(from.limits, to.limits)) kinds.push('limits');
  return kinds.map((kind) => {
    if (kind === 'pages') return { kind, authentication: from.pages.compare(to.pages) };
    return { kind, authentication: kind === 'destination' || kind === 'limits' ? 'same' : authentication };
  });
}

function isAnswered({ isServed, guard }: Outcome): boolean {
  return isServed && !isClosed(guard);
}

/** `other` is the other side where an answer that reads alike is to be told apart from it. */
function sideOf(
  { route, isServed, guard, answer, place, limits, pages }: Outcome,
  other: Outcome | undefined,
): Side {
  const isAlike = answer === other?.answer;
  const more = other?.place === place ? 'by other options' : place;
  return {
    route,
    access: isServed ? guardText(guard) : 'nobody',
    answer: isAlike ? `${answer}, ${more}` : answer,
    limits: limits.map(({ name }) => name),
    pages: pages.text,
  };
}

/** The routes that may answer otherwise than in the other configuration. */
function toSample(config: DataPlaneConfig, other: DataPlaneConfig): RoutesToSample {
  const routes = Object.entries(config.routes);
  const around = (each: DataPlaneConfig) => [
    each.policies,
    each.identity?.providers,
    each.identity?.sessions,
  ];
  const allDiffer =
    !sameData(around(config), around(other)) ||
    hasMoved(config.identity?.consumers, other.identity?.consumers);
  const services = new Set(
    Object.keys(config.services).filter((name) => !sameData(config.services[name], other.services[name])),
  );
  const uses = ({ service, split, mirror }: (typeof routes)[number][1]) =>
    [service, mirror?.service, ...(split ?? []).map((each) => each.service)].some(
      (name) =>
        name !== undefined &&
        (services.has(name) || services.has(config.services[name]?.fallback?.service ?? '')),
    );
  const isHttpsOnly = ({ name }: PolicyUse) => name === HTTPS_ONLY;
  return {
    routes: routes.map(([name, route]) => ({ name, config: route })),
    methodsNamedBy: (name) =>
      [...config.policies, ...(config.routes[name]?.policies ?? [])].flatMap(methodsNamedIn),
    schemesDiffer:
      config.policies.some(isHttpsOnly) || routes.some(([, { policies }]) => policies.some(isHttpsOnly)),
    differs: new Set(
      routes
        .filter(([name, route]) => allDiffer || uses(route) || !sameData(route, other.routes[name]))
        .map(([name]) => name),
    ),
  };
}
