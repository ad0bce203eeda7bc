import { isDeepStrictEqual } from 'node:util';
import type { DataPlaneConfig } from '../../server/config.ts';

/** Names of one collection that came, went, or are other than before; each in the order of the file. */
export interface CollectionChanges {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
}

/** What a reload changed. */
export interface Changes {
  readonly routes: CollectionChanges;
  readonly services: CollectionChanges;
  readonly listeners: CollectionChanges;
  readonly certificates: CollectionChanges;
  readonly lists: CollectionChanges;
  /** True where policies of every route (`policies` at the top) differ. */
  readonly globalPolicies: boolean;
  /** True where plans or consumers differ. */
  readonly plans: boolean;
  /** True where providers, sessions or consumers differ. */
  readonly identity: boolean;
  readonly observability: boolean;
}

/** Compares two configurations. */
export function compareConfigs(before: DataPlaneConfig, after: DataPlaneConfig): Changes {
  return {
    routes: compare(before.routes, after.routes),
    services: compare(before.services, after.services),
    listeners: compare(before.listeners, after.listeners),
    certificates: compare(before.certificates, after.certificates),
    lists: compare(before.lists, after.lists),
    globalPolicies: !isDeepStrictEqual(before.policies, after.policies),
    plans: !isDeepStrictEqual(before.plans, after.plans),
    identity: !isDeepStrictEqual(before.identity, after.identity),
    observability: !isDeepStrictEqual(before.observability, after.observability),
  };
}

function compare(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): CollectionChanges {
  const added: string[] = [];
  const changed: string[] = [];
  for (const [name, value] of Object.entries(after)) {
    if (!Object.hasOwn(before, name)) added.push(name);
    // What a load took over is the same object: thousands of routes are compared at the price of the changed ones.
    else if (before[name] !== value && !isDeepStrictEqual(before[name], value)) changed.push(name);
  }
  return { added, changed, removed: Object.keys(before).filter((name) => !Object.hasOwn(after, name)) };
}

/** One line for the log: `routes: 2 added, 1 changed; listeners: 1 removed`, or `nothing`. */
export function describeChanges(changes: Changes): string {
  const parts: string[] = [];
  for (const collection of ['listeners', 'certificates', 'services', 'lists', 'routes'] as const) {
    const counts = (['added', 'removed', 'changed'] as const)
      .filter((how) => changes[collection][how].length > 0)
      .map((how) => `${changes[collection][how].length} ${how}`);
    if (counts.length > 0) parts.push(`${collection}: ${counts.join(', ')}`);
  }
  if (changes.globalPolicies) parts.push('global policies changed');
  if (changes.plans) parts.push('plans changed');
  if (changes.identity) parts.push('identity changed');
  if (changes.observability) parts.push('observability changed');
  return parts.length > 0 ? parts.join('; ') : 'nothing';
}
