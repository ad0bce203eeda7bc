import { cookieValue } from '../http/cookie.ts';
import type { RouteConfig } from './schema.ts';
import { compileSplit, type Split, type SplitEntry } from './split.ts';
import { compileStickySplit, type StickySplit } from './sticky-split.ts';

export interface SplitSettings extends Pick<RouteConfig, 'splitBy' | 'splitOverride'> {
  readonly split: readonly SplitEntry[];
}

/** What is asked of a request. */
export interface ReadableFields {
  get(name: string): string | undefined;
}

/** A cookie that the gateway may set. */
export interface AssignedCookie {
  readonly name: string;
  readonly maxAge: number;
}

/**
 * How a split chooses among its services: what the request names goes first, then what the client is known by, then chance. Compiled at
 * load; the data plane and `explain` ask the same one.
 */
export class ServiceChoice {
  /** The service for a key of `keyOf`, or for a new id. */
  readonly byKey: StickySplit;
  readonly byChance: Split;
  /** The cookie that keeps a client without a key at the service that it gets; undefined: none is set. */
  readonly cookie: AssignedCookie | undefined;
  readonly #by: SplitSettings['splitBy'];
  readonly #override: SplitSettings['splitOverride'];
  /** Which value of the override stands for which service. */
  readonly #named: ReadonlyMap<string, string>;

  /** Throws an Error when no weight is above 0. */
  constructor({ split, splitBy, splitOverride }: SplitSettings) {
    this.byKey = compileStickySplit(split);
    this.byChance = compileSplit(split);
    this.cookie = splitBy?.cookie?.set === true ? splitBy.cookie : undefined;
    this.#by = splitBy;
    this.#override = splitOverride;
    const own = split.map(({ service }) => [service, service] as const);
    this.#named = new Map(splitOverride?.values === undefined ? own : Object.entries(splitOverride.values));
  }

  /** The service that the request names, if it may: one of the split, also one with weight 0. */
  overriddenBy(fields: ReadableFields): string | undefined {
    const override = this.#override;
    if (override === undefined) return undefined;
    const value =
      override.header === undefined
        ? cookieValue(fields.get('cookie'), override.cookie as string)
        : fields.get(override.header);
    return value === undefined ? undefined : this.#named.get(value);
  }

  /** What the client is known by; undefined where it does not say, and where nothing is asked. */
  keyOf(fields: ReadableFields, address: string): string | undefined {
    const by = this.#by;
    if (by === undefined) return undefined;
    if (by.address !== undefined) return address;
    const value =
      by.header === undefined
        ? cookieValue(fields.get('cookie'), by.cookie?.name as string)
        : fields.get(by.header);
    return value === '' ? undefined : value;
  }
}
