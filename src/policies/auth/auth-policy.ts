import type { Policy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { AuthHooks } from './auth-hooks.ts';
import type { AuthMethod } from './method.ts';

/** Policies of which a route's own replace the global ones: who may call is said in one place. */
export const AUTHENTICATION = 'authentication';

/** The policy that a method is alone: whoever it does not know is refused. */
export function authPolicy<Options>(method: AuthMethod<Options>): Policy<Options> {
  return {
    ...method,
    stage: 'authentication',
    family: AUTHENTICATION,
    needs: ['identity'],
    async create(options, context: BuiltinContext) {
      const { identity } = context;
      // Made to be checked, and closed again.
      if (identity === undefined) return {};
      const authenticator = await method.create(options, { ...context, identity });
      return new AuthHooks(authenticator, false, context);
    },
  };
}
