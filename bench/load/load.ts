/** What the generator sends, over as many connections as told, each sending its next request when the last one is answered. */
export interface Load {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Octets of a POST body, which is JSON; 0 is GET. */
  readonly bodyBytes: number;
  /** Spread over `/svc-<i>/items/42`, in an order that does not follow memory; 0 sends the path of `url`. */
  readonly routes: number;
  /** false: a new connection for each request. */
  readonly keepAlive: boolean;
  /** Further fields of each request. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Requests without an answer, and answers that are not 2xx. */
  readonly failed: number;
  /** What the failures were, for the report. */
  readonly failures: string;
}

export interface LoadGenerator {
  readonly name: 'wrk' | 'node';
  run(load: Load): Promise<LoadResult>;
}
