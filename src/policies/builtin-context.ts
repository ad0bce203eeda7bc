import type { RouteIdentity } from '../identity/route-identity.ts';
import type { PolicyContext } from '../policy/contract.ts';
import type { Limiters } from '../state/limiters.ts';
import type { Plans } from './plan/plans.ts';

/** What a built-in policy may know of its place beyond what a user's own may. */
export interface BuiltinContext extends PolicyContext {
  /** It stands in the policies of every route, and is made for each. */
  readonly global: boolean;
  /** Whose route it is; undefined: of no organization. */
  readonly organization: string | undefined;
  /** The one service that the route sends to. */
  readonly service: string | undefined;
  /** A later use on the route counts against limits too, and may refuse what this one let through. */
  readonly isCountedAgain: boolean;
  /** Request fields, in small letters, in which the policies of the route are sent credentials. */
  readonly credentialFields: () => ReadonlySet<string>;
  /** Where limits are counted; undefined where no request will come, because the policy is made to be checked. */
  readonly limiters: Limiters | undefined;
  /** Likewise. */
  readonly plans: Plans | undefined;
  /** Likewise. */
  readonly identity: RouteIdentity | undefined;
}
