import type { Policy } from '../policy/contract.ts';

/** What is known of a policy before it is loaded: `registry.test.ts` holds it to what the policy says of itself. */
interface KnownBefore {
  /** Which of these it has. */
  readonly has: readonly ('check' | 'identityFields' | 'secretParameters')[];
  readonly needs: NonNullable<Policy['needs']>;
}

export interface BuiltinPolicy extends KnownBefore {
  /** Loads its module. A configuration uses few policies, and each brings a schema and code, some of them a library. */
  readonly load: () => Promise<Policy>;
}

/** The policies that come with the gateway, by the name that a configuration uses. */
export const builtinPolicies: ReadonlyMap<string, BuiltinPolicy> = new Map([
  builtin('api-key', () => import('./api-key/index.ts').then((module) => module.apiKeyPolicy), {
    has: ['secretParameters'],
    needs: ['identity'],
  }),
  builtin('auth', () => import('./auth/index.ts').then((module) => module.authPolicy), {
    has: ['check', 'identityFields', 'secretParameters'],
    needs: ['identity'],
  }),
  builtin('basic', () => import('./basic/index.ts').then((module) => module.basicPolicy), {
    needs: ['identity'],
  }),
  builtin('authorize', () => import('./authorize/index.ts').then((module) => module.authorizePolicy)),
  builtin('cors', () => import('./cors/index.ts').then((module) => module.corsPolicy)),
  builtin('csrf', () => import('./csrf/index.ts').then((module) => module.csrfPolicy)),
  builtin('fault', () => import('./fault/index.ts').then((module) => module.faultPolicy)),
  builtin(
    'forward-auth',
    () => import('./forward-auth/index.ts').then((module) => module.forwardAuthPolicy),
    { has: ['identityFields'], needs: ['identity'] },
  ),
  builtin('function', () => import('./function/index.ts').then((module) => module.functionPolicy)),
  builtin('headers', () => import('./headers/index.ts').then((module) => module.headersPolicy)),
  builtin(
    'introspection',
    () => import('./introspection/index.ts').then((module) => module.introspectionPolicy),
    { has: ['check', 'secretParameters'], needs: ['identity'] },
  ),
  builtin('inject', () => import('./inject/index.ts').then((module) => module.injectPolicy), {
    has: ['check'],
    needs: ['identity'],
  }),
  builtin(
    'identity-headers',
    () => import('./identity-headers/index.ts').then((module) => module.identityHeadersPolicy),
    { has: ['identityFields'] },
  ),
  builtin('https-only', () => import('./https-only/index.ts').then((module) => module.httpsOnlyPolicy)),
  builtin('ip-filter', () => import('./ip-filter/index.ts').then((module) => module.ipFilterPolicy), {
    has: ['check'],
  }),
  builtin('jwt', () => import('./jwt/index.ts').then((module) => module.jwtPolicy), {
    has: ['check', 'secretParameters'],
    needs: ['identity'],
  }),
  builtin('load-shed', () => import('./load-shed/index.ts').then((module) => module.loadShedPolicy)),
  builtin('method-override', () =>
    import('./method-override/index.ts').then((module) => module.methodOverridePolicy),
  ),
  builtin('mtls', () => import('./mtls/index.ts').then((module) => module.mtlsPolicy), {
    has: ['check'],
    needs: ['identity'],
  }),
  builtin('mint', () => import('./mint/index.ts').then((module) => module.mintPolicy), {
    has: ['identityFields'],
  }),
  builtin('mint-keys', () => import('./mint-keys/index.ts').then((module) => module.mintKeysPolicy)),
  builtin('opa', () => import('./opa/index.ts').then((module) => module.opaPolicy), {
    has: ['identityFields'],
  }),
  builtin(
    'personal-access-token',
    () => import('./personal-access-token/index.ts').then((module) => module.personalTokenPolicy),
    { has: ['check'], needs: ['identity'] },
  ),
  builtin('plan', () => import('./plan/index.ts').then((module) => module.planPolicy), { needs: ['plans'] }),
  builtin(
    'protected-resource',
    () => import('./protected-resource/index.ts').then((module) => module.protectedResourcePolicy),
    { has: ['check'], needs: ['identity'] },
  ),
  builtin('public', () => import('./public/index.ts').then((module) => module.publicPolicy)),
  builtin('rate-limit', () => import('./rate-limit/index.ts').then((module) => module.rateLimitPolicy)),
  builtin('request-filter', () =>
    import('./request-filter/index.ts').then((module) => module.requestFilterPolicy),
  ),
  builtin('request-size', () => import('./request-size/index.ts').then((module) => module.requestSizePolicy)),
  builtin('respond', () => import('./respond/index.ts').then((module) => module.respondPolicy)),
  builtin('rewrite', () => import('./rewrite/index.ts').then((module) => module.rewritePolicy)),
  builtin('security-headers', () =>
    import('./security-headers/index.ts').then((module) => module.securityHeadersPolicy),
  ),
  builtin('session', () => import('./session/index.ts').then((module) => module.sessionPolicy), {
    has: ['check'],
    needs: ['identity'],
  }),
  builtin('signature', () => import('./signature/index.ts').then((module) => module.signaturePolicy), {
    needs: ['identity'],
  }),
  builtin('threat-guard', () => import('./threat-guard/index.ts').then((module) => module.threatGuardPolicy)),
  builtin('validate', () => import('./validate/index.ts').then((module) => module.validatePolicy)),
]);

function builtin(
  name: string,
  load: () => Promise<Policy>,
  { has = [], needs = [] }: Partial<KnownBefore> = {},
): [string, BuiltinPolicy] {
  return [name, { load, has, needs }];
}
