import { isRecord } from '../../lib/is-record.ts';
import { checkRoutes } from '../../routing/check.ts';
import { routeSchema } from '../../routing/schema.ts';
import { loadConfig } from '../config/load.ts';
import type { Path } from '../config/place.ts';
import type { ConfigError } from '../config/problem.ts';
import { DRAFTED, type Draft, type DraftEntry, type Drafted, type Writable } from './draft.ts';
import type { Findings } from './findings.ts';

/** Stands in for what protected a route and could not be carried over: nobody comes in until somebody replaces it. */
export const CLOSED: Readonly<Writable> = { authorize: { default: 'deny' } };

/** Policies that keep somebody out: a route that loses one is closed. */
const PROTECTIVE = new Set([
  'auth',
  'basic',
  'api-key',
  'jwt',
  'introspection',
  'session',
  'mtls',
  'signature',
  'authorize',
  'ip-filter',
  'request-filter',
]);

const MAX_ROUNDS = 40;

/**
 * Makes a draft one that loads: the configuration's own checks are asked, and what they refuse is taken out again and told as lost, in the
 * smallest piece that can go: an entry of a list, an option of a service, a policy, else the whole. `file` is where it will stand. Resolves
 * with what is wrong all the same, such as in a file that the document refers to.
 */
export async function settle(
  draft: Draft,
  findings: Findings,
  file: string,
): Promise<readonly ConfigError[]> {
  settleTies(draft, findings);
  for (let round = 0; ; round++) {
    const result = await loadConfig(`${file}.json`, {
      text: JSON.stringify(draft.toObject()),
      env: Object.fromEntries(Array.from(draft.secrets, ([name, { value }]) => [name, value || PLACEHOLDER])),
    });
    if (result.ok) return [];
    const removals = new Map<string, ConfigError>();
    for (const error of result.errors) {
      const unit = unitOf(draft, parseDottedPath(error.path));
      if (unit !== undefined && !removals.has(JSON.stringify(unit)))
        removals.set(JSON.stringify(unit), error);
    }
    if (removals.size === 0 || round === MAX_ROUNDS) return result.errors;
    // The last entries of a list first, so that the places of the others stay what they are.
    for (const [unit, error] of [...removals]
      .toReversed()
      .toSorted(([a], [b]) => lastIndex(b) - lastIndex(a)))
      remove(draft, findings, JSON.parse(unit) as Path, error.message);
  }
}

/** For a secret that the document does not have: long enough for any. */
const PLACEHOLDER = 'a-secret-that-stands-in-for-one-that-is-not-known';

function lastIndex(unit: string): number {
  const last = (JSON.parse(unit) as Path).at(-1);
  return typeof last === 'number' ? last : -1;
}

/** Routes that tie, as no two did where they come from: the one that stands later goes behind. */
function settleTies(draft: Draft, findings: Findings): void {
  const { routes } = draft.entries;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const parsed = Array.from(routes.values(), ({ name, value }) => ({
      name,
      config: routeSchema.safeParse(value).data,
    }));
    const sound = parsed.flatMap(({ name, config }) => (config === undefined ? [] : [{ name, config }]));
    const ties = checkRoutes(sound).filter(
      ({ severity, other }) => severity === 'error' && other !== undefined,
    );
    if (ties.length === 0) return;
    for (const { route, other = '' } of ties) {
      const entry = routes.get(route);
      const before = routes.get(other);
      if (entry === undefined || before === undefined) continue;
      const priority = Number(before.value['priority'] ?? 0) - 1;
      entry.value['priority'] = Math.min(priority, Number(entry.value['priority'] ?? 0));
      findings.lost(
        entry.origin,
        `${route} takes requests that ${other} takes too, with nothing to say which goes first: it goes behind, by its priority`,
        'say what tells the two apart, and take the priority away',
      );
    }
  }
}

/** The smallest piece that holds a path and can be taken out. */
function unitOf(draft: Draft, path: Path): Path | undefined {
  const [collection, name, key, index] = path;
  if (collection === 'policies')
    return typeof name === 'number' && draft.policies[name] ? [collection, name] : undefined;
  if (!isDrafted(collection) || typeof name !== 'string') return undefined;
  const entry = draft.entries[collection].get(name);
  if (entry === undefined) return undefined;
  const list = key === undefined ? undefined : entry.value[key];
  const inList = typeof index === 'number' && Array.isArray(list) && index < list.length;
  if (key === 'policies') return inList ? [collection, name, key, index] : [collection, name];
  if (collection === 'consumers' && key !== undefined && list !== undefined)
    return inList ? [collection, name, key, index] : [collection, name, key];
  const isOption = collection === 'services' && key !== undefined && list !== undefined;
  return isOption && key !== 'url' && key !== 'targets' ? [collection, name, key] : [collection, name];
}

function isDrafted(name: unknown): name is Drafted {
  return (DRAFTED as readonly unknown[]).includes(name);
}

function remove(draft: Draft, findings: Findings, unit: Path, message: string): void {
  const [collection, name, key, index] = unit;
  if (collection === 'policies') {
    const [policy] = draft.policies.splice(Number(name), 1);
    if (policy === undefined) return;
    if (isProtective(policy.use)) draft.addPolicy({ ...CLOSED }, policy.origin);
    findings.lost(policy.origin, `its policy is left out${closing(policy.use)}: ${message}`);
    return;
  }
  const entries = draft.entries[collection as Drafted];
  const entry = entries.get(String(name));
  if (entry === undefined) return;
  if (key === undefined) {
    entries.delete(entry.name);
    findings.lost(entry.origin, `${collection} ${entry.name} is left out: ${message}`);
  } else if (index === undefined) {
    delete entry.value[key];
    findings.lost(entry.origin, `${key} of ${entry.name} is left out: ${message}`);
  } else removeFromList(entry, String(key), Number(index), findings, message);
}

function removeFromList(
  entry: DraftEntry,
  key: string,
  index: number,
  findings: Findings,
  message: string,
): void {
  const list = entry.value[key];
  if (!Array.isArray(list)) return;
  const item: unknown = list[index];
  const isClosing = key === 'policies' && isRecord(item) && isProtective(item);
  list.splice(index, 1);
  if (isClosing) entry.value['policies'] = closed(list as Writable[]);
  findings.lost(
    entry.origin,
    `${key === 'policies' ? `its policy ${isRecord(item) ? Object.keys(item).join() : ''}` : `an entry of ${key}`} is left out${isRecord(item) && key === 'policies' ? closing(item) : ''}: ${message}`,
  );
}

/** The policies of a route that lets nobody in. The lock is the only `authorize`: of several, the last would hold. */
export function closed(policies: readonly Writable[]): Writable[] {
  return [...policies.filter((each) => !('authorize' in each)), { ...CLOSED }];
}

function isProtective(use: Readonly<Writable>): boolean {
  return Object.keys(use).some((name) => PROTECTIVE.has(name));
}

function closing(use: Readonly<Writable>): string {
  return isProtective(use) ? ', and nobody is let in until it is replaced' : '';
}

/** The way that `dottedPath` wrote. */
export function parseDottedPath(text: string): Path {
  const steps: (string | number)[] = [];
  const step = /\.?([A-Za-z0-9_$-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/gy;
  for (let match = step.exec(text); match !== null; match = step.exec(text)) {
    const [, plain, index, quoted] = match;
    if (plain !== undefined) steps.push(plain);
    else steps.push(index === undefined ? String(JSON.parse(quoted ?? '""')) : Number(index));
  }
  return steps;
}
