import { type KeyObject } from 'node:crypto';
import type { ClientHello } from './client-hello.ts';

/** The key of a certificate, as far as it decides which clients can check its signatures. */
export interface KeyKind {
  readonly name: 'rsa' | 'rsa-pss' | 'ecdsa' | 'ed25519' | 'other';
  /** Signature schemes of TLS 1.3 that it can sign by (RFC 8446 section 4.2.3). */
  readonly schemes: readonly number[];
  /** The group that its public key lies on; a TLS 1.2 client has to know it (RFC 8422 section 5.1.1). */
  readonly group: number | undefined;
}

const RSA: KeyKind = { name: 'rsa', schemes: [0x0804, 0x0805, 0x0806], group: undefined };
const RSA_PSS: KeyKind = { name: 'rsa-pss', schemes: [0x0809, 0x080a, 0x080b], group: undefined };
const ED25519: KeyKind = { name: 'ed25519', schemes: [0x0807], group: undefined };
const OTHER: KeyKind = { name: 'other', schemes: [], group: undefined };
const CURVES: ReadonlyMap<string | undefined, KeyKind> = new Map([
  ['prime256v1', { name: 'ecdsa', schemes: [0x0403], group: 23 }],
  ['secp384r1', { name: 'ecdsa', schemes: [0x0503], group: 24 }],
  ['secp521r1', { name: 'ecdsa', schemes: [0x0603], group: 25 }],
]);

export function keyKindOf(publicKey: KeyObject): KeyKind {
  switch (publicKey.asymmetricKeyType) {
    case 'rsa':
      return RSA;
    case 'rsa-pss':
      return RSA_PSS;
    case 'ed25519':
      return ED25519;
    case 'ec':
      return CURVES.get(publicKey.asymmetricKeyDetails?.namedCurve) ?? OTHER;
    default:
      return OTHER;
  }
}

/** ECDHE_ECDSA with AES-GCM or ChaCha20 (RFC 5289, RFC 7905). */
const ECDSA_SUITES: ReadonlyMap<string, number> = new Map([
  ['ECDHE-ECDSA-AES128-GCM-SHA256', 0xc02b],
  ['ECDHE-ECDSA-AES256-GCM-SHA384', 0xc02c],
  ['ECDHE-ECDSA-CHACHA20-POLY1305', 0xcca9],
]);
const ECDSA_SCHEMES = [0x0403, 0x0503, 0x0603];

/** The suites among these, by OpenSSL's names, by which a TLS 1.2 client can use an elliptic key. */
export function ecdsaSuites(ciphers: readonly string[]): readonly number[] {
  return ciphers.flatMap((cipher) => ECDSA_SUITES.get(cipher) ?? []);
}

/**
 * Whether a client is sure to take a certificate with such a key: in doubt it is not, and gets RSA. `suites` are those of
 * `ecdsaSuites` that the listener has.
 */
export function canUse(hello: ClientHello, kind: KeyKind, suites: readonly number[]): boolean {
  const { signatureSchemes } = hello;
  if (hello.speaksTls13) return kind.schemes.some((scheme) => signatureSchemes.includes(scheme));
  switch (kind.name) {
    case 'ecdsa':
      return (
        kind.group !== undefined &&
        hello.groups.includes(kind.group) &&
        ECDSA_SCHEMES.some((scheme) => signatureSchemes.includes(scheme)) &&
        suites.some((suite) => hello.cipherSuites.includes(suite))
      );
    case 'ed25519':
      return signatureSchemes.includes(0x0807) && suites.some((suite) => hello.cipherSuites.includes(suite));
    case 'rsa':
      return true;
    case 'rsa-pss':
      return kind.schemes.some((scheme) => signatureSchemes.includes(scheme));
    case 'other':
      return false;
  }
}
