import type { DataPlaneConfig } from '../../server/config.ts';
import { type Comparison, comparisonOf } from './comparison.ts';

type Consumers = NonNullable<DataPlaneConfig['identity']>['consumers'];

/** Which consumers of a configuration are known on the routes of one organization, and which are strangers there. */
export class KnownConsumers {
  readonly #known = new Set<string>();
  readonly #strangers = new Set<string>();
  readonly #compared = new WeakMap<KnownConsumers, Comparison>();

  constructor(consumers: Consumers, organization: string | undefined) {
    for (const [name, { organization: owner }] of Object.entries(consumers))
      (owner === undefined || owner === organization ? this.#known : this.#strangers).add(name);
  }

  /** Of those that are in both configurations: to make a consumer, or to delete one, is no change of what a route asks for. */
  compare(after: KnownConsumers): Comparison {
    let comparison = this.#compared.get(after);
    if (comparison === undefined) {
      comparison = comparisonOf(
        hasNone(this.#known, after.#strangers),
        hasNone(after.#known, this.#strangers),
      );
      this.#compared.set(after, comparison);
    }
    return comparison;
  }
}

function hasNone(names: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  for (const name of names) if (others.has(name)) return false;
  return true;
}

/** Whether a consumer that is in both configurations belongs to another organization in the other one. */
export function hasMoved(consumers: Consumers = {}, others: Consumers = {}): boolean {
  return Object.entries(consumers).some(([name, { organization }]) => {
    const other = Object.hasOwn(others, name) ? others[name] : undefined;
    return other !== undefined && other.organization !== organization;
  });
}
