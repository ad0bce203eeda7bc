import { linkTo } from '../../identity/providers/issuer-link.ts';
import { type Answer, definePolicy } from '../../policy/contract.ts';
import type { BuiltinContext } from '../builtin-context.ts';
import { checkProviders } from '../check-providers.ts';
import { type ProtectedResourceOptions, protectedResourceSchema } from './schema.ts';

export const protectedResourcePolicy = definePolicy({
  name: 'protected-resource',
  // Before authentication: whoever has no token yet learns here where to get one.
  stage: 'admission',
  needs: ['identity'],
  schema: protectedResourceSchema,
  check: ({ providers }, context) => checkProviders(providers, (index) => ['providers', index], context),
  create(options, { identity }: BuiltinContext) {
    // Made to be checked, and closed again.
    if (identity === undefined) return {};
    const issuers = options.providers.map((name) => linkTo(identity.data.providers, name).issuer);
    const answer = metadataAnswer(options, issuers);
    return {
      onRequest: ({ request: { method } }) => (method === 'GET' || method === 'HEAD' ? answer : WRONG_METHOD),
    };
  },
});

const WRONG_METHOD: Answer = {
  status: 405,
  code: 'method_not_allowed',
  detail: 'The metadata of the API can only be read.',
  headers: { Allow: 'GET, HEAD' },
};

/** RFC 9728 sections 2 and 3.2. Clients in browsers read it from anywhere. */
function metadataAnswer(options: ProtectedResourceOptions, issuers: readonly string[]): Answer {
  const { resource, authorizationServers, scopes, methods, name, documentation } = options;
  const body = JSON.stringify({
    resource,
    authorization_servers: [...new Set([...issuers, ...authorizationServers])],
    scopes_supported: scopes,
    bearer_methods_supported: methods,
    resource_name: name,
    resource_documentation: documentation,
  });
  return {
    status: 200,
    headers: {
      'Content-Type': 'application/json',
      'Cache-Control': 'public, max-age=3600',
      'Access-Control-Allow-Origin': '*',
    },
    body,
  };
}
