import { type KeyObject, X509Certificate } from 'node:crypto';
import { certificateHosts } from '../../lib/certificate-hosts.ts';
import { isMustStaple } from '../../lib/must-staple.ts';
import { certificateBlocks } from '../../lib/pem.ts';

/** What people and lists want to know of a certificate; times in ISO 8601. */
export interface CertificateDescription {
  /** As RFC 4514 writes it; empty where it has no parts. */
  readonly subject: string;
  /** DNS names and addresses that it is for. */
  readonly hosts: readonly string[];
  readonly issuer: string;
  /** Hex digits. */
  readonly serialNumber: string;
  readonly validFrom: string;
  readonly validTo: string;
  /** SHA-256, hex digits in small letters. */
  readonly fingerprint: string;
  /** Such as `RSA 2048`, `ECDSA P-256` or `Ed25519`. */
  readonly keyType: string;
  /** How many certificates there are, the leaf included. */
  readonly chainLength: number;
  /** Whether it demands that an OCSP response goes with it (RFC 7633). */
  readonly mustStaple: boolean;
}

/** Describes the first certificate of a chain; undefined when there is none that can be read. */
export function describeCertificate(pem: string): CertificateDescription | undefined {
  const blocks = certificateBlocks(pem);
  let leaf: X509Certificate;
  try {
    leaf = new X509Certificate(blocks[0] ?? '');
  } catch {
    return undefined;
  }
  return {
    subject: oneLine(leaf.subject),
    hosts: certificateHosts(leaf),
    issuer: oneLine(leaf.issuer),
    serialNumber: leaf.serialNumber.toLowerCase(),
    validFrom: leaf.validFromDate.toISOString(),
    validTo: leaf.validToDate.toISOString(),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    keyType: keyType(leaf.publicKey),
    chainLength: blocks.length,
    mustStaple: isMustStaple(leaf),
  };
}

/** Node has none for a name without parts, and one line for each part in the order of the certificate. */
function oneLine(name: string | undefined): string {
  return (name ?? '').split('\n').reverse().join(',');
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
};

/** A kind of key as people write it. */
export function keyType(key: KeyObject): string {
  const { modulusLength, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return `RSA ${modulusLength}`;
    case 'rsa-pss':
      return `RSA-PSS ${modulusLength}`;
    case 'ec':
      return `ECDSA ${CURVES[namedCurve] ?? namedCurve}`;
    case 'ed25519':
      return 'Ed25519';
    default:
      return key.asymmetricKeyType ?? 'unknown';
  }
}
