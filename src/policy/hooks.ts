import type { PolicyHooks } from './contract.ts';

type HookName = keyof PolicyHooks;

/** Every hook that a policy may have, in the order in which a request meets them. */
export const HOOK_NAMES = [
  'onRequest',
  'transformRequestBody',
  'onAttempt',
  'onUpstreamResponse',
  'transformResponseBody',
  'onResponse',
  'onEnd',
  'close',
] as const satisfies readonly HookName[];

/** Hooks whose promise nobody would wait for. */
export const SYNCHRONOUS_HOOKS: ReadonlySet<string> = new Set<HookName>([
  'transformRequestBody',
  'onAttempt',
  'transformResponseBody',
  'onResponse',
  'onEnd',
  'close',
]);
