import { BearerAuthenticator } from '../../identity/bearer/bearer-authenticator.ts';
import { BearerChallenge } from '../../identity/bearer/challenge.ts';
import { TokenSource } from '../../identity/bearer/token-source.ts';
import { clientProblem } from '../../identity/client/client-key.ts';
import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { checkProviders } from '../check-providers.ts';
import { placesOf } from '../token-options.ts';
import { introspectionSchema } from './schema.ts';

export const introspectionMethod = defineMethod({
  name: 'introspection',
  schema: introspectionSchema,
  check(options, context) {
    const { provider } = options;
    const problem = clientProblem(options);
    return [
      ...(provider === undefined ? [] : checkProviders([provider], () => ['provider'], context)),
      ...(problem === undefined ? [] : [problem]),
    ];
  },
  credentialFields: ({ from }) => (from.header === false ? [] : [from.header]),
  secretParameters: ({ from }) => (from.query === undefined ? [] : [from.query]),
  async create(options, { identity }) {
    // With jose, which takes 60 ms to load.
    const { makeIntrospector } = await import('./make-introspector.ts');
    const key = JSON.stringify(['introspection', options]);
    const judge = identity.shared.open(key, () => makeIntrospector(options, identity));
    const source = new TokenSource(placesOf(options));
    return new BearerAuthenticator('introspection', source, judge, new BearerChallenge(options), options);
  },
});

export const introspectionPolicy = authPolicy(introspectionMethod);
