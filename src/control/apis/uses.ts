import { isRecord } from '../../lib/is-record.ts';
import type { Path } from '../config/place.ts';
import type { ApiConfig } from './api-schema.ts';
import type { PlacedUse } from './placed-use.ts';
import type { Target } from './target.ts';

/** More than any use has: the place is that of the shorthand as a whole. */
const ALL = 100;

/** What the policies of an API follow from. */
export interface UsesContext {
  readonly api: string;
  readonly config: ApiConfig;
  /** As it is written, since policies read their options themselves. */
  readonly written: Readonly<Record<string, unknown>>;
  /** Those that the route takes; undefined: any. */
  readonly methods: readonly string[] | undefined;
  readonly target: Target;
  readonly globalCors: boolean;
}

/** The policies that stand for what an API says, in the order of their stages, and then those that it lists. */
export function usesOf(context: UsesContext): PlacedUse[] {
  const { api, config } = context;
  return [
    ...protocolUses(context),
    ...corsUses(context),
    ...authenticationUses(context),
    ...limitUses(context),
    ...config.policies.map(
      (use, index): PlacedUse => ({ use, at: ['apis', api, 'policies', index], drop: 0 }),
    ),
    ...functionUses(context),
  ];
}

function protocolUses({ api, config, written }: UsesContext): PlacedUse[] {
  const { protocols } = config;
  if (protocols === 'both' || protocols === 'http') return [];
  const at = ['apis', api, 'protocols'];
  if (!isRecord(written['protocols'])) return [{ use: { 'https-only': {} }, at, drop: ALL }];
  return [{ use: { 'https-only': written['protocols']['https'] }, at: [...at, 'https'], drop: 1 }];
}

function corsUses({ api, config, methods, written, globalCors }: UsesContext): PlacedUse[] {
  const at = ['apis', api, ...(config.cors === undefined ? [] : ['cors'])];
  const { cors = globalCors ? 'service' : false } = config;
  if (cors === 'service') return [];
  if (cors === true) return [{ use: { cors: { origins: ['*'] } }, at, drop: ALL }];
  // The policy knows methods as browsers send them.
  const known = methods?.filter((method) => method === method.toUpperCase());
  if (cors === false)
    return [{ use: { cors: { enabled: false, ...(known?.length && { methods: known }) } }, at, drop: ALL }];
  return [{ use: { cors: written['cors'] }, at, drop: 1 }];
}

function authenticationUses({ api, config, written }: UsesContext): PlacedUse[] {
  const at = ['apis', api, 'authentication'];
  const { authentication } = config;
  if (authentication === undefined) return [];
  if (typeof authentication === 'string') return [{ use: { [authentication]: {} }, at, drop: ALL }];
  if (Array.isArray(authentication))
    return [{ use: { auth: { any: written['authentication'] } }, at, drop: 2 }];
  if (isOidc(authentication)) return [oidcUse(authentication.oidc, [...at, 'oidc'])];
  return [{ use: written['authentication'] as Readonly<Record<string, unknown>>, at, drop: 0 }];
}

type Oidc = Extract<NonNullable<ApiConfig['authentication']>, { oidc: unknown }>;

function isOidc(authentication: object): authentication is Oidc {
  return 'oidc' in authentication;
}

/** Tokens come first: whoever sends one is not sent to a login. */
function oidcUse({ provider, session, audience, anyAudience }: Oidc['oidc'], at: Path): PlacedUse {
  const tokens = provider && {
    provider,
    ...(audience !== undefined && { audience }),
    ...(anyAudience !== undefined && { anyAudience }),
  };
  if (session === undefined) return { use: { jwt: tokens }, at, drop: 1 };
  if (tokens === undefined) return { use: { session: { name: session } }, at: [...at, 'session'], drop: ALL };
  return { use: { auth: { any: [{ jwt: tokens }, { session: { name: session } }] } }, at, drop: ALL };
}

function limitUses({ api, config, written }: UsesContext): PlacedUse[] {
  const at = ['apis', api, 'limits'];
  const { limits, authentication } = config;
  const asWritten = written['limits'];
  if (limits === undefined || !isRecord(asWritten)) return [];
  const uses: PlacedUse[] = [];
  const { rate, quota, concurrency, body } = asWritten;
  const counted = [
    ...(rate === undefined ? [] : [{ rate, name: 'rate' }]),
    ...(quota === undefined ? [] : [{ rate: quota, name: 'quota', algorithm: 'sliding-window' }]),
    ...(concurrency === undefined ? [] : [{ concurrency, name: 'concurrency' }]),
  ];
  if (counted.length > 0) {
    // Of callers that nobody knows the address is all there is.
    const key = authentication === undefined || authentication === 'public' ? 'address' : 'consumer';
    // They are those of the API, however many operations it has.
    const scope = config.openapi === undefined ? 'route' : { name: `api/${api}` };
    uses.push({ use: { 'rate-limit': { limits: counted, key, scope } }, at, drop: ALL });
  }
  if (limits.plan) uses.push({ use: { plan: {} }, at: [...at, 'plan'], drop: ALL });
  if (body !== undefined)
    uses.push({ use: { 'request-size': { max: body } }, at: [...at, 'body'], drop: ALL });
  return uses;
}

/** Last: what it makes of a request is for the function service alone. */
function functionUses({ target }: UsesContext): PlacedUse[] {
  if (target.kind !== 'function') return [];
  const { service: _, functionName, ...options } = target.written;
  const use = { function: { name: functionName ?? target.name, ...options } };
  return [{ use, at: ['functions', target.name], drop: 1 }];
}
