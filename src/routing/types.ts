import type { RouteConfig } from './schema.ts';

/** What a router looks at. The exchange's request satisfies it; `explain` makes one from a command line. */
export interface RoutedRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** In small letters, without port. */
  readonly host: string;
  /** Normalised: see http/path.ts. */
  readonly path: string;
  /** With its leading `?`, or empty. */
  readonly search: string;
  readonly fields: { get(name: string): string | undefined };
}

export interface NamedRoute {
  readonly name: string;
  readonly config: RouteConfig;
}
