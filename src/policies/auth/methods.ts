import { apiKeyMethod } from '../api-key/index.ts';
import { basicMethod } from '../basic/index.ts';
import { forwardAuthMethod } from '../forward-auth/index.ts';
import { introspectionMethod } from '../introspection/index.ts';
import { jwtMethod } from '../jwt/index.ts';
import { mtlsMethod } from '../mtls/index.ts';
import { personalTokenMethod } from '../personal-access-token/index.ts';
import { sessionMethod } from '../session/method.ts';
import { signatureMethod } from '../signature/index.ts';
import type { AuthMethod } from './method.ts';

/** What `auth` may combine, by the name that a configuration uses: each is a policy of its own too. */
export const authMethods: ReadonlyMap<string, AuthMethod> = new Map(
  (
    [
      apiKeyMethod,
      basicMethod,
      forwardAuthMethod,
      introspectionMethod,
      jwtMethod,
      mtlsMethod,
      personalTokenMethod,
      sessionMethod,
      signatureMethod,
    ] as AuthMethod[]
  ).map((method): [string, AuthMethod] => [method.name, method]),
);
