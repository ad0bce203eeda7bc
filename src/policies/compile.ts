import type { Identity } from '../identity/identity.ts';
import type { Load } from '../lib/load-gauge.ts';
import { messageOf } from '../lib/message-of.ts';
import { nearest } from '../lib/nearest.ts';
import {
  type BodyBounds,
  type Policy,
  type PolicyContext,
  type PolicyHooks,
  STAGES,
  type Stage,
} from '../policy/contract.ts';
import { HOOK_NAMES, type HookName, SYNCHRONOUS_HOOKS } from '../policy/hooks.ts';
import type { Limiters } from '../state/limiters.ts';
import { AddressLists } from './address-lists.ts';
import { strictestBounds } from './body-bounds.ts';
import type { BuiltinContext } from './builtin-context.ts';
import { joinCounting } from './counting-use.ts';
import { loadPolicy } from './load.ts';
import type { Plans } from './plan/plans.ts';
import { type PolicyProblem, parseOptions, problemsOf } from './problems.ts';
import type { PolicyUse } from './use.ts';

/** Of a policy that looks at bodies and says nothing of their bounds: what it does not see is refused. */
const NO_WISHES: BodyBounds = {};
const IDLE: Load = { measuredAtMs: 0, eventLoopDelayMs: 0, memoryShare: 0 };

/** A policy that has the hook `Name`, for certain: `entry.hooks.onRequest(exchange)`. */
export interface HookEntry<Name extends HookName> {
  /** As the configuration calls it, for the log when the hook throws. */
  readonly name: string;
  readonly hooks: { readonly [Key in Name]-?: NonNullable<PolicyHooks[Key]> };
}

export interface CompiledPolicy {
  readonly name: string;
  readonly stage: Stage;
  readonly hooks: PolicyHooks;
}

/**
 * The policies of one route: one array per hook, each in the order in which its hooks run, so that a loop from its first to its
 * last is all there is to do. A policy stands only in the arrays of the hooks that it has.
 */
export interface CompiledPolicies {
  /** Every policy in the order of the request, for `explain`. */
  readonly all: readonly CompiledPolicy[];
  readonly onRequest: readonly HookEntry<'onRequest'>[];
  /** The requests' bodies are collected before the hook of that place in `onRequest`, or its end; -1: they are not. */
  readonly bodyAt: number;
  readonly onRequestBodyPart: readonly HookEntry<'onRequestBodyPart'>[];
  readonly onRequestBody: readonly HookEntry<'onRequestBody'>[];
  readonly requestBodyBounds: Required<BodyBounds>;
  readonly transformRequestBody: readonly HookEntry<'transformRequestBody'>[];
  readonly onAttempt: readonly HookEntry<'onAttempt'>[];
  /** From here on the last policy comes first. */
  readonly retryWith: readonly HookEntry<'retryWith'>[];
  readonly onUpstreamResponse: readonly HookEntry<'onUpstreamResponse'>[];
  readonly onResponseBody: readonly HookEntry<'onResponseBody'>[];
  readonly responseBodyBounds: Required<BodyBounds>;
  readonly transformResponseBody: readonly HookEntry<'transformResponseBody'>[];
  readonly onResponse: readonly HookEntry<'onResponse'>[];
  readonly onEnd: readonly HookEntry<'onEnd'>[];
  /** Closes every policy, the last one first. One that throws is told of by the context's `warn`; the others are closed all the same. */
  close(): void;
}

/** What the policies of one route are made in. */
export interface RouteContext extends Pick<PolicyContext, 'route' | 'warn'> {
  readonly policyEvent: (policy: string, event: string) => void;
  /** None: nothing is known of the load, as where a configuration is only checked. */
  readonly load?: PolicyContext['load'];
  /** None: there are no lists. */
  readonly addressLists?: AddressLists | undefined;
  /** Which of the uses are those of every route; none where it is not given. */
  readonly globals?: readonly PolicyUse[];
  /** It serves the pages of a login. */
  readonly isLogin?: boolean;
  /** Whose route it is. */
  readonly organization?: string | undefined;
  /** The one service that the route sends to. */
  readonly service?: string | undefined;
  readonly limiters?: Limiters;
  readonly plans?: Plans;
  readonly identity?: Identity;
}

/** What a policy may know of the others of its route. */
type AmongOthers = Pick<BuiltinContext, 'isCountedAgain' | 'credentialFields'>;

const NO_NAMES: ReadonlySet<string> = new Set();
const ALONE: AmongOthers = { isCountedAgain: false, credentialFields: () => NO_NAMES };

/** A route without policies. */
export const noPolicies: CompiledPolicies = assemble([], () => {});

/** A use with its policy and its options as the schema read them. */
interface ReadUse {
  readonly use: PolicyUse;
  readonly policy: Policy;
  readonly options: unknown;
  readonly stage: Stage;
}

