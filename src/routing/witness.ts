import { Fields } from '../http/fields.ts';
import type { Condition } from './conditions.ts';
import type { Candidate } from './precedence.ts';
import type { RoutedRequest } from './types.ts';

/** A condition that holds where both hold; undefined when none can. Both are about the same field or parameter. */
export function bothConditions(a: Condition, b: Condition): Condition | undefined {
  if (implies(a, b)) return a;
  return implies(b, a) ? b : undefined;
}

/** Whether every value that satisfies `narrow` satisfies `wide`. Both are about the same field or parameter. */
export function implies(narrow: Condition, wide: Condition): boolean {
  switch (wide.kind) {
    case 'absent':
      return narrow.kind === 'absent';
    case 'present':
      return narrow.kind !== 'absent';
    case 'prefix':
      return (narrow.kind === 'exact' || narrow.kind === 'prefix') && narrow.value.startsWith(wide.value);
    case 'exact':
      return narrow.kind === 'exact' && narrow.value === wide.value;
  }
}

/** Whether some request satisfies both lists. Called for many pairs: it allocates nothing. */
export function canMeet(a: readonly Condition[], b: readonly Condition[]): boolean {
  for (const one of a) {
    for (const other of b) {
      if (one.name === other.name && bothConditions(one, other) === undefined) return false;
    }
  }
  return true;
}

/** What two candidates with the same hosts and paths ask together; undefined when no request satisfies both. */
export function intersection(a: Candidate, b: Candidate): Candidate | undefined {
  const methods = bothLists(a.methods, b.methods);
  const protocols = bothLists(a.protocols, b.protocols);
  const headers = bothConditionLists(a.headers, b.headers);
  const query = bothConditionLists(a.query, b.query);
  if (methods?.length === 0 || protocols?.length === 0 || headers === undefined || query === undefined)
    return undefined;
  return { ...a, methods, protocols, headers, query };
}

function bothLists<T>(a: readonly T[] | undefined, b: readonly T[] | undefined): readonly T[] | undefined {
  if (a === undefined) return b;
  return b === undefined ? a : a.filter((each) => b.includes(each));
}

function bothConditionLists(
  a: readonly Condition[],
  b: readonly Condition[],
): readonly Condition[] | undefined {
  const both = new Map(a.map((condition) => [condition.name, condition]));
  for (const condition of b) {
    const other = both.get(condition.name);
    const merged = other === undefined ? condition : bothConditions(other, condition);
    if (merged === undefined) return undefined;
    both.set(condition.name, merged);
  }
  return [...both.values()];
}

/** A request that a candidate matches. */
export function witness(candidate: Candidate): RoutedRequest {
  const { host, pattern } = candidate;
  const segments = pattern?.segments.map((segment) => ('literal' in segment ? segment.literal : 'any')) ?? [];
  if (pattern === undefined || pattern.prefix) segments.push('any');
  const parameters = new URLSearchParams();
  for (const condition of candidate.query) {
    if (condition.kind !== 'absent') parameters.set(condition.name, condition.value);
  }
  // As a list, which is taken as it is: a configured value that no request can have is another's problem to report.
  const fields = new Fields(
    candidate.headers.flatMap((condition) =>
      condition.kind === 'absent' ? [] : [condition.name, condition.name, condition.value],
    ),
  );
  return {
    method: candidate.methods?.[0] ?? 'GET',
    scheme: candidate.protocols?.[0] ?? 'https',
    host: host === undefined ? 'example.com' : host.startsWith('*.') ? `any${host.slice(1)}` : host,
    path: `/${segments.join('/')}`,
    search: parameters.size > 0 ? `?${parameters.toString()}` : '',
    fields,
  };
}

/** A request as `portcullis explain` takes it: `GET https://host/path -H 'name: value'`. */
function formatRequest(request: RoutedRequest, headerNames: readonly string[]): string {
  const line = `${request.method} ${request.scheme}://${request.host}${request.path}${request.search}`;
  const headers = headerNames
    .filter((name) => request.fields.get(name) !== undefined)
    .map((name) => ` -H '${name}: ${request.fields.get(name)?.replaceAll("'", "'\\''")}'`);
  return line + headers.join('');
}

/** The request of `witness`, as text. */
export function example(candidate: Candidate): string {
  const names = candidate.headers.map((condition) => condition.name);
  return formatRequest(witness(candidate), names);
}
