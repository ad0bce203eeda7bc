/** The member of nested maps that a path such as `realm_access.roles` leads to; a member of the whole name comes first. */
export function valueAt(data: unknown, path: string): unknown {
  if (typeof data !== 'object' || data === null) return undefined;
  const members = data as Readonly<Record<string, unknown>>;
  if (Object.hasOwn(members, path)) return members[path];
  const dot = path.indexOf('.');
  const first = path.slice(0, dot);
  return dot < 0 || !Object.hasOwn(members, first) ? undefined : valueAt(members[first], path.slice(dot + 1));
}
