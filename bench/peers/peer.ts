import type { Processes, Running } from '../processes.ts';

/**
 * What the route for everything does: `plain` only forwards; `policies` has eight policies, or what comes nearest; `targets` shares requests out
 * over three targets in turn; `resilient` adds to that least requests, outlier detection, circuit breakers and retries; `limited` counts requests by
 * address against a limit that the load does not reach; `limited-redis` does so in Redis; `validated` holds bodies against a schema; `jwt`
 * verifies tokens; `api-key` asks for a key; `session` knows who has logged in.
 */
export type Form =
  | 'plain'
  | 'policies'
  | 'targets'
  | 'resilient'
  | 'limited'
  | 'limited-redis'
  | 'validated'
  | 'api-key'
  | 'jwt'
  | 'session';

/** Where the upstream answers, all on the same port. */
export const TARGET_ADDRESSES = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;

/** What a proxy is to do in a scenario; each peer writes it in its own configuration. */
export interface ProxySetup {
  /** For configuration, logs and temporary files. */
  readonly directory: string;
  /** Listens on 127.0.0.1. */
  readonly port: number;
  readonly targetPort: number;
  /** Upstream of `/ws`. */
  readonly webSocketPort: number;
  /** PEM files; undefined is plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Routes `/svc-<i>/...` besides the one for everything else. */
  readonly routes: number;
  readonly form: Form;
  /** Answered at `/generation`, which shows that a reloaded configuration is in force. */
  readonly generation: number;
  /** For a proxy with a management port. */
  readonly adminPort: number;
  /** Of the gateway; every other peer has one. */
  readonly workers: number;
  /** For the gateway under a profiler. */
  readonly nodeOptions?: string;
}

export interface StartedProxy {
  readonly running: Running;
  /** Fields of each request instead of those of the scenario by these names, where only the running proxy can tell. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Writes the configuration anew with another answer at `/generation`, and asks for a reload without waiting for it. */
  reload?(generation: number): void;
}

export interface Peer {
  readonly name: string;
  /** Why it cannot run here, or undefined when it can. */
  missing(): Promise<string | undefined>;
  /** Version for the report. */
  version(): Promise<string>;
  start(processes: Processes, setup: ProxySetup): Promise<StartedProxy>;
}

/** Of a consumer of the form `api-key`. */
export const API_KEY = (consumer: number): string => `bench_key-of-consumer-${consumer}`;

/** Where the gateway applies no policy, in whatever form; as long as the beginning of other paths. */
export const UNGUARDED_PREFIX = '/raw/';

export const PATH_OF_ROUTE = (index: number): string => `/svc-${index}/`;
