import type { RouteIdentity } from '../../identity/route-identity.ts';
import { nearest } from '../../lib/nearest.ts';
import { definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { canBeIdentityField } from '../identity-field-name.ts';
import { GrantSource } from './grant-source.ts';
import { InjectHooks } from './inject-hooks.ts';
import { readPlacement } from './placement.ts';
import { ClientCredentialsSource, ExchangeSource } from './requested-source.ts';
import { type InjectOptions, injectSchema } from './schema.ts';
import type { TokenSource } from './token-source.ts';

export const injectPolicy = definePolicy({
  name: 'inject',
  stage: 'transform',
  needs: ['identity'],
  schema: injectSchema,
  // A service takes what stands there for the gateway's word, on whichever route it comes.
  identityFields: ({ as, header }) =>
    (as === 'header' || as === 'template') && canBeIdentityField(header) ? [header] : [],
  check: ({ provider }, { providers }) =>
    providers.has(provider)
      ? []
      : [
          {
            path: ['provider'],
            message: `there is no provider ${JSON.stringify(provider)}`,
            suggestion: nearest(provider, providers),
          },
        ],
  create(options, context: BuiltinContext) {
    const { identity } = context;
    const placement = readPlacement(options);
    // Made to be checked, and closed again; the schema has told of a placement that is none.
    if (identity === undefined || 'message' in placement) return {};
    return new InjectHooks(sourceOf(options, identity), placement, options.required);
  },
});

function sourceOf(options: InjectOptions, identity: RouteIdentity): TokenSource {
  const { provider } = options;
  if (options.from === 'grant') return new GrantSource(provider);
  const { from: kind, audience, resource, scopes } = options;
  const request = { audience, resource, scopes };
  const place = {
    tokens: identity.serviceTokens({ kind, provider, request }),
    provider: () => identity.providers.named(provider),
    request,
  };
  return kind === 'exchange' ? new ExchangeSource(place) : new ClientCredentialsSource(place);
}
