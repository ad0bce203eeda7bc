/** What somebody may do in an organization, the least first: each may do all that those before it may. */
export const ROLES = ['viewer', 'developer', 'admin', 'owner'] as const;
export type Role = (typeof ROLES)[number];

/** Instead of the name of an organization: all of them, and what belongs to none. */
export const EVERYWHERE = '*';

export function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

/** Whether a role reaches as far as another. Who has none reaches nothing. */
export function reaches(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed);
}

/** The one that may do more. */
export function higherOf(a: Role | undefined, b: Role | undefined): Role | undefined {
  return a !== undefined && reaches(b, a) ? b : (a ?? b);
}

/** The one that may do less. */
export function lowerOf(a: Role, b: Role): Role {
  return reaches(a, b) ? b : a;
}
