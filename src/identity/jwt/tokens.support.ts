import { createHmac, createSign, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

/** A pair of keys that signs tokens by hand, so that a test may write what no library would. */
export interface Signer {
  readonly algorithm: string;
  readonly kid: string | undefined;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** The signature, in base64url, of what stands before the last dot. */
  sign(input: string): string;
  readonly jwk: Readonly<Record<string, unknown>>;
}

const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const;

export function makeSigner(
  algorithm: 'RS256' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA',
  kid: string | undefined = randomBytes(6).toString('hex'),
): Signer {
  const { publicKey, privateKey } = pairFor(algorithm);
  const signature = (input: string): Buffer => {
    if (algorithm === 'RS256') return createSign('sha256').update(input).sign(privateKey);
    if (algorithm === 'EdDSA') return sign(null, Buffer.from(input), privateKey);
    return sign(`sha${algorithm.slice(2)}`, Buffer.from(input), {
      key: privateKey,
      dsaEncoding: 'ieee-p1363',
    });
  };
  return {
    algorithm,
    kid,
    publicKey,
    privateKey,
    sign: (input) => signature(input).toString('base64url'),
    jwk: { ...publicKey.export({ format: 'jwk' }), ...(kid === undefined ? {} : { kid }), use: 'sig' },
  };
}

function pairFor(algorithm: string): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  if (algorithm === 'RS256') return generateKeyPairSync('rsa', { modulusLength: 2048 });
  if (algorithm === 'EdDSA') return generateKeyPairSync('ed25519');
  return generateKeyPairSync('ec', { namedCurve: CURVES[algorithm as keyof typeof CURVES] });
}

export function encoded(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
}

/** A token with these members, which stand in its header beside `alg` and `kid`. */
export function makeToken(
  signer: Signer,
  claims: unknown,
  header: Readonly<Record<string, unknown>> = {},
): string {
  const { algorithm: alg, kid } = signer;
  const input = `${encoded({ alg, ...(kid === undefined ? {} : { kid }), ...header })}.${encoded(claims)}`;
  return `${input}.${signer.sign(input)}`;
}

/** A token whose signature is an HMAC with this key. */
export function makeSecretToken(
  secret: string | Buffer,
  claims: unknown,
  header: Readonly<Record<string, unknown>> = {},
): string {
  const input = `${encoded({ alg: 'HS256', ...header })}.${encoded(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}
