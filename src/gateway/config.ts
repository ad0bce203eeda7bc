import type { IdentityData } from '../identity/identity-data.ts';
import type { ObservabilityConfig } from '../observability/schema.ts';
import type { AddressListsData } from '../policies/address-lists.ts';
import type { PlansData } from '../policies/plan/plans-schema.ts';
import type { PolicyUse } from '../policies/use.ts';
import type { RouteConfig } from '../routing/schema.ts';
import type { RedisConfig, StateConfig } from '../state/schema.ts';
import type { ServiceSettings } from '../upstream/service.ts';

/** A route with its policies in order; global policies are not repeated here. */
export type ResolvedRoute = Omit<RouteConfig, 'policies'> & { readonly policies: readonly PolicyUse[] };

export type ResolvedService = ServiceSettings;

/**
 * What a worker needs to serve: validated, references checked, defaults filled in, secrets resolved, file paths absolute. Plain
 * data, so that it crosses to a worker thread by structured clone. Maps by name keep the order of the file.
 */
export interface GatewayConfig {
  readonly services: Readonly<Record<string, ResolvedService>>;
  readonly routes: Readonly<Record<string, ResolvedRoute>>;
  readonly policies: readonly PolicyUse[];
  readonly lists: AddressListsData;
  readonly observability: ObservabilityConfig;
  /** Plans and who has which; none where it is not given. */
  readonly plans?: PlansData;
  /** Who may call; nobody where it is not given. */
  readonly identity?: IdentityData;
  /** Whether browsers log in at the admin port, and may send its cookies here. */
  readonly adminLogins?: boolean;
  /** What of `state` a reload may change. */
  readonly state?: {
    readonly redis?: RedisConfig | undefined;
    readonly memory?: Pick<StateConfig['memory'], 'onFailure'>;
  };
}
