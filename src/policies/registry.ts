import type { Policy } from '../policy/contract.ts';
import { apiKeyPolicy } from './api-key/index.ts';
import { authPolicy } from './auth/index.ts';
import { authorizePolicy } from './authorize/index.ts';
import { basicPolicy } from './basic/index.ts';
import { corsPolicy } from './cors/index.ts';
import { csrfPolicy } from './csrf/index.ts';
import { faultPolicy } from './fault/index.ts';
import { forwardAuthPolicy } from './forward-auth/index.ts';
import { functionPolicy } from './function/index.ts';
import { headersPolicy } from './headers/index.ts';
import { httpsOnlyPolicy } from './https-only/index.ts';
import { identityHeadersPolicy } from './identity-headers/index.ts';
import { injectPolicy } from './inject/index.ts';
import { introspectionPolicy } from './introspection/index.ts';
import { ipFilterPolicy } from './ip-filter/index.ts';
import { jwtPolicy } from './jwt/index.ts';
import { loadShedPolicy } from './load-shed/index.ts';
import { methodOverridePolicy } from './method-override/index.ts';
import { mintPolicy } from './mint/index.ts';
import { mintKeysPolicy } from './mint-keys/index.ts';
import { mtlsPolicy } from './mtls/index.ts';
import { opaPolicy } from './opa/index.ts';
import { personalTokenPolicy } from './personal-access-token/index.ts';
import { planPolicy } from './plan/index.ts';
import { protectedResourcePolicy } from './protected-resource/index.ts';
import { publicPolicy } from './public/index.ts';
import { rateLimitPolicy } from './rate-limit/index.ts';
import { requestFilterPolicy } from './request-filter/index.ts';
import { requestSizePolicy } from './request-size/index.ts';
import { respondPolicy } from './respond/index.ts';
import { rewritePolicy } from './rewrite/index.ts';
import { securityHeadersPolicy } from './security-headers/index.ts';
import { sessionPolicy } from './session/index.ts';
import { signaturePolicy } from './signature/index.ts';
import { threatGuardPolicy } from './threat-guard/index.ts';
import { validatePolicy } from './validate/index.ts';

/** The policies that come with the gateway, by the name that a configuration uses. */
export const builtinPolicies: ReadonlyMap<string, Policy> = new Map(
  [
    apiKeyPolicy,
    authPolicy,
    basicPolicy,
    authorizePolicy,
    corsPolicy,
    csrfPolicy,
    faultPolicy,
    forwardAuthPolicy,
    functionPolicy,
    headersPolicy,
    httpsOnlyPolicy,
    introspectionPolicy,
    injectPolicy,
    identityHeadersPolicy,
    ipFilterPolicy,
    jwtPolicy,
    loadShedPolicy,
    methodOverridePolicy,
    mtlsPolicy,
    mintPolicy,
    mintKeysPolicy,
    opaPolicy,
    personalTokenPolicy,
    planPolicy,
    protectedResourcePolicy,
    publicPolicy,
    rateLimitPolicy,
    requestFilterPolicy,
    requestSizePolicy,
    respondPolicy,
    rewritePolicy,
    securityHeadersPolicy,
    sessionPolicy,
    signaturePolicy,
    threatGuardPolicy,
    validatePolicy,
  ].map((policy): [string, Policy] => [policy.name, policy]),
);
