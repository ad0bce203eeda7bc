import { EVERYWHERE, higherOf, lowerOf, type Role, reaches } from './roles.ts';

/** Somebody who uses the admin port, with what they may do as it stands now. */
export interface Account {
  /** Stays the same when the name changes: `u_…` of users, `s_…` of service accounts, `local`, `bootstrap`. */
  readonly id: string;
  /** As authors and in the audit log. */
  readonly name: string;
  /** `local`: whoever is on this machine, where no authentication is configured. `bootstrap`: who has the first token. */
  readonly kind: 'local' | 'bootstrap' | 'user' | 'service';
  /** By organization; `*` is everywhere. */
  readonly roles: ReadonlyMap<string, Role>;
  /** Id of the token that it was known by. */
  readonly token?: string | undefined;
}

/** Everybody, where the admin port has no authentication and listens on this machine alone. */
export const LOCAL_ACCOUNT: Account = {
  id: 'local',
  name: 'local',
  kind: 'local',
  roles: new Map([[EVERYWHERE, 'owner']]),
};

/** What an account may do in an organization; undefined asks about what belongs to none. */
export function roleIn({ roles }: Account, organization: string | undefined): Role | undefined {
  const everywhere = roles.get(EVERYWHERE);
  return organization === undefined ? everywhere : higherOf(roles.get(organization), everywhere);
}

/** Whether it has a role anywhere: then it sees what is shared. */
export function hasAnyRole({ roles }: Account): boolean {
  return roles.size > 0;
}

/** How far a token of an account reaches at most. */
export interface Reach {
  /** The highest role, in whatever organization. */
  readonly role: Role;
  /** Undefined: wherever the account has a role. */
  readonly organizations?: readonly string[] | undefined;
}

/** The account as its token lets it be: never more than it is itself. */
export function narrowed(account: Account, { role: ceiling, organizations }: Reach): Account {
  const roles = new Map<string, Role>();
  const names = organizations ?? [...account.roles.keys()];
  for (const name of names) {
    const role = name === EVERYWHERE ? account.roles.get(EVERYWHERE) : roleIn(account, name);
    if (role !== undefined) roles.set(name, lowerOf(role, ceiling));
  }
  return { ...account, roles };
}

/** Whether somebody may give or take a role: nobody makes others more than they are themselves, and who gives is an admin at least. */
export function mayGive(account: Account, organization: string, role: Role): boolean {
  const own = roleIn(account, organization === EVERYWHERE ? undefined : organization);
  return reaches(own, 'admin') && reaches(own, role);
}
