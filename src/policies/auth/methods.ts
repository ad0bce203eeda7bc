import type { AuthMethod } from './method.ts';

/** What `auth` may combine, by the name that a configuration uses: each is a policy of its own too. */
export const authMethods: ReadonlyMap<string, AuthMethod> = new Map(
  ([] as AuthMethod[]).map((method): [string, AuthMethod] => [method.name, method]),
);
