import type { RouteIdentity } from '../../identity/route-identity.ts';
import { takeStoredNonce } from '../../identity/used-nonces.ts';
import { authPolicy } from '../auth/auth-policy.ts';
import { defineMethod } from '../auth/method.ts';
import { type SignatureOptions, signatureSchema } from './schema.ts';
import { SignatureAuthenticator, type SignaturePlace } from './signature-authenticator.ts';

export const signatureMethod = defineMethod({
  name: 'signature',
  schema: signatureSchema,
  credentialFields: () => ['signature', 'signature-input'],
  create: (options, { identity }) =>
    new SignatureAuthenticator(options, {
      keys: identity.consumers.signatureKeys,
      nowMs: identity.place.nowMs,
      ...noncesOf(options.nonceStore, identity),
    }),
});

/** Throws an Error where there is no such store. */
function noncesOf(
  store: SignatureOptions['nonceStore'],
  { nonces, place }: RouteIdentity,
): Pick<SignaturePlace, 'takeNonce' | 'close'> {
  if (store === 'worker')
    return { takeNonce: (key, nonce, windowMs) => nonces.take(key, nonce, windowMs, place.nowMs()) };
  const held = place.records.open(store);
  return {
    takeNonce: (key, nonce, windowMs) => takeStoredNonce(held.records, key, nonce, windowMs),
    close: () => held.release(),
  };
}

export const signaturePolicy = authPolicy(signatureMethod);
