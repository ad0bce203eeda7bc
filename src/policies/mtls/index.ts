import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { readAuthorities } from './certificate-text.ts';
import { MtlsAuthenticator } from './mtls-authenticator.ts';
import { mtlsSchema } from './schema.ts';

export const mtlsMethod = defineMethod({
  name: 'mtls',
  schema: mtlsSchema,
  check({ ca }) {
    if (ca === undefined || readAuthorities(ca) !== undefined) return [];
    return [{ path: ['ca'], message: 'holds no PEM certificates that can be read' }];
  },
  create: (options, { identity }) =>
    new MtlsAuthenticator(options, identity.consumers.certificates, identity.place.nowMs),
});

export const mtlsPolicy = authPolicy(mtlsMethod);
