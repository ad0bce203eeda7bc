import type { z } from 'zod';
import { describeValue, loadUserModule } from '../../lib/user-module.ts';
import type { Provider } from './provider.ts';

/** What a provider of your own may know of its place. */
export interface ProviderContext {
  /** As the configuration calls it. */
  readonly name: string;
  /** As the global one, bounded in time and size; https, or http to this machine. Redirects are not followed. */
  readonly fetch: (url: string, request?: ProviderRequest) => Promise<Response>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
}

export interface ProviderRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** A kind of provider: what its options are, and how one is made from them. */
export interface ProviderDefinition<Options = unknown> {
  /** Parses what the configuration says beside `kind`. */
  readonly schema: z.ZodType<Options>;
  /** Called once per configuration that has it anew. It waits for nothing: what is remote is asked for when it is needed. */
  create(options: Options, context: ProviderContext): Provider;
}

/** Gives a provider its type; use it as `export const provider = defineProvider({ ... })`. */
export function defineProvider<Options>(
  definition: ProviderDefinition<Options>,
): ProviderDefinition<Options> {
  return definition;
}

/** Rejects with an Error whose message tells the user what to change. */
export async function loadProviderDefinition(kind: string, url: string): Promise<ProviderDefinition> {
  const what = `the provider ${kind}`;
  const example = 'export const provider = defineProvider({ ... })';
  const value = await loadUserModule(what, url, 'provider', example);
  const members = (typeof value === 'object' && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  const schema = members['schema'] as Readonly<Record<string, unknown>> | null | undefined;
  if (typeof schema !== 'object' || schema === null || typeof schema['safeParse'] !== 'function')
    throw new Error(
      `${what} is not shaped like a provider: \`schema\` must be a zod schema, such as z.strictObject({})`,
    );
  if (typeof members['create'] !== 'function')
    throw new Error(
      `${what} is not shaped like a provider: \`create\` is ${describeValue(members['create'])}, not a function`,
    );
  return value as ProviderDefinition;
}

const METHODS = ['authorizationUrl', 'redeem', 'refresh', 'user'] as const;

/** Makes a provider of these options. Throws an Error whose message tells the user what to change. */
export function makeProvider(
  kind: string,
  definition: ProviderDefinition,
  options: unknown,
  context: ProviderContext,
): Provider {
  const provider = definition.create(options, context);
  const missing = METHODS.filter((method) => typeof provider?.[method] !== 'function');
  if (missing.length > 0)
    throw new Error(
      `the provider ${kind} is not shaped like a provider: ${missing.join(', ')} must be there`,
    );
  return provider;
}
