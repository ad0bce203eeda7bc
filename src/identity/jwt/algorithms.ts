/** What a key must be for an algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1, RFC 9864 section 2.2). */
interface KeyShape {
  readonly kty: 'RSA' | 'EC' | 'OKP';
  readonly crv?: string;
}

const RSA: KeyShape = { kty: 'RSA' };
const ED25519: KeyShape = { kty: 'OKP', crv: 'Ed25519' };

const KEY_SHAPES: ReadonlyMap<string, KeyShape> = new Map(
  Object.entries({
    RS256: RSA,
    RS384: RSA,
    RS512: RSA,
    PS256: RSA,
    PS384: RSA,
    PS512: RSA,
    ES256: { kty: 'EC', crv: 'P-256' },
    ES384: { kty: 'EC', crv: 'P-384' },
    ES512: { kty: 'EC', crv: 'P-521' },
    EdDSA: ED25519,
    Ed25519: ED25519,
  }),
);

/** Signatures that everybody may check and one key alone can make. */
export const ASYMMETRIC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** Whoever can check them can make them. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;

/** Octets that a secret has at least (RFC 7518 section 3.2). */
export const MIN_SECRET_BYTES: Readonly<Record<string, number>> = {
  HS256: 32,
  HS384: 48,
  HS512: 64,
};

/** Whether a public key is one for the algorithm. */
export function fitsAlgorithm(
  key: { readonly kty: string; readonly crv?: string | undefined },
  algorithm: string,
): boolean {
  const shape = KEY_SHAPES.get(algorithm);
  return shape !== undefined && shape.kty === key.kty && (shape.crv === undefined || shape.crv === key.crv);
}
