import { type Account, hasAnyRole } from '../rights/account.ts';
import { type EntitiesInForce, refusalOfChanges } from '../rights/allow-changes.ts';
import { type Action, decide, mayAnywhere } from '../rights/decide.ts';
import { protectedEntity } from '../rights/owner.ts';
import { COLLECTIONS, type Collection, type EntityChange, type EntityValue } from '../store/entity.ts';

/**
 * What an endpoint does, for the rights of whoever calls. `public` needs no caller at all, `known` any: such an endpoint decides by itself, about what
 * it does; `read` and `write` are about entities, `admin` is about the gateway itself.
 */
export type Access = 'public' | 'known' | 'read' | 'write' | 'admin';

/** What it is done to. */
export type AccessObject =
  /** What belongs to no organization, such as metrics, reload and the revisions. */
  | { readonly kind: 'gateway' | 'registry' | 'quotas' }
  /** Anything that is, or could be, in a collection, or in any of them: asked before something is looked up. */
  | { readonly kind: 'collection'; readonly collection: Collection | 'all' }
  | {
      readonly kind: 'entity';
      readonly collection: Collection;
      readonly name: string;
      readonly value: EntityValue;
    };

/** Who calls the admin API, and what they may. */
export interface AdminCaller {
  /** Written down as the author of what they change. */
  readonly name: string;
  readonly account: Account;
  /** Where the request came from. */
  readonly address: string | undefined;
  may(access: Access, object: AccessObject): boolean;
  /**
   * Asked within the lock of a change, with all of it, so that what it looks at holds. A sentence refuses, undefined lets pass.
   */
  refuse(changes: readonly EntityChange[]): string | undefined;
}

/** An account as it calls; `inForce` is the configuration. */
export function callerOf(
  account: Account,
  address: string | undefined,
  inForce: EntitiesInForce,
): AdminCaller {
  return {
    name: account.name,
    account,
    address,
    may: (access, object) => mayAccess(account, access, object),
    refuse: (changes) => refusalOfChanges(account, changes, inForce),
  };
}

/** Whoever calls an endpoint that needs nobody. */
export const NOBODY: AdminCaller = callerOf(
  { id: 'nobody', name: 'nobody', kind: 'user', roles: new Map() },
  undefined,
  { get: () => undefined, values: () => [] },
);

function mayAccess(account: Account, access: Access, object: AccessObject): boolean {
  if (access === 'public' || access === 'known') return true;
  const action: Action = access === 'read' ? 'read' : 'change';
  switch (object.kind) {
    case 'gateway':
    case 'registry':
    case 'quotas':
      return decide(account, action, object) === 'allowed';
    case 'collection':
      if (action === 'read') return hasAnyRole(account);
      return (object.collection === 'all' ? COLLECTIONS : [object.collection]).some((collection) =>
        mayAnywhere(account, action, collection),
      );
    case 'entity':
      return (
        decide(account, action, protectedEntity(object.collection, object.name, object.value)) === 'allowed'
      );
  }
}
