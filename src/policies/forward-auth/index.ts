import { OwnCredentials } from '../../identity/sessions/own-credentials.ts';
import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { AuthService } from './auth-service.ts';
import { ForwardAuthenticator } from './forward-authenticator.ts';
import { forwardAuthSchema } from './schema.ts';

export const forwardAuthMethod = defineMethod({
  name: 'forward-auth',
  schema: forwardAuthSchema,
  // What the service gets too may come from a client: it judges that. Authorization says who calls by itself.
  identityFields: ({ requestHeaders, responseHeaders }) =>
    responseHeaders.filter((name) => name !== 'authorization' && !requestHeaders.includes(name)),
  create(options, context) {
    const { identity } = context;
    return new ForwardAuthenticator(options, {
      service: new AuthService(options),
      consumers: identity.consumers,
      // The admin port may have a login in this configuration or the next.
      ownCredentials: OwnCredentials.of(identity.data.sessions, true),
      nowMs: identity.place.nowMs,
      warn: (message, cause) => context.warn(message, cause),
    });
  },
});

export const forwardAuthPolicy = authPolicy(forwardAuthMethod);
