import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Known } from '../authenticator.ts';
import { type Consumer, principalOf } from './consumer.ts';
import type { SignatureKeyConfig } from './schema.ts';

export type SignatureAlgorithm = SignatureKeyConfig['algorithm'];

/** A key that signatures may name. */
export interface SignatureKey {
  readonly id: string;
  readonly algorithm: SignatureAlgorithm;
  /** The shared secret of `hmac-sha256`, else a public key. */
  readonly key: Buffer | KeyObject;
  readonly known: Known;
  /** Of this key alone: two organizations may each have one of that id. */
  readonly nonceKey: string;
}

/** Shortest shared secret: shorter ones are guessed from one signed request. */
const MIN_SECRET_BYTES = 16;
const MIN_RSA_BITS = 2048;

/** The key, or a sentence that says what is wrong with it, at which member. */
export function readSignatureKey({
  algorithm,
  secret,
  publicKey,
}: SignatureKeyConfig):
  | Buffer
  | KeyObject
  | { readonly at: 'secret' | 'publicKey'; readonly problem: string } {
  if (algorithm === 'hmac-sha256') {
    if (secret === undefined)
      return { at: 'secret', problem: `is missing: ${algorithm} has a shared secret` };
    const octets = secret.startsWith('base64:')
      ? Buffer.from(secret.slice(7), 'base64')
      : Buffer.from(secret);
    return octets.length >= MIN_SECRET_BYTES
      ? octets
      : { at: 'secret', problem: `is shorter than ${MIN_SECRET_BYTES} octets` };
  }
  if (publicKey === undefined)
    return { at: 'publicKey', problem: `is missing: ${algorithm} has a key in PEM` };
  let key: KeyObject;
  try {
    if (publicKey.includes('PRIVATE KEY')) return { at: 'publicKey', problem: 'is a private key' };
    key = createPublicKey(publicKey);
  } catch {
    return { at: 'publicKey', problem: 'is no public key in PEM' };
  }
  return fits(key, algorithm)
    ? key
    : { at: 'publicKey', problem: `is of another kind than ${algorithm} needs` };
}

function fits(
  { asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject,
  algorithm: SignatureAlgorithm,
): boolean {
  switch (algorithm) {
    case 'ed25519':
      return type === 'ed25519';
    case 'ecdsa-p256-sha256':
      return type === 'ec' && details?.namedCurve === 'prime256v1';
    case 'rsa-pss-sha512':
      return (type === 'rsa' || type === 'rsa-pss') && (details?.modulusLength ?? 0) >= MIN_RSA_BITS;
    default:
      return type === 'rsa' && (details?.modulusLength ?? 0) >= MIN_RSA_BITS;
  }
}

/** The signature keys of consumers, by id. */
export class SignatureKeys {
  readonly #byId = new Map<string, SignatureKey>();
  readonly #nowMs: () => number;
  readonly #shared: SignatureKeys | undefined;

  /** `shared` are known beside them. */
  constructor(consumers: Iterable<Consumer>, nowMs: () => number, shared?: SignatureKeys) {
    this.#nowMs = nowMs;
    this.#shared = shared;
    for (const consumer of consumers) {
      for (const config of consumer.config.signatureKeys) {
        const key = readSignatureKey(config);
        if ('problem' in key) continue;
        const { id, algorithm, expires } = config;
        const expiresAtMs = expires === undefined ? Number.POSITIVE_INFINITY : Date.parse(expires);
        const principal = principalOf(consumer, 'signature', expiresAtMs);
        const nonceKey = JSON.stringify([consumer.name, id]);
        this.#byId.set(id, { id, algorithm, key, known: { kind: 'known', principal }, nonceKey });
      }
    }
  }

  /** Undefined when there is none of that id, or it is over. */
  find(id: string): SignatureKey | undefined {
    const key = this.#byId.get(id);
    if (key === undefined) return this.#shared?.find(id);
    return key.known.principal.expiresAtMs > this.#nowMs() ? key : undefined;
  }
}
