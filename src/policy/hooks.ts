import type { PolicyHooks } from './contract.ts';

export type HookName = Exclude<keyof PolicyHooks, 'requestBodyBounds' | 'responseBodyBounds'>;

/** Every hook that a policy may have, in the order in which a request meets them. */
export const HOOK_NAMES = [
  'onRequest',
  'onRequestBodyPart',
  'onRequestBody',
  'transformRequestBody',
  'onAttempt',
  'retryWith',
  'onUpstreamResponse',
  'onResponseBody',
  'transformResponseBody',
  'onResponse',
  'onEnd',
  'close',
] as const satisfies readonly HookName[];

/** Hooks whose promise nobody would wait for. */
export const SYNCHRONOUS_HOOKS: ReadonlySet<string> = new Set<HookName>([
  'onRequestBodyPart',
  'onRequestBody',
  'transformRequestBody',
  'onAttempt',
  'onResponseBody',
  'transformResponseBody',
  'onResponse',
  'onEnd',
  'close',
]);