/**
 * What is read of a use once, however many routes it stands in: global policies stand in all of them. Give one to every
 * `compilePolicies` of a configuration, and drop it with the configuration.
 */
export class PolicyReader {
  readonly #read = new Map<PolicyUse, Promise<ReadUse>>();

  read(use: PolicyUse): Promise<ReadUse> {
    let read = this.#read.get(use);
    if (read === undefined) {
      read = readUse(use);
      this.#read.set(use, read);
    }
    return read;
  }
}

/**
 * Makes the policies of one route, global ones first. Rejects with an Error that names the policy when one cannot be loaded, has
 * wrong options or fails to be made; what was made until then is closed.
 */
export async function compilePolicies(
  uses: readonly PolicyUse[],
  context: RouteContext,
  reader: PolicyReader = new PolicyReader(),
): Promise<CompiledPolicies> {
  if (uses.length === 0) return noPolicies;
  const made: CompiledPolicy[] = [];
  try {
    const read = await Promise.all(uses.map((use) => reader.read(use)));
    const { globals } = context;
    const items = read.map((item) => ({ ...item, isGlobal: globals?.includes(item.use) ?? false }));
    const ordered = inOrder(items, context.isLogin === true);
    const lastCounting = ordered.findLastIndex(({ policy }) => policy.counts === true);
    const credentialFields = (): ReadonlySet<string> => credentialFieldsOf(ordered);
    for (const [i, item] of ordered.entries())
      made.push(await make(item, context, { isCountedAgain: i < lastCounting, credentialFields }));
  } catch (error) {
    closeAll(made, context);
    throw error;
  }
  joinCounting(made.map(({ hooks }) => hooks));
  const bound = made.map((policy) => ({ ...policy, hooks: bindAll(policy.hooks) }));
  return assemble(bound, () => closeAll(bound, context));
}

/**
 * What is wrong with one entry of a `policies` list: with its name or module (an empty path), with its options (the path within
 * them), or with making it. Empty when nothing is. The policy is made and closed again.
 */
export async function validatePolicyUse(
  use: PolicyUse,
  addressLists?: AddressLists,
): Promise<readonly PolicyProblem[]> {
  let policy: Policy;
  try {
    policy = await loadPolicy(use);
  } catch (error) {
    return [{ path: [], message: messageOf(error) }];
  }
  const parsed = await parseOptions(policy.schema, use.options);
  if (!parsed.success) return problemsOf(policy.schema, parsed.error);
  const context: RouteContext = { route: '', warn: () => {}, policyEvent: () => {}, addressLists };
  try {
    const stage = stageOf(policy, parsed.data);
    closeAll([await make({ use, policy, options: parsed.data, stage }, context)], context);
  } catch (error) {
    return [{ path: [], message: messageOf(error) }];
  }
  return [];
}

interface Ordered {
  readonly use: PolicyUse;
  readonly policy: Policy;
  readonly stage: Stage;
  /** It is one of every route. */
  readonly isGlobal: boolean;
}

/**
 * The order of the request's hooks: by stage; within a stage as they came. Of a unique policy the last use stays, of a family the route's
 * own where it has any. Of a login, where nobody is known yet, the global ones that ask who calls do not hold: they would lead its pages to
 * themselves.
 */
export function inOrder<Item extends Ordered>(items: readonly Item[], isLogin: boolean): Item[] {
  const own = new Set(items.flatMap(({ policy, isGlobal }) => (isGlobal ? [] : [policy.family])));
  return items
    .filter(
      ({ use, policy, stage, isGlobal }, at) =>
        !(isGlobal && isLogin && (stage === 'authentication' || stage === 'authorization')) &&
        !(isGlobal && policy.family !== undefined && own.has(policy.family)) &&
        !(policy.unique === true && items.some((other, i) => i > at && isSame(other.use, use))),
    )
    .sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));
}

/** When a use runs: its options are as the policy's schema read them. */
export function stageOf(policy: Policy, options: unknown): Stage {
  return policy.stageOf?.(options) ?? policy.stage;
}

function credentialFieldsOf(uses: readonly Pick<ReadUse, 'policy' | 'options'>[]): ReadonlySet<string> {
  const names = uses.flatMap(({ policy, options }) => policy.credentialFields?.(options) ?? []);
  return new Set(names.map((name) => name.toLowerCase()));
}

function isSame(a: PolicyUse, b: PolicyUse): boolean {
  return a.name === b.name && a.module === b.module;
}

async function readUse(use: PolicyUse): Promise<ReadUse> {
  const policy = await loadPolicy(use);
  const parsed = await parseOptions(policy.schema, use.options);
  if (parsed.success) return { use, policy, options: parsed.data, stage: stageOf(policy, parsed.data) };
  const list = problemsOf(policy.schema, parsed.error).map(({ path, message }) =>
    [...path, message].join(': '),
  );
  throw new Error(`the options of the policy ${use.name} are wrong: ${list.join('; ')}`);
}

