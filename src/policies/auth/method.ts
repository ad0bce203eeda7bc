import type { z } from 'zod';
import type { Authenticator } from '../../identity/authenticator.ts';
import type { RouteIdentity } from '../../identity/route-identity.ts';
import type { Policy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';

/** What a method is made in. */
export interface MethodContext extends BuiltinContext {
  readonly identity: RouteIdentity;
}

/** A way to authenticate that a configuration may name: as a policy of its own, and within `auth`. */
export interface AuthMethod<Options = unknown>
  extends Pick<Policy<Options>, 'check' | 'identityFields' | 'credentialFields' | 'secretParameters'> {
  /** Of the policy, within `auth`, and of the principal. */
  readonly name: string;
  /** A strict object with a description. */
  readonly schema: z.ZodType<Options>;
  create(options: Options, context: MethodContext): Authenticator | Promise<Authenticator>;
}

/** Gives a method its type. */
export function defineMethod<Options>(method: AuthMethod<Options>): AuthMethod<Options> {
  return method;
}
