import { type Candidate, candidatesOf, type MatchedRoute } from '../../routing/precedence.ts';
import { witness } from '../../routing/witness.ts';
import type { Question } from '../explain/question.ts';
import { common, within } from './common.ts';

/** Routes of one configuration, and which of them may answer otherwise than in the other one. */
export interface RoutesToSample {
  readonly routes: readonly MatchedRoute[];
  readonly differs: ReadonlySet<string>;
  /** Whether requests over http may meet something else than those over https, where routes take both. */
  readonly schemesDiffer: boolean;
  /** Methods that the policies of a route name. */
  readonly methodsNamedBy: (route: string) => readonly string[];
}

export interface Samples {
  readonly questions: readonly Question[];
  /** Whether there would have been more. */
  readonly cut: boolean;
}

/** Asked where a route takes any method. */
const METHODS = ['GET', 'POST'];

/** Of which one is asked that nothing names, where policies name some. */
const FURTHER_METHODS = ['PUT', 'DELETE', 'PATCH', 'PURGE'];

/**
 * Requests that may show a difference: for each route that differs, those that it alone describes; those that it and another route
 * of either configuration describe together, and those at the same place that the other one's further conditions leave out. Where there are
 * too many, each of these routes is asked for once before any is asked for again.
 */
export function sampleRequests(before: RoutesToSample, after: RoutesToSample, most: number): Samples {
  const host = unnamedHost([...before.routes, ...after.routes]);
  const named = new Map(
    [before, after].flatMap(({ routes, methodsNamedBy }) =>
      routes.map((route) => [route, methodsNamedBy(route.name)] as const),
    ),
  );
  const made = new Map<string, Question>();
  let cut = false;
  const ask = (candidate: Candidate, method: string, more: readonly (readonly [string, string])[] = []) => {
    if (made.size >= most) {
      cut = true;
      return;
    }
    const question = questionOf({ ...candidate, host: candidate.host ?? host, methods: [method] }, more);
    made.set(JSON.stringify(question), question);
  };
  const add = (candidate: Candidate, beside: Candidate, more?: readonly (readonly [string, string])[]) => {
    for (const method of methodsOf(candidate, beside, named)) ask(candidate, method, more);
  };
  const all = [before, after].map(({ routes }) => routes.flatMap((route) => candidatesOf(route)));
  const differing = [before, after].flatMap(({ differs }, side) =>
    (all[side] ?? []).filter(({ route }) => differs.has(route.name)),
  );
  for (const candidate of differing) ask(candidate, candidate.methods?.[0] ?? 'GET');
  for (const candidate of differing) add(candidate, candidate);
  const overHttp = before.schemesDiffer || after.schemesDiffer;
  for (const candidate of differing)
    for (const variant of variantsOf(candidate)) {
      add(variant, candidate);
      if (overHttp && variant.protocols === undefined) add({ ...variant, protocols: ['http'] }, candidate);
    }
  for (const candidate of differing) {
    for (const other of all.flat()) {
      if (cut) break;
      if (other === candidate) continue;
      const both = common(candidate, other);
      if (both !== undefined) add(both, other);
      const alone = within(candidate, other);
      if (alone === undefined) continue;
      for (const variant of variantsBeside(alone, other)) add(variant, other);
      for (const { name, kind } of other.headers)
        if (kind === 'absent' && !alone.headers.some((each) => each.name === name))
          add(alone, other, [[name, 'any']]);
      for (const protocol of ['http', 'https'] as const)
        if (other.protocols !== undefined && alone.protocols === undefined)
          add({ ...alone, protocols: [protocol] }, other);
    }
  }
  return { questions: [...made.values()], cut };
}

/** A host that no route names, for those that take any. */
function unnamedHost(routes: readonly MatchedRoute[]): string {
  const named = new Set(routes.flatMap(({ config }) => config.match.hosts ?? []));
  const isNamed = (host: string) =>
    named.has(host) || [...named].some((each) => each.startsWith('*.') && host.endsWith(each.slice(1)));
  return CANDIDATE_HOSTS.find((host) => !isNamed(host)) ?? 'any.invalid';
}

const CANDIDATE_HOSTS = ['example.com', 'example.net', 'host.test'];

/** What the candidate takes; where that is any, those that the policies of either route name, and one that they do not. */
function methodsOf(
  { route, methods }: Candidate,
  beside: Candidate,
  named: ReadonlyMap<MatchedRoute, readonly string[]>,
): readonly string[] {
  if (methods !== undefined) return methods;
  const names = [...(named.get(route) ?? []), ...(named.get(beside.route) ?? [])];
  if (names.length === 0) return METHODS;
  const further = FURTHER_METHODS.find((method) => !names.includes(method)) ?? 'REPORT';
  return [...new Set([...METHODS, ...names, further])];
}

/** The candidate, and what its `/*` stands for when it takes nothing. */
function variantsOf(candidate: Candidate): Candidate[] {
  const { pattern } = candidate;
  if (pattern === undefined || !pattern.prefix || pattern.segments.length === 0) return [candidate];
  return [candidate, { ...candidate, pattern: { ...pattern, prefix: false } }];
}

/** The same with a method that the other one does not take. */
function variantsBeside(alone: Candidate, other: Candidate): Candidate[] {
  if (alone.methods !== undefined || other.methods === undefined) return [alone];
  const free = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH'].find((method) => !other.methods?.includes(method));
  return [alone, { ...alone, methods: [free ?? 'PURGE'] }];
}

function questionOf(candidate: Candidate, more: readonly (readonly [string, string])[]): Question {
  const { method, scheme, host, path, search, fields } = witness(candidate);
  const own = candidate.headers.flatMap(({ name }): [string, string][] => {
    const value = fields.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  return { method, url: `${scheme}://${host}${path}${search}`, headers: [...own, ...more] };
}