async function make(
  { use, policy, options, stage }: ReadUse,
  {
    route,
    warn,
    policyEvent,
    load = noLoad,
    addressLists = new AddressLists(),
    globals,
    organization,
    service,
    limiters,
    plans,
    identity,
  }: RouteContext,
  { isCountedAgain, credentialFields }: AmongOthers = ALONE,
): Promise<CompiledPolicy> {
  const context: BuiltinContext = {
    route,
    warn,
    load,
    count: (event) => policyEvent(use.name, event),
    addressList: (name) => addressLists.named(name),
    textList: (name) => addressLists.textsNamed(name),
    global: globals?.includes(use) ?? false,
    organization,
    service,
    isCountedAgain,
    credentialFields,
    limiters,
    plans,
    identity: identity?.of(organization),
  };
  let hooks: PolicyHooks;
  try {
    hooks = await policy.create(options, context);
    checkHooks(hooks);
  } catch (error) {
    throw new Error(`the policy ${use.name} cannot be made: ${messageOf(error)}`, { cause: error });
  }
  return { name: use.name, stage, hooks };
}

function noLoad(): Load {
  return IDLE;
}

/** A misspelt hook would never run, an async one where nobody waits would lose its failure: both are refused. */
function checkHooks(hooks: unknown): void {
  if (typeof hooks !== 'object' || hooks === null)
    throw new Error('create did not return an object with hooks');
  for (const name of Object.keys(hooks)) {
    if ((HOOK_NAMES as readonly string[]).includes(name)) continue;
    const near =
      typeof (hooks as Record<string, unknown>)[name] === 'function' ? nearest(name, HOOK_NAMES) : undefined;
    if (near !== undefined) throw new Error(`there is no hook ${name}: did you mean ${near}?`);
  }
  for (const name of HOOK_NAMES) {
    const hook = (hooks as Readonly<Record<string, unknown>>)[name];
    if (hook === undefined) continue;
    if (typeof hook !== 'function') throw new Error(`the hook ${name} is not a function`);
    if (SYNCHRONOUS_HOOKS.has(name) && hook.constructor.name === 'AsyncFunction') {
      throw new Error(
        `the hook ${name} is async, but nothing waits for it: only onRequest, retryWith and onUpstreamResponse may be`,
      );
    }
  }
}

/** Hooks keep their `this`, and every policy's have the same shape, so that the pipeline's property access stays monomorphic. */
function bindAll(hooks: PolicyHooks): PolicyHooks {
  const { requestBodyBounds, responseBodyBounds } = hooks;
  const bound: Record<string, unknown> = { requestBodyBounds, responseBodyBounds };
  for (const name of HOOK_NAMES) bound[name] = hooks[name]?.bind(hooks);
  return bound;
}

function assemble(all: readonly CompiledPolicy[], close: () => void): CompiledPolicies {
  const reversed = all.toReversed();
  const lastWithBody = all.findLastIndex(({ hooks }) => hooks.onRequestBody !== undefined);
  const upToBody = all.slice(0, lastWithBody + 1);
  return {
    all,
    onRequest: having(all, 'onRequest'),
    bodyAt: lastWithBody < 0 ? -1 : having(upToBody, 'onRequest').length,
    onRequestBodyPart: having(all, 'onRequestBodyPart'),
    onRequestBody: having(all, 'onRequestBody'),
    requestBodyBounds: strictestBounds(
      all.map(({ hooks }) => hooks.onRequestBody && (hooks.requestBodyBounds ?? NO_WISHES)),
    ),
    transformRequestBody: having(all, 'transformRequestBody'),
    onAttempt: having(all, 'onAttempt'),
    retryWith: having(reversed, 'retryWith'),
    onUpstreamResponse: having(reversed, 'onUpstreamResponse'),
    onResponseBody: having(reversed, 'onResponseBody'),
    responseBodyBounds: strictestBounds(
      all.map(({ hooks }) => hooks.onResponseBody && (hooks.responseBodyBounds ?? NO_WISHES)),
    ),
    transformResponseBody: having(reversed, 'transformResponseBody'),
    onResponse: having(reversed, 'onResponse'),
    onEnd: having(reversed, 'onEnd'),
    close,
  };
}

function having<Name extends HookName>(
  policies: readonly CompiledPolicy[],
  hook: Name,
): readonly HookEntry<Name>[] {
  return policies
    .filter(({ hooks }) => hooks[hook] !== undefined)
    .map(({ name, hooks }) => ({ name, hooks: hooks as HookEntry<Name>['hooks'] }));
}

function closeAll(made: readonly CompiledPolicy[], context: RouteContext): void {
  for (const { name, hooks } of made.toReversed()) {
    try {
      hooks.close?.();
    } catch (error) {
      context.warn(`the policy ${name} failed to close`, error);
    }
  }
}
