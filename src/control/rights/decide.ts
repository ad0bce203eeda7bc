import type { Collection } from '../store/entity.ts';
import { type Account, hasAnyRole, roleIn } from './account.ts';
import { type Role, reaches } from './roles.ts';

export type Action = 'read' | 'change';

/** What is decided about: what the store holds, accounts and what belongs to them, and the gateway as a whole. */
export type ObjectKind =
  | Collection
  | 'memberships'
  | 'service-accounts'
  | 'users'
  | 'audit'
  /** The configuration in force as a whole, revisions, services and targets, metrics, explanations. */
  | 'gateway'
  /** Targets that register themselves. */
  | 'registry'
  | 'quotas'
  /** What anybody has who is known: who they are, their own tokens, the description of the API. */
  | 'self';

export interface ProtectedObject {
  readonly kind: ObjectKind;
  /** Undefined: it belongs to none. */
  readonly organization?: string | undefined;
}

/** `hidden`: not even that it exists may be seen. */
export type Decision = 'allowed' | 'forbidden' | 'hidden';

interface Needs {
  readonly read: Role;
  readonly change: Role;
  /** Without an organization it is there for everybody to see and to use. */
  readonly shared?: true;
}

const TRAFFIC: Needs = { read: 'viewer', change: 'developer', shared: true };
/** What users and servers are known by: whoever changes one can pass for somebody else. */
const TRUST: Needs = { read: 'viewer', change: 'admin', shared: true };

/**
 * The least role that each action needs in the object's organization. Of what belongs to none, everywhere (`*`); but what is shared
 * can be read by whoever has any role.
 */
const NEEDS: Readonly<Record<ObjectKind, Needs>> = {
  services: TRAFFIC,
  functions: TRAFFIC,
  routes: TRAFFIC,
  apis: TRAFFIC,
  // They are known on the routes of their organization alone, where a developer says anyway who is let in.
  consumers: TRAFFIC,
  plans: TRAFFIC,
  lists: TRAFFIC,
  certificates: TRUST,
  providers: TRUST,
  sessions: TRUST,
  // Of every route, whoever it belongs to; they belong to no organization.
  policies: TRUST,
  organizations: { read: 'viewer', change: 'owner' },
  memberships: { read: 'admin', change: 'admin' },
  'service-accounts': { read: 'admin', change: 'admin' },
  users: { read: 'admin', change: 'admin' },
  audit: { read: 'admin', change: 'owner' },
  gateway: { read: 'viewer', change: 'admin' },
  registry: { read: 'viewer', change: 'developer' },
  quotas: { read: 'viewer', change: 'admin' },
  self: { read: 'viewer', change: 'viewer', shared: true },
};

/** Whether an account may do that. What does not exist at all is asked about as if it belonged where it would be made. */
export function decide(account: Account, action: Action, { kind, organization }: ProtectedObject): Decision {
  const needs = NEEDS[kind];
  const role = roleIn(account, organization);
  if (kind === 'self' || reaches(role, needs[action])) return 'allowed';
  if (organization === undefined)
    return needs.shared === true && action === 'read' && hasAnyRole(account) ? 'allowed' : 'forbidden';
  return role === undefined ? 'hidden' : 'forbidden';
}

/** Whether a thing may be seen: what may not is not listed, and is answered as if it were not there. */
export function maySee(account: Account, object: ProtectedObject): boolean {
  return decide(account, 'read', object) === 'allowed';
}

/** Whether there is an organization, or none, where an account may do that. */
export function mayAnywhere({ roles }: Account, action: Action, kind: ObjectKind): boolean {
  return [...roles.values()].some((role) => reaches(role, NEEDS[kind][action]));
}

/** The role that an action takes, for sentences. */
export function neededRole(kind: ObjectKind, action: Action): Role {
  return NEEDS[kind][action];
}
