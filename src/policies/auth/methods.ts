import { apiKeyMethod } from '../api-key/index.ts';
import { basicMethod } from '../basic/index.ts';
import { introspectionMethod } from '../introspection/index.ts';
import { jwtMethod } from '../jwt/index.ts';
import { mtlsMethod } from '../mtls/index.ts';
import { sessionMethod } from '../session/method.ts';
import type { AuthMethod } from './method.ts';

/** What `auth` may combine, by the name that a configuration uses: each is a policy of its own too. */
export const authMethods: ReadonlyMap<string, AuthMethod> = new Map(
  (
    [apiKeyMethod, basicMethod, introspectionMethod, jwtMethod, mtlsMethod, sessionMethod] as AuthMethod[]
  ).map((method): [string, AuthMethod] => [method.name, method]),
);
