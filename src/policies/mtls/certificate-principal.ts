import type { X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  canonicalSerial,
  distinguishedName,
  fingerprintOf,
} from '../../identity/consumers/certificate-names.ts';
import type { Principal } from '../../policy/principal.ts';

/**
 * Whose certificate it is where no consumer has it, by what an authority says; undefined where the certificate has no such name. Neither
 * `CN=…` nor `DNS:…` can be the name of a consumer.
 */
export function certificatePrincipal(leaf: X509Certificate, by: 'subject' | 'san'): Principal | undefined {
  const subject = distinguishedName(leaf.subject);
  const issuer = distinguishedName(leaf.issuer) ?? '';
  const sans = alternativeNames(leaf);
  const name = by === 'subject' ? subject : sans[0];
  if (name === undefined) return undefined;
  return {
    method: 'mtls',
    consumer: name,
    subject: name,
    issuer,
    scopes: [],
    groups: [],
    roles: [],
    claims: {
      issuer,
      serial: canonicalSerial(leaf.serialNumber) ?? '',
      fingerprint: `sha256:${fingerprintOf(leaf)}`,
      sans,
      ...(subject !== undefined && { subject }),
    },
    session: '',
    expiresAtMs: Number.POSITIVE_INFINITY,
  };
}
