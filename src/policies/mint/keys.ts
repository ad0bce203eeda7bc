import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, type JWK } from 'jose';
import { z } from 'zod';

/** By the curve as Node.js names it. RFC 7518 section 3.4. */
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
};
/** RFC 7518 section 3.3. */
const MIN_RSA_BITS = 2048;
const MAX_KEYS = 8;

/** A key of the configuration, as its schema reads it. */
export interface ConfiguredKey {
  readonly key: KeyObject;
  readonly algorithm: string;
  readonly id?: string | undefined;
}

/** A key by its id. */
export interface NamedKey extends ConfiguredKey {
  readonly id: string;
  /** The public one, as it is published. */
  readonly jwk: JWK;
}

const keyId = z
  .string()
  .min(1)
  .max(200)
  .optional()
  .describe('Names the key in a token; its thumbprint (RFC 7638) by default');

/** Keys that sign: the first one does, the others are those of before and after. */
export const signingKeys = keyList((pem) => createPrivateKey(pem), 'a private key in PEM');
/** Keys to check with; of a private one the public part. */
export const verificationKeys = keyList((pem) => createPublicKey(pem), 'a key in PEM');

function keyList(read: (pem: string) => KeyObject, what: string) {
  const entry = z.strictObject({
    key: z.string().min(1).describe(`${what}, by \`file:\` or \`env:\`: EC, Ed25519 or RSA`),
    id: keyId,
  });
  return z
    .array(entry.transform((written, context) => readKey(written, read, what, context)))
    .min(1)
    .max(MAX_KEYS);
}

function readKey(
  { key: pem, id }: { readonly key: string; readonly id?: string | undefined },
  read: (pem: string) => KeyObject,
  what: string,
  context: z.RefinementCtx,
): ConfiguredKey {
  const key = keyOf(pem, read);
  const algorithm = key && algorithmOf(key);
  if (key !== undefined && algorithm !== undefined) return { key, algorithm, id };
  const reason =
    key === undefined
      ? `is not ${what}`
      : `is a key that is not used here: take EC (P-256, P-384, P-521), Ed25519, or RSA of at least ${MIN_RSA_BITS} bits`;
  context.addIssue({ code: 'custom', path: ['key'], message: reason });
  return z.NEVER;
}

/** The message of OpenSSL may quote what it read. */
function keyOf(pem: string, read: (pem: string) => KeyObject): KeyObject | undefined {
  try {
    return read(pem);
  } catch {
    return undefined;
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails: details }: KeyObject): string | undefined {
  if (asymmetricKeyType === 'ed25519') return 'EdDSA';
  if (asymmetricKeyType === 'ec') return CURVES[details?.namedCurve ?? ''];
  return asymmetricKeyType === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS ? 'RS256' : undefined;
}

/** Gives each key its id. Throws an Error where two have the same. */
export async function nameKeys(keys: readonly ConfiguredKey[]): Promise<readonly [NamedKey, ...NamedKey[]]> {
  const named = await Promise.all(keys.map(nameKey));
  const ids = new Set<string>();
  for (const { id } of named) {
    if (ids.has(id)) throw new Error(`two keys have the id ${JSON.stringify(id)}`);
    ids.add(id);
  }
  return named as unknown as readonly [NamedKey, ...NamedKey[]];
}

async function nameKey({ key, algorithm, id: given }: ConfiguredKey): Promise<NamedKey> {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  const jwk = publicKey.export({ format: 'jwk' }) as JWK;
  const id = given ?? (await calculateJwkThumbprint(jwk));
  return { key, algorithm, id, jwk: { ...jwk, kid: id, alg: algorithm, use: 'sig' } };
}
