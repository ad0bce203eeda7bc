import type { Series } from './series-table.ts';

/** What is counted of one route and service. */
export interface RouteSeries {
  readonly route: string;
  readonly service: string;
  readonly duration: Series;
  readonly requestBytes: Series;
  readonly responseBytes: Series;
  /** By method and status. */
  readonly requests: Map<number, Series>;
  /** The entry used last: most requests of a route have the same method and status. */
  lastKey: number;
  last: Series;
}

/**
 * What observers have found out about a route, kept with the route: in a map of 10,000 names each look-up costs several cache misses.
 * A route is of one worker, and so is its notes' reader.
 */
export class RouteNotes {
  /** Of the service that the route asked last. */
  series: RouteSeries | undefined = undefined;
}
