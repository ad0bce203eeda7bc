import type { Policy, Stage } from '../policy/contract.ts';

/** What is known of a policy before it is loaded: `registry.test.ts` holds it to what the policy says of itself. */
interface KnownBefore {
  /** Which of these it has. */
  readonly has: readonly ('check' | 'identityFields' | 'credentialFields' | 'secretParameters')[];
  readonly needs: NonNullable<Policy['needs']>;
}

export interface BuiltinPolicy extends KnownBefore {
  readonly stage: Stage;
  /** Loads its module. A configuration uses few policies, and each brings a schema and code, some of them a library. */
  readonly load: () => Promise<Policy>;
}

/** The policies that come with the gateway, by the name that a configuration uses. */
export const builtinPolicies: ReadonlyMap<string, BuiltinPolicy> = new Map([
  builtin(
    'api-key',
    'authentication',
    () => import('./api-key/index.ts').then((module) => module.apiKeyPolicy),
    {
      has: ['credentialFields', 'secretParameters'],
      needs: ['identity'],
    },
  ),
  builtin('auth', 'authentication', () => import('./auth/index.ts').then((module) => module.authPolicy), {
    has: ['check', 'identityFields', 'credentialFields', 'secretParameters'],
    needs: ['identity'],
  }),
  builtin('basic', 'authentication', () => import('./basic/index.ts').then((module) => module.basicPolicy), {
    needs: ['identity'],
  }),
  builtin('authorize', 'authorization', () =>
    import('./authorize/index.ts').then((module) => module.authorizePolicy),
  ),
  builtin('cors', 'admission', () => import('./cors/index.ts').then((module) => module.corsPolicy)),
  builtin('csrf', 'admission', () => import('./csrf/index.ts').then((module) => module.csrfPolicy)),
  builtin('fault', 'admission', () => import('./fault/index.ts').then((module) => module.faultPolicy)),
  builtin(
    'forward-auth',
    'authentication',
    () => import('./forward-auth/index.ts').then((module) => module.forwardAuthPolicy),
    { has: ['identityFields'], needs: ['identity'] },
  ),
  builtin(
    'function',
    'validation',
    () => import('./function/index.ts').then((module) => module.functionPolicy),
    { has: ['identityFields'] },
  ),
  builtin('headers', 'transform', () => import('./headers/index.ts').then((module) => module.headersPolicy)),
  builtin(
    'introspection',
    'authentication',
    () => import('./introspection/index.ts').then((module) => module.introspectionPolicy),
    { has: ['check', 'credentialFields', 'secretParameters'], needs: ['identity'] },
  ),
  builtin('inject', 'transform', () => import('./inject/index.ts').then((module) => module.injectPolicy), {
    has: ['check', 'identityFields'],
    needs: ['identity'],
  }),
  builtin(
    'identity-headers',
    'transform',
    () => import('./identity-headers/index.ts').then((module) => module.identityHeadersPolicy),
    { has: ['identityFields'] },
  ),
  builtin('https-only', 'admission', () =>
    import('./https-only/index.ts').then((module) => module.httpsOnlyPolicy),
  ),
  builtin(
    'ip-filter',
    'admission',
    () => import('./ip-filter/index.ts').then((module) => module.ipFilterPolicy),
    {
      has: ['check'],
    },
  ),
  builtin('jwt', 'authentication', () => import('./jwt/index.ts').then((module) => module.jwtPolicy), {
    has: ['check', 'credentialFields', 'secretParameters'],
    needs: ['identity'],
  }),
  builtin('load-shed', 'admission', () =>
    import('./load-shed/index.ts').then((module) => module.loadShedPolicy),
  ),
  builtin('method-override', 'admission', () =>
    import('./method-override/index.ts').then((module) => module.methodOverridePolicy),
  ),
  builtin('mtls', 'authentication', () => import('./mtls/index.ts').then((module) => module.mtlsPolicy), {
    has: ['check'],
    needs: ['identity'],
  }),
  builtin('mint', 'transform', () => import('./mint/index.ts').then((module) => module.mintPolicy), {
    has: ['identityFields'],
  }),
  builtin('mint-keys', 'transform', () =>
    import('./mint-keys/index.ts').then((module) => module.mintKeysPolicy),
  ),
  builtin('opa', 'authorization', () => import('./opa/index.ts').then((module) => module.opaPolicy), {
    has: ['identityFields'],
  }),
  builtin(
    'personal-access-token',
    'authentication',
    () => import('./personal-access-token/index.ts').then((module) => module.personalTokenPolicy),
    { has: ['check'], needs: ['identity'] },
  ),
  builtin('plan', 'quota', () => import('./plan/index.ts').then((module) => module.planPolicy), {
    needs: ['plans'],
  }),
  builtin(
    'protected-resource',
    'admission',
    () => import('./protected-resource/index.ts').then((module) => module.protectedResourcePolicy),
    { has: ['check'], needs: ['identity'] },
  ),
  builtin('public', 'authentication', () =>
    import('./public/index.ts').then((module) => module.publicPolicy),
  ),
  builtin('rate-limit', 'quota', () =>
    import('./rate-limit/index.ts').then((module) => module.rateLimitPolicy),
  ),
  builtin(
    'request-filter',
    'admission',
    () => import('./request-filter/index.ts').then((module) => module.requestFilterPolicy),
    { has: ['check'] },
  ),
  builtin('request-size', 'admission', () =>
    import('./request-size/index.ts').then((module) => module.requestSizePolicy),
  ),
  builtin('respond', 'transform', () => import('./respond/index.ts').then((module) => module.respondPolicy)),
  builtin('rewrite', 'transform', () => import('./rewrite/index.ts').then((module) => module.rewritePolicy)),
  builtin('security-headers', 'transform', () =>
    import('./security-headers/index.ts').then((module) => module.securityHeadersPolicy),
  ),
  builtin(
    'session',
    'authentication',
    () => import('./session/index.ts').then((module) => module.sessionPolicy),
    {
      has: ['check'],
      needs: ['identity'],
    },
  ),
  builtin(
    'signature',
    'authentication',
    () => import('./signature/index.ts').then((module) => module.signaturePolicy),
    {
      has: ['credentialFields'],
      needs: ['identity'],
    },
  ),
  builtin('threat-guard', 'admission', () =>
    import('./threat-guard/index.ts').then((module) => module.threatGuardPolicy),
  ),
  builtin('validate', 'validation', () =>
    import('./validate/index.ts').then((module) => module.validatePolicy),
  ),
]);

function builtin(
  name: string,
  stage: Stage,
  load: () => Promise<Policy>,
  { has = [], needs = [] }: Partial<KnownBefore> = {},
): [string, BuiltinPolicy] {
  // An import that is done already still costs 0.1 ms each time: too much for each use of 10,000 routes.
  let loaded: Promise<Policy> | undefined;
  return [name, { stage, load: () => (loaded ??= load()), has, needs }];
}
