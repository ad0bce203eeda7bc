import { createPrivateKey, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import { isSecretReference } from '../../lib/secret-reference.ts';
import type { ClientConfig, ClientKeyConfig } from './schema.ts';

/** A private key, and what it signs with. */
export interface ClientKey {
  readonly key: KeyObject;
  readonly algorithm: NonNullable<ClientKeyConfig['algorithm']>;
}

/** RFC 7518 sections 3.3 and 3.5. */
const MIN_RSA_BITS = 2048;
/** By OpenSSL's name of the curve. */
const OF_CURVE = { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' } as const;

/** The key of the options. Throws an Error that says what is wrong with it and does not quote it. */
export function readClientKey({ key: pem, algorithm }: ClientKeyConfig): ClientKey {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new Error('is not the PEM text of a private key without a password');
  }
  const fitting = algorithmsOf(key);
  const [usual] = fitting;
  if (usual === undefined)
    throw new Error(
      'is a key that assertions are not signed with: RSA of 2048 bits or more, P-256, P-384, P-521 or Ed25519',
    );
  if (algorithm !== undefined && !fitting.includes(algorithm))
    throw new Error(`is no key for ${algorithm}: it signs with ${fitting.join(', ')}`);
  return { key, algorithm: algorithm ?? usual };
}

/** The usual one first. */
function algorithmsOf({
  asymmetricKeyType: type,
  asymmetricKeyDetails: details,
}: KeyObject): readonly ClientKey['algorithm'][] {
  switch (type) {
    case 'rsa':
      return (details?.modulusLength ?? 0) < MIN_RSA_BITS
        ? []
        : ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
    case 'ec': {
      const curve = details?.namedCurve ?? '';
      return Object.hasOwn(OF_CURVE, curve) ? [OF_CURVE[curve as keyof typeof OF_CURVE]] : [];
    }
    case 'ed25519':
      return ['EdDSA'];
    default:
      return [];
  }
}

/** What is wrong with how the gateway is to prove who it is, secrets resolved; no message holds one. */
export function clientProblem(
  client: Partial<ClientConfig>,
): { readonly path: readonly string[]; readonly message: string } | undefined {
  const { clientKey, clientCertificate } = client;
  if (clientKey !== undefined && !isSecretReference(clientKey.key)) {
    try {
      readClientKey(clientKey);
    } catch (error) {
      return { path: ['clientKey', 'key'], message: (error as Error).message };
    }
  }
  if (clientCertificate === undefined) return undefined;
  const { cert, key } = clientCertificate;
  if (isSecretReference(cert) || isSecretReference(key)) return undefined;
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch {
    return {
      path: ['clientCertificate'],
      message: 'is no certificate in PEM with the key that belongs to it',
    };
  }
}
