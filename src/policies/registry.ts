import type { Policy } from '../policy/contract.ts';
import { corsPolicy } from './cors/index.ts';
import { csrfPolicy } from './csrf/index.ts';
import { faultPolicy } from './fault/index.ts';
import { headersPolicy } from './headers/index.ts';
import { injectPolicy } from './inject/index.ts';
import { ipFilterPolicy } from './ip-filter/index.ts';
import { loadShedPolicy } from './load-shed/index.ts';
import { methodOverridePolicy } from './method-override/index.ts';
import { planPolicy } from './plan/index.ts';
import { rateLimitPolicy } from './rate-limit/index.ts';
import { requestFilterPolicy } from './request-filter/index.ts';
import { requestSizePolicy } from './request-size/index.ts';
import { respondPolicy } from './respond/index.ts';
import { rewritePolicy } from './rewrite/index.ts';
import { securityHeadersPolicy } from './security-headers/index.ts';
import { sessionPolicy } from './session/index.ts';
import { threatGuardPolicy } from './threat-guard/index.ts';
import { validatePolicy } from './validate/index.ts';

/** The policies that come with the gateway, by the name that a configuration uses. */
export const builtinPolicies: ReadonlyMap<string, Policy> = new Map(
  [
    corsPolicy,
    csrfPolicy,
    faultPolicy,
    headersPolicy,
    injectPolicy,
    ipFilterPolicy,
    loadShedPolicy,
    methodOverridePolicy,
    planPolicy,
    rateLimitPolicy,
    requestFilterPolicy,
    requestSizePolicy,
    respondPolicy,
    rewritePolicy,
    securityHeadersPolicy,
    sessionPolicy,
    threatGuardPolicy,
    validatePolicy,
  ].map((policy): [string, Policy] => [policy.name, policy]),
);
