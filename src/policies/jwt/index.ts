import { BearerAuthenticator } from '../../identity/bearer/bearer-authenticator.ts';
import { BearerChallenge } from '../../identity/bearer/challenge.ts';
import { TokenSource } from '../../identity/bearer/token-source.ts';
import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { placesOf } from '../token-options.ts';
import { checkJwt } from './check.ts';
import { jwtSchema } from './schema.ts';

export const jwtMethod = defineMethod({
  name: 'jwt',
  schema: jwtSchema,
  check: checkJwt,
  credentialFields: ({ from }) => (from.header === false ? [] : [from.header]),
  secretParameters: ({ from }) => (from.query === undefined ? [] : [from.query]),
  async create(options, { identity }) {
    // With jose, which takes 60 ms to load.
    const { makeVerifier } = await import('./make-verifier.ts');
    // Routes with the same options share what has been verified.
    const key = JSON.stringify(['jwt', options]);
    const judge = identity.shared.open(key, () => makeVerifier(options, identity));
    const source = new TokenSource(placesOf(options));
    return new BearerAuthenticator('jwt', source, judge, new BearerChallenge(options), options);
  },
});

export const jwtPolicy = authPolicy(jwtMethod);
